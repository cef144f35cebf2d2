//! `certs peer`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Peer;
use crate::profile::Phase;

pub(crate) fn request(verb: Peer) -> Request {
    let select = Select::Phase {
        phase: Phase::Peer,
        names: verb.names,
        own: None,
        subject: None,
    };
    let mut request = Request::new("peer", select, verb.ownership, verb.run);
    let given = &mut request.given;
    verb.node.give(given);
    verb.address.give(given);
    verb.etcd.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    request.signing = Some(verb.signing);
    request
}
