//! What a request asks for against what its profile gives. A certificate is made from the profile
//! alone: what is asked beyond it would be left out in silence, and is refused by name.

use std::collections::BTreeMap;

use super::Judge;
use super::leaf::{MOST, folded, is_master};
use super::place::of_others;
use super::signer::{Held, Signers, is_for, signer};
use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::observed::{Access, Observed};
use crate::profile::{Host, by_name};
use crate::requests::Manifest;
use crate::spec::{CertificateSpec, Spec};
use crate::x509::cert::Certificate;
use crate::x509::request::Request;
use crate::x509::san::San;

/// The way out where the request is wrong in itself.
const ANEW: &str = "have it requested anew";

/// The way out where it is of another node, or for something else, than was said.
pub(super) const OF_ANOTHER: &str =
    "state its node with --node-name, name its profile with --as, or have it requested anew";

/// The way out where a file is of no use.
const MOVE: &str = "move it away, or have it requested anew";

impl Judge<'_> {
    /// What was issued for a request before.
    pub(super) fn issued(&mut self, request: &Request, chain: &[Certificate], access: Access) {
        let (Some(wanted), Some((leaf, above))) = (self.spec.certificate(), chain.split_first())
        else {
            return;
        };
        self.taken_as_it_stands(access);
        if leaf.public_key != request.public_key {
            let text = format!("is not for the key of {}", self.spec.place.key().name);
            let mut finding = self.finding(Code::KeyMismatch, &text, "");
            finding.file = self.spec.place.public();
            self.findings.push(finding);
        }
        self.leaf(wanted, leaf, above);
        self.making(wanted, leaf, above);
    }
}

/// What is wrong about a request for `spec`. `trusted` are the users who may own it: who can write it
/// chooses the key that is certified.
pub fn request(spec: &Spec, observed: &Observed, trusted: &[u32]) -> Vec<Finding> {
    let mut judge = Judge::of(spec);
    match (spec.certificate(), observed) {
        (
            Some(wanted),
            Observed::Request {
                request, access, ..
            },
        ) => {
            judge.findings = of_others(&spec.name, &spec.place.key(), *access, trusted);
            judge.request(wanted, request);
            if is_master(&wanted.subject) {
                let text = "is granted membership in system:masters";
                judge.told_of_request(Code::SystemMasters, text, "");
            }
        }
        (_, Observed::Unreadable(reasons, _)) => {
            for unreadable in reasons {
                judge.unreadable(unreadable);
            }
            for finding in &mut judge.findings {
                MOVE.clone_into(&mut finding.way_out);
            }
        }
        _ => judge.told_of_request(Code::Unreadable, "is no longer there", ANEW),
    }
    judge.findings
}

/// That a request is for a key that signs for the cluster, of what is `there`: whoever would use the certificate
/// could make any other.
pub fn signs(
    spec: &Spec,
    request: &Request,
    there: &BTreeMap<String, Observed>,
) -> Option<Finding> {
    let signer = signer(&request.public_key, &Signers::held(there, Held::Anywhere))?;
    let mut judge = Judge::of(spec);
    let way_out = "have it requested anew with a key of its own";
    judge.told_of_request(Code::RequestKey, &is_for(&signer), way_out);
    judge.findings.pop()
}

/// That a request is not the one that the list beside it tells of: whoever had the medium may have put another there.
pub fn listed(spec: &Spec, request: &Request, list: &Manifest) -> Vec<Finding> {
    let mut judge = Judge::of(spec);
    let file = spec.place.key().name;
    for entry in list.requests.iter().filter(|entry| entry.request == file) {
        for text in entry.differs(&spec.name, request) {
            judge.told_of_request(Code::RequestKey, &text, ANEW);
        }
    }
    judge.findings
}

/// Gives the certificate the names that the request asks for and the facts do not state, where it is
/// a server's; each is told.
pub fn take_sans(spec: &mut Spec, request: &Request) -> Vec<Finding> {
    let Some(wanted) = spec.certificate() else {
        return Vec::new();
    };
    let asked = request.asked.sans.iter();
    let taken: Vec<San> = asked
        .filter(|san| may_be_taken(wanted, san) && !holds(&wanted.sans, san))
        .cloned()
        .collect();
    let mut judge = Judge::of(spec);
    for san in &taken {
        judge.told_of_request(
            Code::RequestSanTaken,
            &format!("is granted the SAN {san}"),
            "",
        );
    }
    let findings = judge.findings;
    spec.add_sans(taken);
    findings
}

impl Judge<'_> {
    fn request(&mut self, wanted: &CertificateSpec, request: &Request) {
        let asked = &request.asked;
        let supported = |key: KeyAlgorithm| key.may_sign_certificates();
        if !request.public_key.algorithm().is_some_and(supported) {
            let text = format!(
                "is for a key of the kind {}, and RSA of 2048 to 8192 bits, P-256, P-384 and P-521 are supported",
                request.public_key.kind()
            );
            self.told_of_request(Code::RequestKey, &text, ANEW);
        } else if let Err(error) = request.prove_possession() {
            let text = format!("does not prove that its key is there: {error:#}");
            self.told_of_request(Code::RequestSignature, &text, ANEW);
        }
        if !asked.subject.is_empty() && !asked.subject.same_attributes(&wanted.subject) {
            let text = format!(
                "asks for the subject \"{}\", and {} has \"{}\"",
                asked.subject, self.spec.name, wanted.subject
            );
            let way_out = OF_ANOTHER;
            self.told_of_request(Code::RequestSubject, &text, way_out);
        }
        self.requested_names(wanted, request);
        if asked
            .basic_constraints
            .is_some_and(|constraints| constraints.ca)
        {
            self.told_of_request(Code::RequestCa, "asks to be a CA", ANEW);
        }
        self.requested_usages(wanted, request);
        for oid in &request.others {
            let text = format!("asks for the extension {oid}");
            self.told_of_request(Code::RequestExtension, &text, ANEW);
        }
    }

    /// All at once: whoever is to state them reads one line, and not one for each of a thousand.
    fn requested_names(&mut self, wanted: &CertificateSpec, request: &Request) {
        let beyond = request.asked.sans.iter();
        let beyond = beyond.filter(|san| !holds(&wanted.sans, san));
        let (taken, refused): (Vec<&San>, Vec<&San>) =
            beyond.partition(|san| may_be_taken(wanted, san));
        let names = || refused.iter().chain(&taken);
        if names().next().is_none() {
            return;
        }
        let listed = names().map(|san| match unfit(san) {
            Some(reason) => format!("{san} (it {reason})"),
            None => san.to_string(),
        });
        let text = format!(
            "asks for the {}, which the facts do not state",
            list("SAN", listed)
        );
        let them = if taken.len() == 1 { "it" } else { "them" };
        let flags = ways_to_state(&self.spec.name, &taken, them);
        let way_out = if refused.is_empty() {
            format!("take {them} with --accept-sans{flags}")
        } else if taken.is_empty() {
            ANEW.to_owned()
        } else {
            let refused = list("SAN", refused.iter().map(ToString::to_string));
            format!("{ANEW} without the {refused}; what is left is taken with --accept-sans{flags}")
        };
        self.told_of_request(Code::RequestSan, &text, &way_out);
    }

    fn requested_usages(&mut self, wanted: &CertificateSpec, request: &Request) {
        let algorithm = request.public_key.algorithm();
        let granted = wanted.key_usage(algorithm.unwrap_or(KeyAlgorithm::EcdsaP256));
        let beyond = request.asked.key_usage.unwrap_or_default().without(granted);
        let beyond = beyond
            .names()
            .into_iter()
            .map(|name| format!("key usage {name}"));
        let others = request.asked.extended_key_usage.iter();
        let others = others
            .filter(|usage| !wanted.extended_key_usage().contains(usage))
            .map(|usage| format!("extended key usage {usage}"));
        for usage in beyond.chain(others) {
            let text = format!("asks for the {usage}, which {} has not", self.spec.name);
            self.told_of_request(Code::RequestUsage, &text, ANEW);
        }
    }

    fn told_of_request(&mut self, code: Code, text: &str, way_out: &str) {
        self.findings.push(Finding {
            code,
            name: self.spec.name.clone(),
            file: self.spec.place.key(),
            text: text.to_owned(),
            way_out: way_out.to_owned(),
        });
    }
}

/// Whether a name may be taken from a request: a host's, for a server.
fn may_be_taken(wanted: &CertificateSpec, san: &San) -> bool {
    let host = matches!(san, San::Dns(_) | San::Ip(_));
    host && !wanted.sans.is_empty() && unfit(san).is_none()
}

/// The flags that state such names of a row, if there are any for all of them.
fn ways_to_state(row: &str, names: &[&San], them: &str) -> String {
    let hosts = by_name(row).map_or(&[][..], |row| row.hosts);
    let addresses = names.iter().all(|san| matches!(san, San::Ip(_)));
    let flag = hosts.iter().find_map(|host| match host {
        Host::ApiServerExtra => Some("--apiserver-cert-extra-sans"),
        Host::EtcdPeerExtra | Host::EtcdServerExtra => Some("--etcd-extra-sans"),
        Host::NodeAddresses if addresses => Some("--node-ip"),
        _ => None,
    });
    flag.map_or_else(String::new, |flag| format!(", or state {them} with {flag}"))
}

/// As many of them as anybody would read.
fn list(noun: &str, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let further = names.len().saturating_sub(MOST);
    let told = names[..names.len() - further].join(", ");
    let more = if further > 0 {
        format!(" and {further} more")
    } else {
        String::new()
    };
    format!("{noun}{plural} {told}{more}")
}

/// Why a DNS name is none by the rule that flags have.
fn unfit(san: &San) -> Option<String> {
    match san {
        San::Dns(name) => match San::parse(name) {
            Ok(San::Dns(_)) => None,
            Ok(_) => Some("is an address, and is asked for as a DNS name".to_owned()),
            Err(reason) => Some(reason),
        },
        _ => None,
    }
}

/// DNS names are compared whatever their case (RFC 5280 section 7.2).
pub(super) fn holds(sans: &[San], asked: &San) -> bool {
    sans.iter().any(|san| folded(san) == folded(asked))
}
