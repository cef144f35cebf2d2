//! What is told of the requests in a directory, for who has them signed: `requests.json` beside them.
//!
//! No secrets are in it. `certs import` learns from it which certificates must come back.

use serde::{Deserialize, Serialize};

use crate::key;
use crate::location::{FileId, Root};
use crate::profile::{by_name, identity};
use crate::spec::Spec;
use crate::x509::cert::Certificate;
use crate::x509::request::Request;

/// The version of its form; it changes when a field goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// All requests of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u32,
    /// In issue order.
    pub requests: Vec<Entry>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The name of its profile.
    pub name: String,
    /// Its file.
    pub request: String,
    /// The file in which the certificate is to come back.
    pub certificate: String,
    /// The profile of the CA that is to sign it; none for a CA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where the certificate will be used.
    pub place: String,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// The names it is to be good for.
    pub sans: Vec<String>,
    /// SHA-256 of its public key (SubjectPublicKeyInfo), in hexadecimal.
    pub public_key_sha256: String,
}

impl Manifest {
    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        anyhow::ensure!(
            manifest.schema_version == SCHEMA_VERSION,
            "its schemaVersion is {}, and this program knows {SCHEMA_VERSION}",
            manifest.schema_version
        );
        Ok(manifest)
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Puts a request in the place of the one of its name.
    pub fn put(&mut self, spec: &Spec, request: &Request) {
        self.schema_version = SCHEMA_VERSION;
        let entry = Entry::of(spec, request);
        match self.requests.iter_mut().find(|old| old.name == entry.name) {
            Some(old) => *old = entry,
            None => self.requests.push(entry),
        }
    }
}

impl Entry {
    /// Where its request lies in the tree that made it, beside its key; a kubeconfig may name a pair of files, and that of
    /// a kubelet the one that it keeps both in.
    pub fn places(&self) -> Vec<FileId> {
        let row = by_name(&self.name);
        row.map_or_else(Vec::new, |row| {
            let own = row.stored.public().request();
            let kubelets = FileId::new(Root::Kubelet, FileId::KUBELET_CURRENT);
            vec![
                own,
                FileId::request_in(Root::Pki, row.name),
                kubelets.request(),
            ]
        })
    }

    /// In what a request of this name is not the one that it tells of.
    pub fn differs(&self, name: &str, request: &Request) -> Vec<String> {
        let mut differs = Vec::new();
        let mut hold = |what: &str, is: &str, told: &str| {
            if is != told {
                differs.push(format!("{what} {is}, and requests.json tells of {told}"));
            }
        };
        hold("is for", name, &self.name);
        let (is, told) = (digest(request), &self.public_key_sha256);
        hold("is for the key with the SHA-256", &is, told);
        let quoted = |subject: &str| format!("\"{subject}\"");
        let asked = quoted(&request.asked.subject.to_string());
        hold("asks for the subject", &asked, &quoted(&self.subject));
        differs
    }

    /// Whether it tells of a request with this one's key.
    pub fn is_for(&self, request: &Request) -> bool {
        self.public_key_sha256 == digest(request)
    }

    fn of(spec: &Spec, request: &Request) -> Self {
        let issuer = spec.certificate().and_then(|wanted| wanted.issuer.clone());
        let place = spec.place.public();
        Self {
            name: name(spec).to_owned(),
            request: sent(spec).name,
            certificate: returned(spec).name,
            issuer,
            place: match place.root {
                Root::Kubeconfig => place.name,
                root => format!("{}/{}", root.name(), place.name),
            },
            subject: request.asked.subject.to_string(),
            sans: request.asked.sans.iter().map(ToString::to_string).collect(),
            public_key_sha256: digest(request),
        }
    }
}

fn digest(request: &Request) -> String {
    key::hex(&key::sha256(request.public_key.spki()))
}

/// By which name a certificate is asked for: that of the profile that decides what it gets, also where the
/// kubeconfig has it in a file.
pub fn name(spec: &Spec) -> &str {
    identity(spec).map_or(spec.name.as_str(), |row| row.name)
}

/// The file in which a request goes out.
pub fn sent(spec: &Spec) -> FileId {
    FileId::request_in(Root::Requests, name(spec))
}

/// The file in which its certificate comes back.
pub fn returned(spec: &Spec) -> FileId {
    came(name(spec))
}

/// The file in which the certificate of this name comes back.
pub fn came(name: &str) -> FileId {
    FileId::certificate(Root::Requests, name)
}

/// What the request of a CA that is in use begins with in its tree: the certificate in whose place that is to come
/// which is asked for. With another one there it has had its answer.
pub fn in_place_of(present: &Certificate) -> String {
    format!(
        "In the place of the CA certificate with the SHA-256 {}:\n",
        present.fingerprint()
    )
}

/// The file that tells of all of them.
pub fn manifest() -> FileId {
    FileId::new(Root::Requests, "requests.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_another_version_is_refused() {
        let text = r#"{"schemaVersion": 1, "requests": [{"name": "admin", "request": "admin.csr",
            "certificate": "admin.crt", "issuer": "ca", "place": "admin.conf", "subject": "CN=x", "sans": [],
            "publicKeySha256": "00", "later": 1}]}"#;
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let again = Manifest::parse(manifest.to_json().as_bytes()).unwrap();
        assert_eq!(again, manifest);
        let other = text.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2");
        let error = Manifest::parse(other.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its schemaVersion is 2, and this program knows 1"
        );
        assert!(Manifest::parse(b"{").is_err());
    }
}
