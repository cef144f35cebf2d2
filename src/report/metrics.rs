//! A check for Prometheus, in its text format, with the names and labels of x509-certificate-exporter:
//! what was made for that exporter reads this too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use time::OffsetDateTime;

use super::shape::Told;
use crate::finding::Severity;
use crate::observed::{Kubeconfig, Observed};
use crate::spec::Spec;
use crate::store::Store;
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::name::is_hidden;

/// What of a name is told, by object identifier.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("C", "2.5.4.6"),
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("ST", "2.5.4.8"),
];

/// Each metric and what it tells, in the order of the text.
const METRICS: [(&str, &str); 5] = [
    (
        "x509_cert_not_before",
        "When the certificate begins to be valid, in Unix time",
    ),
    (
        "x509_cert_not_after",
        "When the certificate ends, in Unix time",
    ),
    ("x509_cert_expired", "Whether the certificate has ended"),
    (
        "x509_cert_error",
        "Whether the certificate could not be read",
    ),
    ("certs_findings", "What 'certs check' found, by severity"),
];

/// Whether all of this is what [`Metrics::render`] gives.
pub(super) fn are_metrics(text: &str) -> bool {
    let mut rest = text;
    for (name, help) in METRICS {
        let Some(samples) = rest.strip_prefix(&heading(name, help)) else {
            return false;
        };
        rest = samples;
        let sample = format!("{name}{{");
        while rest.starts_with(&sample) {
            match rest.split_once('\n') {
                Some((_, further)) => rest = further,
                None => return false,
            }
        }
    }
    rest.is_empty()
}

fn heading(name: &str, help: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} gauge\n")
}

/// The samples of each metric: no two with the same labels.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    error: BTreeMap<String, i64>,
    /// Of each certificate when it begins, when it ends, and whether it has.
    certificates: BTreeMap<String, [i64; 3]>,
    /// Of many nodes the one that these are of.
    node: Option<String>,
}

const NODE: &str = "node";

type Labels = Vec<(String, String)>;

impl Metrics {
    /// Every certificate in the place of `spec`.
    pub(super) fn add(
        &mut self,
        spec: &Spec,
        observed: &Observed,
        store: &Store,
        now: OffsetDateTime,
    ) {
        let Some(_) = spec.certificate() else {
            return;
        };
        let path = store.path(&spec.place.public());
        let absolute = store.absolute(&path).unwrap_or(path).display().to_string();
        let mut file = vec![
            ("filename".to_owned(), base(&absolute).to_owned()),
            ("filepath".to_owned(), absolute.clone()),
        ];
        file.extend(self.node.iter().map(|node| (NODE.to_owned(), node.clone())));
        match observed {
            Observed::Certificate { chain, .. } => {
                let entry = spec.place.entry();
                let embedded = entry.map(|entry| {
                    let kind = ("embedded_kind".to_owned(), entry.kind.name().to_owned());
                    [kind, ("embedded_key".to_owned(), entry.name.clone())]
                });
                let labels = [&file[..], embedded.as_ref().map_or(&[][..], |both| both)].concat();
                self.all(chain, &labels, now);
            }
            Observed::Kubeconfig(Kubeconfig {
                authorities,
                chain,
                cluster,
                user,
                ..
            }) => {
                for (kind, name, certificates) in
                    [("cluster", cluster, authorities), ("user", user, chain)]
                {
                    let embedded = [("embedded_kind", kind), ("embedded_key", name)];
                    let embedded = embedded.map(|(key, value)| (key.to_owned(), value.to_owned()));
                    self.all(certificates, &[&file[..], &embedded].concat(), now);
                }
            }
            Observed::Lead(lead) => {
                if let Ok(to) = &lead.to {
                    let embedded = [("embedded_kind", "cluster"), ("embedded_key", &to.cluster)];
                    let embedded = embedded.map(|(key, value)| (key.to_owned(), value.to_owned()));
                    self.all(&to.authorities, &[&file[..], &embedded].concat(), now);
                }
            }
            _ => {}
        }
        let read = match observed {
            Observed::Certificate { .. } | Observed::Kubeconfig(_) => true,
            Observed::Lead(lead) => lead.to.is_ok(),
            _ => false,
        };
        // Of several entries of a file one is enough.
        let error = self.error.entry(shown(file)).or_default();
        *error = i64::from(!read).max(*error);
    }

    fn all(
        &mut self,
        certificates: &[Certificate],
        file: &[(String, String)],
        now: OffsetDateTime,
    ) {
        for certificate in certificates {
            let mut labels = file.to_vec();
            labels.extend(named("issuer", &certificate.issuer));
            labels.extend(named("subject", &certificate.subject));
            labels.push(("serial_number".to_owned(), certificate.serial.decimal()));
            let labels = shown(labels);
            let validity = &certificate.validity;
            let samples = [
                validity.not_before.unix_timestamp(),
                validity.not_after.unix_timestamp(),
                i64::from(validity.has_ended(now)),
            ];
            self.certificates.insert(labels, samples);
        }
    }

    /// Of this node alone.
    pub(super) fn of(node: Option<String>) -> Self {
        Self {
            node,
            ..Self::default()
        }
    }

    /// Those of one of many nodes.
    pub(super) fn extend(&mut self, one: Self) {
        self.error.extend(one.error);
        self.certificates.extend(one.certificates);
    }

    /// The whole text, with how many findings there are.
    pub(super) fn render(&self, findings: &[Told], nodes: &[&str]) -> Vec<u8> {
        let mut text = String::new();
        let mut metrics = METRICS.into_iter();
        for ((name, help), of_three) in metrics.by_ref().take(3).zip(0..) {
            text.push_str(&heading(name, help));
            for (labels, values) in &self.certificates {
                let value: i64 = values[of_three];
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
        let counts = counts(findings, nodes);
        for ((name, help), samples) in metrics.zip([&self.error, &counts]) {
            text.push_str(&heading(name, help));
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
        text.into_bytes()
    }
}

/// Of each node that was looked at, or of the one tree.
fn counts(findings: &[Told], nodes: &[&str]) -> BTreeMap<String, i64> {
    let levels = [Severity::Error, Severity::Note, Severity::Warning];
    let labels = |node: Option<&str>, level: Severity| {
        let node = node.map(|node| (NODE.to_owned(), node.to_owned()));
        let level = ("severity".to_owned(), level.name().to_owned());
        shown(node.into_iter().chain([level]).collect())
    };
    let mut counts = BTreeMap::new();
    for level in levels {
        let none = nodes.iter().map(|node| (labels(Some(*node), level), 0));
        counts.extend(none);
        if nodes.is_empty() {
            counts.insert(labels(None, level), 0);
        }
    }
    for told in findings {
        *counts
            .entry(labels(told.node.as_deref(), told.level))
            .or_default() += 1;
    }
    counts
}

fn named<'a>(whose: &'a str, name: &'a Name) -> impl Iterator<Item = (String, String)> + 'a {
    ATTRIBUTES.iter().filter_map(move |(label, kind)| {
        // Of several the first, as that exporter tells it; of common names the one that counts.
        let value = match *label {
            "CN" => name.common_name(),
            _ => name.first(kind),
        };
        Some((format!("{whose}_{label}"), value?))
    })
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// `a="b",c="d"`, in order; an empty value says what a lacking label says.
fn shown(labels: Labels) -> String {
    let labels: BTreeSet<(String, String)> = labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let labels = labels
        .into_iter()
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(&value)));
    labels.collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
        // A terminal may show them.
        .replace(is_hidden, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_in_order_and_never_empty() {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = vec![
            label("b", "a\"b\\c\nd"),
            label("a", "x\u{1b}"),
            label("c", ""),
        ];
        assert_eq!(shown(labels), "a=\"x\u{fffd}\",b=\"a\\\"b\\\\c\\nd\"");
    }
}
