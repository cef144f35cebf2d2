//! `certs ca`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Ca;
use crate::profile::Phase;

pub(crate) fn request(verb: Ca) -> Request {
    let select = Select::Phase {
        phase: Phase::Ca,
        names: verb.names,
        own: None,
        subject: verb.subject,
    };
    let mut request = Request::new("ca", select, verb.ownership, verb.run);
    verb.key.give(&mut request.given);
    verb.ca_validity.give(&mut request.given);
    request
}
