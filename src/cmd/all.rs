//! `certs all`: every row of the table that a control plane needs.

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::All;
use crate::facts::Given;

pub(crate) fn request(verb: All) -> Request {
    let mut request = Request::new("all", Select::All, verb.ownership.clone(), verb.run.clone());
    let given = &mut request.given;
    give_cluster(&verb, given);
    verb.node.give(given);
    verb.address.give(given);
    request.kubeconfig_dir = verb.kubeconfig_dir.kubeconfig_dir;
    request.signing = Some(verb.signing);
    request
}

/// What flags state of the whole cluster.
pub(super) fn give_cluster(verb: &All, given: &mut Given) {
    let verb = verb.clone();
    verb.port.give(given);
    verb.endpoint.give(given);
    verb.services.give(given);
    verb.etcd.give(given);
    verb.version.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    verb.ca_validity.give(given);
}
