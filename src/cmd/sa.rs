//! `certs sa`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Sa;
use crate::profile::Phase;

pub(crate) fn request(verb: Sa) -> Request {
    let select = Select::Phase {
        phase: Phase::Sa,
        names: Vec::new(),
        own: None,
        subject: None,
    };
    let mut request = Request::new("sa", select, verb.ownership, verb.run);
    verb.key.give(&mut request.given);
    request
}
