//! `certs client`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Client;
use crate::profile::Phase;

pub(crate) fn request(verb: Client) -> Request {
    let select = Select::Phase {
        phase: Phase::Client,
        names: verb.names,
        own: Some(verb.own),
        subject: None,
    };
    let mut request = Request::new("client", select, verb.ownership, verb.run);
    let given = &mut request.given;
    verb.node.give(given);
    verb.version.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    request.signing = Some(verb.signing);
    request
}
