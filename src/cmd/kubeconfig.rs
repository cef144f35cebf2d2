//! `certs kubeconfig`

use super::generate::Request;
use super::give::Give;
use super::select::Select;
use crate::cli::Kubeconfig;
use crate::profile::Phase;

pub(crate) fn request(verb: Kubeconfig) -> Request {
    let select = Select::Phase {
        phase: Phase::Kubeconfig,
        names: verb.names,
        own: Some(verb.own),
        subject: None,
    };
    let embed = verb.embed_certs;
    let mut request = Request::new("kubeconfig", select, verb.ownership, verb.run);
    let given = &mut request.given;
    verb.node.give(given);
    verb.address.give(given);
    verb.port.give(given);
    verb.endpoint.give(given);
    verb.key.give(given);
    verb.validity.give(given);
    request.embed = embed;
    request.kubeconfig_dir = verb.kubeconfig_dir.kubeconfig_dir;
    request.signing = Some(verb.signing);
    request
}
