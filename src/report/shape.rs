//! The parts of a report as programs read them: JSON, and the same as YAML.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bundle::is_root;
use crate::diff::anchors;
use crate::finding::{Code, Finding, Severity};
use crate::location::Root;
use crate::observed::Returned;
use crate::profile::by_name;
use crate::spec::Spec;
use crate::store::Store;
use crate::x509::cert::Certificate;
use crate::yaml::{Node, Value};

/// Where everything is.
#[derive(Debug, Serialize)]
pub(super) struct Directories {
    #[serde(serialize_with = "text_of")]
    pub(super) certificates: PathBuf,
    #[serde(serialize_with = "text_of")]
    pub(super) kubeconfigs: PathBuf,
    #[serde(serialize_with = "text_of")]
    pub(super) kubelet: PathBuf,
    /// Of verbs that ask or answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requests: Option<String>,
}

/// One certificate, key pair or kubeconfig.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) phase: &'static str,
    pub(super) kind: &'static str,
    pub(super) step: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) why: Vec<&'static str>,
    #[serde(serialize_with = "texts")]
    pub(super) files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_algorithm: Option<String>,
    /// What is told instead of what was not read.
    #[serde(skip)]
    pub(super) unknown: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    /// Of a certificate that is there or was made; a dry run tells the subject and SANs wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_after: Option<String>,
    /// When it ends, or a CA above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
    pub(super) sans: Vec<String>,
    /// Of what came back, the file that it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// The roots that are trusted from now on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) anchors: Vec<Anchor>,
    /// Of a renewal, against the certificate before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sans_added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sans_removed: Vec<String>,
}

/// Where trust begins, to be compared with what its CA's owner tells of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Anchor {
    pub(super) subject: String,
    pub(super) fingerprint: String,
    /// Who signed it, if it is no root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
}

impl Anchor {
    /// What the cluster trusts from now on, and did not before.
    pub(super) fn of(spec: &Spec, returned: &Returned) -> Vec<Self> {
        if !spec.is_ca() || by_name(&spec.name).is_none() {
            return Vec::new();
        }
        let anchor = |ca: &Certificate| Self {
            subject: ca.subject.to_string(),
            fingerprint: ca.fingerprint(),
            issuer: (!is_root(ca)).then(|| ca.issuer.to_string()),
        };
        anchors(returned).into_iter().map(anchor).collect()
    }
}

/// A finding with its path.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// Of many nodes the one that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    pub(super) code: &'static str,
    pub(super) severity: &'static str,
    pub(super) name: String,
    #[serde(serialize_with = "text_of")]
    pub(super) file: PathBuf,
    pub(super) text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) way_out: String,
    /// What says that it is a finding.
    pub(super) citation: String,
    #[serde(skip)]
    pub(super) level: Severity,
}

impl Directories {
    pub(super) fn of(store: &Store) -> Self {
        let path = |root| store.root(root).to_path_buf();
        Self {
            certificates: path(Root::Pki),
            kubeconfigs: path(Root::Kubeconfig),
            kubelet: path(Root::Kubelet),
            requests: None,
        }
    }
}

impl Told {
    pub(super) fn of(finding: &Finding, store: &Store) -> Self {
        let file = store.path(&finding.file);
        let (text, way_out) = (finding.text.clone(), finding.way_out.clone());
        Self::new(finding.code, &finding.name, file, text, way_out)
    }

    /// The same of one of many nodes.
    pub(super) fn of_node(finding: &Finding, store: &Store, node: &str) -> Self {
        let mut told = Self::of(finding, store);
        told.node = Some(node.to_owned());
        told
    }

    /// The journal of a run that was interrupted.
    pub(super) fn of_journal(journal: PathBuf, unjudged: &str) -> Self {
        let text = format!("tells of a run that was interrupted, so {unjudged}");
        let way_out = "the next run that writes completes it".into();
        Self::new(Code::InterruptedRun, "", journal, text, way_out)
    }

    pub(super) fn new(
        code: Code,
        name: &str,
        file: PathBuf,
        text: String,
        way_out: String,
    ) -> Self {
        Self {
            node: None,
            code: code.id(),
            severity: code.severity().name(),
            name: name.to_owned(),
            file,
            text,
            way_out,
            citation: code.citation().to_string(),
            level: code.severity(),
        }
    }
}

/// JSON is UTF-8, paths need not be: what is none is shown as U+FFFD, where serde would fail.
pub(super) fn text_of<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

pub(super) fn texts<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.display().to_string()))
}

/// As JSON.
pub(super) fn json(report: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(report).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The JSON form as YAML.
pub(super) fn yaml(report: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(report).unwrap_or_default();
    crate::yaml::write(&node(value)).as_bytes().to_vec()
}

fn node(value: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    match value {
        Json::Array(items) => Node::list(items.into_iter().map(node)),
        Json::Bool(value) => Value::Bool(value).into(),
        Json::Null => Value::Null.into(),
        Json::Number(number) => Value::Integer(number.as_i64().unwrap_or_default().into()).into(),
        Json::Object(fields) => {
            let fields: Vec<(String, Node)> = fields
                .into_iter()
                .map(|(key, value)| (key, node(value)))
                .collect();
            Value::Map(fields).into()
        }
        Json::String(text) => Node::text(&text),
    }
}

/// In RFC 3339, whole seconds. Every time of a certificate lies in the years that it knows.
pub fn timestamp(time: OffsetDateTime) -> String {
    time.replace_nanosecond(0)
        .unwrap_or(time)
        .format(&Rfc3339)
        .unwrap_or_default()
}
