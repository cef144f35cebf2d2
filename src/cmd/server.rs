//! `certs server`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Server;
use crate::profile::Phase;

pub(crate) fn request(verb: Server) -> Request {
    let select = Select::Phase {
        phase: Phase::Server,
        names: verb.names,
        own: None,
        subject: None,
    };
    let mut request = Request::new("server", select, verb.ownership, verb.run);
    let given = &mut request.given;
    verb.node.give(given);
    verb.address.give(given);
    verb.endpoint.give(given);
    verb.services.give(given);
    verb.etcd.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    verb.node_ip.give(given);
    request.kubelet_dir = verb.kubelet_dir.kubelet_dir;
    request.signing = Some(verb.signing);
    request
}
