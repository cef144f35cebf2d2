//! What is judged of a kubeconfig: whom it trusts, where it points, and its certificate.

use super::Judge;
use crate::finding::Code;
use crate::location::FileId;
use crate::observed::{Kubeconfig, Lead, Source, server};
use crate::spec::{Credentials, Place};

impl Judge<'_> {
    pub(super) fn kubeconfig(&mut self, found: &Kubeconfig) {
        let Some(wanted) = self.spec.certificate() else {
            return;
        };
        let Some(leaf) = found.chain.first() else {
            return;
        };
        self.credentials(found);
        // What it is to name, and names, is judged where it lies.
        let apart = self.is_apart(found);
        if !apart {
            let told = self.findings.len();
            self.key(&found.key, leaf);
            if found.key_file.is_some() && !found.further {
                self.keyless(told);
            }
            if let Some((path, mode)) = &found.key_file {
                self.key_reference(path, *mode);
            }
        }
        self.named(&found.named);
        self.trust(&found.authorities);
        self.trust_beside(&found.beside);
        if let Place::Kubeconfig {
            server: wanted,
            or_server,
            ..
        } = &self.spec.place
            && *wanted != found.server
            && or_server.as_ref() != Some(&found.server)
        {
            self.tell(
                Code::Server,
                &format!(
                    "points at {}, not {}",
                    server::shown(&found.server),
                    server::shown(wanted)
                ),
                "",
            );
        }
        if apart {
            return;
        }
        let told = self.findings.len();
        self.leaf(wanted, leaf, &found.chain[1..]);
        // A certificate in a file of its own has another keeper: a kubelet rotates its own, with
        // the key and the validity that it and its cluster's signer choose.
        if !found.referred {
            self.clocked(leaf, told);
            self.making(wanted, leaf, &found.chain[1..]);
        }
    }

    /// A kubeconfig of a user who has no certificate.
    pub(super) fn lead(&mut self, found: &Lead) {
        self.token_access(found.access);
        match &found.to {
            Ok(to) => {
                self.named(&to.named);
                self.trust(&to.authorities);
            }
            Err(reason) => self.unreadable(reason),
        }
    }

    /// Whether its certificate and key are in the files that it is to name.
    fn is_apart(&self, found: &Kubeconfig) -> bool {
        self.spec.credential_files().is_some_and(|files| {
            let wanted = [&files.certificate, &files.key];
            found.sources[1..]
                .iter()
                .zip(wanted)
                .all(|(source, wanted)| *source == Source::File(wanted.clone()))
        })
    }

    /// Whether all is where it was asked to be.
    fn credentials(&mut self, found: &Kubeconfig) {
        let Place::Kubeconfig { credentials, .. } = &self.spec.place else {
            return;
        };
        let text = match credentials {
            Credentials::AsFound => return,
            Credentials::Embedded => {
                if found
                    .sources
                    .iter()
                    .all(|source| *source == Source::Embedded)
                {
                    return;
                }
                "names files, and was asked to hold what is in them".to_owned()
            }
            Credentials::Files(files) => {
                let is_named = |ca: &FileId| found.sources[0] == Source::File(ca.clone());
                if self.is_apart(found) && files.authorities.as_ref().is_none_or(is_named) {
                    return;
                }
                let ca = files.authorities.as_ref();
                let ca = ca.map_or_else(String::new, |ca| format!("{ca}, "));
                format!(
                    "was asked to name the files {ca}{} and {}, and does not",
                    files.certificate, files.key
                )
            }
        };
        self.tell(Code::KubeconfigFiles, &text, "");
    }
}
