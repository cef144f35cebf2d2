//! `certs all`: every row of the table that a control plane needs.

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::All;

pub(crate) fn request(verb: All) -> Request {
    let mut request = Request::new("all", Select::All, verb.ownership, verb.run);
    let given = &mut request.given;
    verb.node.give(given);
    verb.address.give(given);
    verb.port.give(given);
    verb.endpoint.give(given);
    verb.services.give(given);
    verb.etcd.give(given);
    verb.version.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    verb.ca_validity.give(given);
    request.kubeconfig_dir = verb.kubeconfig_dir.kubeconfig_dir;
    request.signing = Some(verb.signing);
    request
}
