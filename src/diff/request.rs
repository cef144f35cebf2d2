//! What a request asks for against what its profile gives. A certificate is made from the profile
//! alone: what is asked beyond it would be left out in silence, and is refused by name.

use std::collections::BTreeMap;

use super::Judge;
use super::leaf::folded;
use super::place::of_others;
use super::signer::{Held, Signers, is_for, signer};
use crate::finding::{Code, Finding};
use crate::key::KeyAlgorithm;
use crate::observed::Observed;
use crate::spec::{CertificateSpec, Spec};
use crate::x509::request::Request;
use crate::x509::san::San;

/// The way out where the request is wrong in itself.
const ANEW: &str = "have it requested anew";

/// The way out where a file is of no use.
const MOVE: &str = "move it away, or have it requested anew";

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

/// Gives the certificate the names that the request asks for and the facts do not state, where it is
/// a server's; each is told.
pub fn take_sans(spec: &mut Spec, request: &Request) -> Vec<Finding> {
    let Some(wanted) = spec.certificate() else {
        return Vec::new();
    };
    let host = |san: &&San| matches!(san, San::Dns(_) | San::Ip(_)) && unfit(san).is_none();
    let taken: Vec<San> = if wanted.sans.is_empty() {
        Vec::new()
    } else {
        let asked = request.asked.sans.iter().filter(host);
        asked
            .filter(|san| !holds(&wanted.sans, san))
            .cloned()
            .collect()
    };
    let mut judge = Judge::of(spec);
    for san in &taken {
        judge.told_of_request(
            Code::RequestSanTaken,
            &format!("was granted the SAN {san}"),
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
            let way_out = "state its node with --node-name, name its profile with --as, or have it requested anew";
            self.told_of_request(Code::RequestSubject, &text, way_out);
        }
        for san in asked.sans.iter().filter(|san| !holds(&wanted.sans, san)) {
            let unfit = unfit(san);
            let text = match &unfit {
                None => format!("asks for the SAN {san}, which the facts do not state"),
                Some(reason) => format!("asks for the SAN {san}, which {reason}"),
            };
            let way_out = match san {
                _ if unfit.is_some() => ANEW,
                San::Dns(_) | San::Ip(_) if !wanted.sans.is_empty() => {
                    "state it, as in --apiserver-cert-extra-sans, --etcd-extra-sans or --node-ip, or take what is asked with --accept-sans"
                }
                _ => ANEW,
            };
            self.told_of_request(Code::RequestSan, &text, way_out);
        }
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
