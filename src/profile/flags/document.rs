//! `docs/flags.md`, from the table.

use std::fmt::Write as _;

use super::{BOOTSTRAP_KUBECONFIG, COMPONENTS, Port, SIGNING, Source, Value, key, public};
use crate::location::Root;
use crate::profile::signing_file_of;

const EXTERNAL: &str = ", or nothing where the key is somewhere else";

/// The text of `docs/flags.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Flags\n\n\
         Made from the table in `src/profile/flags.rs`; a test holds it equal. `certs flags COMPONENT` prints the options by\n\
         which a component uses the tree, with the values of this cluster: paths, addresses, names that certificates carry.\n\
         They are those of kubeadm's static pods. What else a component needs (authorization, admission, storage) is not here.\n\
         A node whose advertise address is a loopback one has etcd there alone: others may run beside it on that machine.\n\n\
         - `--output args`, the default: an option a line, as `--NAME=VALUE`, not quoted\n\
         - `--output yaml`: the command of a static pod's manifest\n\
         - `--output env`: the environment of etcd, for a unit's `EnvironmentFile`\n\
         - `--output config`: the configuration file of the kubelet and of kube-proxy\n",
    );
    for component in COMPONENTS {
        let _ = write!(text, "\n## {}\n\n", component.name);
        if let Some(config) = component.config {
            let _ = writeln!(text, "| option | value | field of {} |", config.kind);
            text.push_str("|---|---|---|\n");
        } else {
            text.push_str("| option | value |\n|---|---|\n");
        }
        for row in component.options {
            let _ = write!(text, "| `--{}` | {} |", row.flag, described(row.source));
            match (component.config, row.field) {
                (Some(_), Some(field)) => {
                    let _ = write!(text, " `{field}` |");
                }
                (Some(_), None) => text.push_str(" an option only |"),
                (None, _) => {}
            }
            text.push('\n');
        }
    }
    text
}

fn described(source: Source) -> String {
    let file = |value: Value| match value {
        Value::File(file) => format!("{}/{}", directory(file.root), file.name),
        _ => String::new(),
    };
    let etcd = |local: Value, field: &str| format!("{}, or `etcd.external.{field}`", file(local));
    match source {
        Source::AdvertiseAddress => "the advertise address".to_owned(),
        Source::BootstrapKubeconfig => format!("KUBECONFIG-DIR/{BOOTSTRAP_KUBECONFIG}"),
        Source::BindPort => "the port".to_owned(),
        Source::ClusterName => "the cluster's name".to_owned(),
        Source::CommonNameOf(name) => format!("the common name of {name}"),
        Source::Directory(root) => directory(root).to_owned(),
        Source::EtcdAdvertisedUrl(port) => format!("`https://ADDRESS:{}`", port as u16),
        Source::EtcdCa => etcd(public("etcd-ca"), "caFile"),
        Source::EtcdClientCertificate => etcd(public("apiserver-etcd-client"), "certFile"),
        Source::EtcdClientKey => etcd(key("apiserver-etcd-client"), "keyFile"),
        Source::EtcdListenUrls(Port::Client) => {
            format!(
                "`https://127.0.0.1:{0},https://ADDRESS:{0}`",
                Port::Client as u16
            )
        }
        Source::EtcdListenUrls(Port::Peer) => format!("`https://ADDRESS:{}`", Port::Peer as u16),
        Source::EtcdMembers => {
            format!(
                "`NODE=https://ADDRESS:{}`, and each `--etcd-member`",
                Port::Peer as u16
            )
        }
        Source::EtcdServers => format!(
            "`https://127.0.0.1:{}`, or `etcd.external.endpoints`",
            Port::Client as u16
        ),
        Source::EtcdState => "`new`, or `existing` on a control plane that joins".to_owned(),
        Source::Fixed(text) => format!("`{text}`"),
        Source::Key(name) => file(key(name)),
        Source::NodeName => "the node's name".to_owned(),
        Source::Public(name) => file(public(name)),
        Source::ServiceAccountIssuer => "`https://kubernetes.default.svc.DOMAIN`".to_owned(),
        Source::ServiceCidr => "the service CIDR".to_owned(),
        Source::SigningCertificate => {
            let apart = Value::File(signing_file_of(SIGNING));
            let own = file(public(SIGNING));
            format!("{own}, or {} where it is there{EXTERNAL}", file(apart))
        }
        Source::SigningKey => format!("{}{EXTERNAL}", file(key(SIGNING))),
        Source::True => "`true`".to_owned(),
    }
}

fn directory(root: Root) -> &'static str {
    match root {
        Root::Kubeconfig => "KUBECONFIG-DIR",
        Root::Kubelet => "KUBELET-DIR",
        Root::Pki => "CERT-DIR",
        Root::Requests => "CSR-DIR",
    }
}
