//! `docs/profiles.md`, from the table.

use std::fmt::Write;

use super::{ApiServer, CommonName, Host, Organizations, Profile, Signer, Stored, TABLE};
use crate::location::Root;

/// The text of `docs/profiles.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Profiles\n\n\
         Made from the table in `src/profile/table.rs`, in issue order; a test holds it equal.\n\
         Subjects, usages, names and places are those of kubeadm v1.36.2 and of \"PKI certificates\n\
         and requirements\" (<https://kubernetes.io/docs/setup/best-practices/certificates/>).\n\n\
         | profile | made by | in `all` | CN | O | signed by | kind | names and addresses | stored as |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        let _ = writeln!(
            text,
            "| {} | `certs {}` | {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            row.phase.name(),
            if row.in_all { "yes" } else { "by name" },
            common_name(row.common_name),
            organizations(row),
            match row.signer {
                Signer::Ca(name) => name,
                Signer::Itself => "itself",
                Signer::Nobody => "",
            },
            row.kind.name(),
            row.hosts
                .iter()
                .map(|host| self::host(*host))
                .collect::<Vec<_>>()
                .join(", "),
            stored(row.stored),
        );
    }
    text.push_str("\n## What each is for\n\n");
    for row in TABLE {
        let _ = writeln!(text, "- **{}**: {}.", row.name, row.about);
    }
    text
}

fn common_name(name: CommonName) -> &'static str {
    match name {
        CommonName::Fixed(text) => text,
        CommonName::NodeName => "NODE",
        CommonName::SystemNode => "system:node:NODE",
    }
}

fn organizations(row: &Profile) -> String {
    let mut text = match row.organizations {
        Organizations::Always(list) => list.join(", "),
        Organizations::Since(eras) => {
            let era = |(since, list): &(crate::facts::Version, &[&str])| {
                let list = if list.is_empty() {
                    "none".to_owned()
                } else {
                    list.join(", ")
                };
                if since.minor == 0 {
                    list
                } else {
                    format!("{list} since {since}")
                }
            };
            eras.iter().map(era).collect::<Vec<_>>().join("; ")
        }
    };
    for former in row.formerly {
        let _ = write!(text, " (once {}: accepted)", former.join(", "));
    }
    text
}

fn host(host: Host) -> String {
    match host {
        Host::AdvertiseAddress => "advertise address".to_owned(),
        Host::ApiServerExtra | Host::EtcdPeerExtra | Host::EtcdServerExtra => "extra".to_owned(),
        Host::ControlPlaneEndpoint => "control-plane endpoint".to_owned(),
        Host::Fixed(text) => text.to_owned(),
        Host::NodeAddresses => "node addresses".to_owned(),
        Host::NodeName => "NODE".to_owned(),
        Host::ServiceInDomain(service) => format!("{service}.DOMAIN"),
        Host::ServiceIp => "first service address".to_owned(),
    }
}

fn stored(stored: Stored) -> String {
    match stored {
        Stored::KeyPair(base) => format!("CERT-DIR/{base}.key, .pub"),
        Stored::Kubeconfig(file, ApiServer::Endpoint) => {
            format!("KUBECONFIG-DIR/{file}, to the endpoint")
        }
        Stored::Kubeconfig(file, ApiServer::Local) => {
            format!("KUBECONFIG-DIR/{file}, to this node's API server")
        }
        Stored::Pair(root, base) => {
            let directory = match root {
                Root::Kubeconfig => "KUBECONFIG-DIR",
                Root::Kubelet => "KUBELET-DIR",
                Root::Pki => "CERT-DIR",
                Root::Requests => "CSR-DIR",
            };
            format!("{directory}/{base}.crt, .key")
        }
    }
}
