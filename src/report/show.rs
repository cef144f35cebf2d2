//! What is in a file, in plain words, and as programs read it.

mod text;

use serde::Serialize;
use time::OffsetDateTime;

use super::lines::line;
use super::shape::{json, timestamp, yaml};
use super::{Format, Output, SCHEMA_VERSION};
use crate::bundle::{is_root, verifies};
use crate::key::{PublicKey, hex};
use crate::kubeconfig::{Outline, Source};
use crate::observed::server;
use crate::show::{self, Content, Identity};
use crate::x509::cert::Certificate;
use crate::x509::request::Request;
use crate::x509::validity::moment;

/// What is in a file. Its serialized form is documented in `docs/output.md`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    schema_version: u32,
    command: &'static str,
    time: String,
    file: String,
    parts: Vec<Part>,
}

/// One thing in it. Each field is there where there is something to say.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sans: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_usage: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extended_key_usage: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified_by: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    possession: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_context: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contexts: Vec<Context>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clusters: Vec<Cluster>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the text says of it beyond that: label and sentence.
    #[serde(skip)]
    more: Vec<(&'static str, String)>,
    #[serde(skip)]
    title: String,
}

#[derive(Debug, Serialize)]
struct Context {
    name: String,
    cluster: String,
    user: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    name: String,
    server: String,
    authorities: String,
    insecure: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: String,
    certificate: String,
    key: String,
    /// The names of the fields alone: what they hold may be a secret.
    others: Vec<&'static str>,
}

impl Shown {
    /// The parts of `file`. `authorities` are CA certificates that may have signed, each with what it
    /// is called.
    pub fn new(
        file: &str,
        parts: &[show::Part],
        authorities: &[(String, Certificate)],
        now: OffsetDateTime,
    ) -> Self {
        let mut cas = Vec::new();
        for part in parts {
            if let Content::Certificate(certificate) = &part.content
                && certificate.is_ca()
            {
                cas.push((
                    format!("{} in this file", certificate.subject),
                    (**certificate).clone(),
                ));
            }
        }
        cas.extend_from_slice(authorities);
        Self {
            schema_version: SCHEMA_VERSION,
            command: "show",
            time: timestamp(now),
            file: file.to_owned(),
            parts: parts.iter().map(|part| Part::of(part, &cas, now)).collect(),
        }
    }

    /// Whether something in it cannot be read.
    pub fn is_unreadable(&self) -> bool {
        self.parts.iter().any(|part| part.kind == "unreadable")
    }

    /// For standard output.
    pub fn render(&self, format: &Format) -> Vec<u8> {
        match format.output {
            Output::Json => json(self),
            Output::Yaml => yaml(self),
            Output::Text => {
                let mut text = String::new();
                for (index, part) in self.parts.iter().enumerate() {
                    if index > 0 {
                        line(&mut text, "");
                    }
                    part.write(&mut text, format);
                }
                text.into_bytes()
            }
        }
    }
}

impl Part {
    fn of(part: &show::Part, cas: &[(String, Certificate)], now: OffsetDateTime) -> Self {
        let mut told = match &part.content {
            Content::Certificate(certificate) => Self::certificate(certificate, cas, now),
            Content::Kubeconfig(outline) => Self::kubeconfig(outline),
            Content::Locked => Self {
                kind: "encrypted-private-key",
                title: "Private key, encrypted: nothing of it can be told without its passphrase"
                    .into(),
                ..Self::default()
            },
            Content::PrivateKey(key) => Self::key("private-key", "Private key", key),
            Content::PublicKey(key) => Self::key("public-key", "Public key", key),
            Content::Request(request, unproven) => Self::request(request, unproven.as_deref()),
            Content::Unreadable(reason) => Self {
                kind: "unreadable",
                title: "Something that cannot be read".into(),
                reason: Some(reason.clone()),
                ..Self::default()
            },
        };
        told.within.clone_from(&part.within);
        // In a kubeconfig lies none that signs tokens.
        if let (None, Content::PrivateKey(key) | Content::PublicKey(key)) =
            (&part.within, &part.content)
        {
            told.token_key_id = Some(key.token_key_id());
        }
        told
    }

    fn key(kind: &'static str, title: &str, key: &PublicKey) -> Self {
        Self {
            kind,
            title: title.to_owned(),
            key_algorithm: Some(key.kind().to_owned()),
            public_key_fingerprint: Some(hex(&key.fingerprint())),
            ..Self::default()
        }
    }

    fn certificate(
        certificate: &Certificate,
        cas: &[(String, Certificate)],
        now: OffsetDateTime,
    ) -> Self {
        let validity = &certificate.validity;
        let (state, left) = if validity.has_ended(now) {
            ("expired", "it has ended".to_owned())
        } else if validity.is_to_begin(now) {
            ("not-yet-valid", "it has not begun".to_owned())
        } else {
            let days = (validity.not_after - now).whole_days();
            ("valid", format!("{days} days left"))
        };
        let mut verified: Vec<String> = Vec::new();
        for (name, ca) in cas {
            if verifies(certificate, ca) && ca != certificate && !verified.contains(name) {
                verified.push(name.clone());
            }
        }
        if is_root(certificate) {
            verified.insert(0, "itself".to_owned());
        }
        let what = if certificate.is_ca() {
            "CA certificate"
        } else {
            "Certificate"
        };
        let texts = |names: &[&'static str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut part = Self {
            kind: "certificate",
            title: format!("{what} of {}", certificate.subject),
            subject: Some(certificate.subject.to_string()),
            issuer: Some(certificate.issuer.to_string()),
            serial_number: Some(certificate.serial.to_string()),
            not_before: Some(timestamp(validity.not_before)),
            not_after: Some(timestamp(validity.not_after)),
            state: Some(state),
            ca: Some(certificate.is_ca()),
            sans: certificate.sans.iter().map(ToString::to_string).collect(),
            key_usage: texts(&certificate.key_usage.unwrap_or_default().names()),
            extended_key_usage: certificate
                .extended_key_usage
                .iter()
                .map(ToString::to_string)
                .collect(),
            fingerprint: Some(certificate.fingerprint()),
            verified_by: verified,
            ..Self::key("certificate", "", &certificate.public_key)
        };
        part.more.push((
            "valid",
            format!(
                "from {} until {} ({left})",
                moment(validity.not_before),
                moment(validity.not_after)
            ),
        ));
        part.title = format!("{what} of {}", certificate.subject);
        part.kubernetes(show::identity(certificate), &show::rows(certificate));
        part
    }

    fn request(request: &Request, unproven: Option<&str>) -> Self {
        let asked = &request.asked;
        let mut part = Self {
            title: format!("Request for a certificate of {}", asked.subject),
            subject: Some(asked.subject.to_string()),
            ca: asked.basic_constraints.map(|constraints| constraints.ca),
            sans: asked.sans.iter().map(ToString::to_string).collect(),
            key_usage: asked
                .key_usage
                .unwrap_or_default()
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            extended_key_usage: asked
                .extended_key_usage
                .iter()
                .map(ToString::to_string)
                .collect(),
            possession: Some(unproven.is_none()),
            reason: unproven.map(str::to_owned),
            ..Self::key("request", "", &request.public_key)
        };
        part.kubernetes(show::asked_identity(request), &show::asked_rows(request));
        part
    }

    fn kubeconfig(outline: &Outline) -> Self {
        let broken = |entry: &str, field: &str| {
            let mut broken = outline.broken.iter();
            broken.any(|broken| broken.entry == entry && broken.field == field)
        };
        let kept = |source: Option<&Source>, entry: &str, field: &str| match source {
            _ if broken(entry, field) => "unreadable".to_owned(),
            None => "none".to_owned(),
            Some(Source::Data { .. }) => "embedded".to_owned(),
            Some(Source::File { path, .. }) => path.clone(),
        };
        let mut part = Self {
            kind: "kubeconfig",
            title: "Kubeconfig".into(),
            current_context: outline.current.clone(),
            ..Self::default()
        };
        for context in &outline.contexts {
            part.contexts.push(Context {
                name: context.name.clone(),
                cluster: context.cluster.clone(),
                user: context.user.clone(),
            });
        }
        for cluster in &outline.clusters {
            part.clusters.push(Cluster {
                name: cluster.name.clone(),
                server: server::shown(&cluster.server),
                authorities: kept(
                    cluster.authorities.as_ref(),
                    &format!("cluster {}", cluster.name),
                    "certificate-authority-data",
                ),
                insecure: cluster.insecure,
            });
        }
        for user in &outline.users {
            let entry = format!("user {}", user.name);
            part.users.push(User {
                name: user.name.clone(),
                certificate: kept(user.certificate.as_ref(), &entry, "client-certificate-data"),
                key: kept(user.key.as_ref(), &entry, "client-key-data"),
                others: user.others.clone(),
            });
        }
        part
    }

    /// What Kubernetes makes of it.
    fn kubernetes(
        &mut self,
        identity: Option<Identity>,
        rows: &[&'static crate::profile::Profile],
    ) {
        if let Some(Identity { user, groups }) = identity {
            let mut sentence = format!("user {user}");
            if !groups.is_empty() {
                sentence = format!("{sentence}, in {}", groups.join(", "));
            }
            if groups.iter().any(|group| group == "system:masters") {
                sentence.push_str(": no authorization stops it");
            }
            self.more.push(("is", sentence));
            self.user = Some(user);
            self.groups = Some(groups);
        }
        for row in rows {
            self.more
                .push(("could be", format!("{}: {}", row.name, row.about)));
            self.profiles.push(row.name);
        }
    }
}
