//! What is judged of what came back from another machine: as if it were in its place.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::leaf::lacks_san;
use super::notice::Within;
use super::request::holds;
use super::scrutiny::scrutiny;
use super::tree::{among, is_made_here};
use super::{Judge, authorities, external_of, reissue};
use crate::bundle;
use crate::finding::{Code, Finding, Severity};
use crate::key::KeyAlgorithm;
use crate::observed::{
    Access, Key, KeyState, Kubeconfig, Observed, Returned, Source, identifier, of_key, signing,
};
use crate::requests::name;
use crate::spec::{CertificateSpec, Kind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::validity::moment;

mod roots;
pub use roots::anchors;

/// The way out where what came back is not what was asked for.
const ISSUE_AGAIN: &str = "have its CA issue it again";

/// What is told of a certificate that came back as of one that is there: how long it will last, and how
/// strong it is.
pub fn aging(
    spec: &Spec,
    found: &BTreeMap<String, Observed>,
    within: Within,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let Some(observed @ Observed::Returned(returned)) = found.get(&spec.name) else {
        return Vec::new();
    };
    if is_copy(spec) {
        return Vec::new();
    }
    let mut findings = scrutiny(spec, observed, authorities(spec, found), within, now);
    for finding in &mut findings {
        came(finding, spec, returned);
    }
    findings.extend(sooner(spec, returned, now));
    findings
}

/// That what came back ends before what it is to replace, as one of an earlier time does. A CA may be given less time
/// by the one above it.
fn sooner(spec: &Spec, returned: &Returned, now: OffsetDateTime) -> Option<Finding> {
    let (is, was) = (returned.chain.first()?, returned.now.first()?);
    let (is, was) = (is.validity, was.validity);
    let older = !spec.is_ca() || is.not_before < was.not_before;
    let sooner = is.not_after < was.not_after && !was.has_ended(now);
    (older && sooner).then(|| Finding {
        code: Code::EndsSooner,
        name: spec.name.clone(),
        file: returned.file.clone(),
        text: format!(
            "ends on {}, sooner than what is in its place, on {}",
            moment(is.not_after),
            moment(was.not_after)
        ),
        way_out: "unless that is meant, see whether it is what came back last".to_owned(),
    })
}

/// What came `back` has in common with other files of the tree, as it is `found` then, that it must not. Of what is
/// there already that is no news.
pub fn in_common(
    mut tree: Vec<Spec>,
    found: &BTreeMap<String, Observed>,
    back: &[(&Spec, &Returned)],
) -> Vec<Finding> {
    let of = |name: &str| back.iter().find(|(spec, _)| spec.name == name);
    // Of two the later one is told.
    tree.sort_by_key(|spec| of(&spec.name).is_some());
    let mut findings = among(&tree, found);
    findings.retain_mut(|finding| {
        let of = of(&finding.name);
        if let Some((spec, returned)) = of {
            came(finding, spec, returned);
        }
        of.is_some()
    });
    findings
}

/// A warning of what came back once it is in its place, as it is `found` then: its CA mends what it chose, and
/// its key is of here.
pub fn warned(
    finding: &mut Finding,
    spec: &Spec,
    returned: &Returned,
    found: &BTreeMap<String, Observed>,
) {
    let (place, name) = (&spec.place, name(spec));
    let anew = is_made_here(&finding.way_out, spec)
        || finding.way_out == external_of(spec, found, finding.code);
    if anew && finding.code == Code::KeyAlgorithm {
        let (public, private) = (place.public().name, place.key().name);
        let files = if public == private {
            public
        } else {
            format!("{public} and {private}")
        };
        finding.way_out =
            format!("to ask with a new key move {files} away, and then 'certs csr {name}'");
    } else if anew {
        ISSUE_AGAIN.clone_into(&mut finding.way_out);
    }
    finding.file = returned.file.clone();
}

/// What is in its place once what came back is there, where something was `there` before.
pub fn placed(
    spec: &Spec,
    back: &Returned,
    found: &BTreeMap<String, Observed>,
    there: Option<&Observed>,
) -> Observed {
    let (chain, key) = (back.chain.clone(), back.key.clone());
    match (&spec.place, key) {
        (
            Place::Kubeconfig {
                cluster,
                user,
                server,
                ..
            },
            Some(key),
        ) => Observed::Kubeconfig(Kubeconfig {
            cluster: cluster.clone(),
            user: user.clone(),
            server: server.clone(),
            server_name: match there {
                Some(Observed::Kubeconfig(there)) => there.server_name.clone(),
                _ => None,
            },
            authorities: authorities(spec, found).to_vec(),
            chain,
            beside: Vec::new(),
            referred: false,
            key,
            sources: Box::new([Source::Embedded, Source::Embedded, Source::Embedded]),
            key_file: None,
            named: Vec::new(),
            further: false,
        }),
        (_, key) => Observed::Certificate {
            chain,
            access: Access {
                mode: spec.place.public().largest_mode(),
                ..back.access
            },
            key,
        },
    }
}

/// What counts of the certificates that came back for a CA, and what does not. Those count that are
/// on the way to one root from the certificate of the key that is here, which goes first, where kubeadm
/// and the controller manager look for it; or else from the leaves that came `below`. Of `pool` are all
/// that came, of `now` those in the CA's place.
pub fn counted(
    came: &[Certificate],
    key: Option<&Key>,
    now: &[Certificate],
    below: &[Certificate],
    pool: &[Certificate],
    time: OffsetDateTime,
) -> (Vec<Certificate>, Vec<Certificate>) {
    let mut file: Vec<Certificate> = Vec::new();
    let own = of_key(came, key);
    for certificate in own.into_iter().chain(came) {
        // What was sent twice is one.
        if !file.contains(certificate) {
            file.push(certificate.clone());
        }
    }
    let itself = own.is_some() || below.is_empty();
    let from = match file.first() {
        Some(first) if itself => std::slice::from_ref(first),
        _ => below,
    };
    let there: &[Certificate] = if itself { now } else { &[] };
    let on_the_way = bundle::on_the_way(from, &file, &[pool, there].concat(), time);
    let counts = |(ca, on): &(Certificate, bool)| *on || (itself && from.contains(ca));
    let (related, unrelated): (Vec<_>, Vec<_>) =
        file.iter().cloned().zip(on_the_way).partition(counts);
    let certificates = |of: Vec<(Certificate, bool)>| of.into_iter().map(|(ca, _)| ca).collect();
    let (related, unrelated): (Vec<_>, Vec<_>) = (certificates(related), certificates(unrelated));
    // Where nothing leads to any of them that is told of what came back, too.
    let chain = if related.is_empty() { file } else { related };
    let chain = match signing(now, key) {
        Some(former) => bundle::replaced(&chain, former, now, time),
        None => chain,
    };
    (chain, unrelated)
}

impl Judge<'_> {
    /// What came back is judged as if it were in its place.
    pub(super) fn returned(&mut self, returned: &Returned) {
        if is_copy(self.spec) {
            return;
        }
        let Some(leaf) = returned.chain.first() else {
            let way_out = "name those that did, to import them alone";
            self.tell(Code::NotReturned, "did not come back", way_out);
            for finding in &mut self.findings {
                finding.file = returned.file.clone();
            }
            return;
        };
        let kubeconfig = matches!(self.spec.place, Place::Kubeconfig { .. });
        self.taken_as_it_stands(returned.access);
        match &returned.key {
            Some(key) if matches!(key.state, KeyState::Locked(_)) => {
                let key = self.spec.place.key().name;
                let text = format!("cannot be held against {key}, which is encrypted");
                self.tell(Code::CaKeyLocked, &text, "decrypt that key for the import");
            }
            Some(key) => self.key(key, leaf),
            None if self.spec.is_ca() => {}
            None => self.tell(Code::MissingKey, "is for a key that is not here", ""),
        }
        match self.spec.certificate() {
            Some(wanted) if wanted.kind == Kind::Ca => {
                self.ca(leaf, &returned.chain);
                self.same_identifier(leaf, &returned.now);
                self.unrelated(&returned.unrelated, &returned.chain);
                if returned.key.is_some() && !leaf.subject.same_values(&wanted.subject) {
                    let text = format!(
                        "has the subject \"{}\", not \"{}\"",
                        leaf.subject, wanted.subject
                    );
                    self.tell(Code::WrongSubject, &text, "");
                }
                self.lost_roots(returned);
                self.new_roots(returned);
            }
            Some(wanted) => {
                self.leaf(wanted, leaf, &returned.chain[1..]);
                self.unasked(wanted, returned);
            }
            None => {}
        }
        for finding in &mut self.findings {
            match finding.code {
                Code::KeyMode | Code::KeyOwner => continue,
                Code::KeyMismatch => {
                    let what = if kubeconfig { "the key in " } else { "" };
                    let key = self.spec.place.key();
                    finding.text = format!("is not for {what}{}", key.name);
                }
                _ => {}
            }
            came(finding, self.spec, returned);
        }
    }

    /// A name that the facts tell and that was not asked for its CA cannot have given it.
    fn unasked(&mut self, wanted: &CertificateSpec, returned: &Returned) {
        let Some(asked) = &returned.asked else {
            return;
        };
        let unasked = wanted.sans.iter().filter(|san| !holds(asked, san));
        let unasked: Vec<String> = unasked.map(lacks_san).collect();
        let way_out = format!(
            "'certs csr {}', with the same facts, asks for it",
            self.spec.name
        );
        for finding in &mut self.findings {
            if finding.code == Code::SanMissing && unasked.contains(&finding.text) {
                finding.way_out.clone_from(&way_out);
            }
        }
    }

    /// Whoever can add a certificate to a file would add a user of any name to the cluster.
    fn unrelated(&mut self, cas: &[Certificate], counted: &[Certificate]) {
        // What the key of the CA itself signed nobody can tell where that key is not supported, which is told.
        let verifies = |ca: &Certificate| {
            let algorithm = ca.public_key.algorithm();
            algorithm.is_some_and(KeyAlgorithm::may_sign_certificates)
        };
        let unknown = |ca: &&Certificate| counted.first() == Some(*ca) && !verifies(ca);
        for ca in cas.iter().filter(|ca| !unknown(ca)) {
            let (subject, fingerprint) = (&ca.subject, ca.fingerprint());
            let further = |one: &Certificate| one != ca && one.is_same_ca(ca);
            let text = if counted.iter().any(further) {
                format!(
                    "holds a further certificate of \"{subject}\" (SHA-256 {fingerprint}), by \"{}\", \
                     which is not above what was asked for",
                    ca.issuer
                )
            } else {
                format!(
                    "holds \"{subject}\" (SHA-256 {fingerprint}), to which nothing leads that was asked for"
                )
            };
            let way_out = format!(
                "take it out, or place {} yourself if the cluster is to trust that CA too",
                self.spec.place.public().name
            );
            self.tell(Code::UnrelatedCa, &text, &way_out);
        }
    }

    /// OpenSSL and GnuTLS look for the CA that has the key identifier which a leaf names (RFC 5280
    /// section 4.2.1.1).
    fn same_identifier(&mut self, ca: &Certificate, now: &[Certificate]) {
        let Some(identifier) = identifier(now, &ca.public_key) else {
            return;
        };
        if ca.subject_key_identifier.as_deref() != Some(identifier) {
            let hex = identifier
                .iter()
                .fold(String::new(), |text, octet| text + &format!("{octet:02X}"));
            let text =
                "has another subject key identifier than the certificate that is in its place";
            let way_out = format!(
                "have it issued again with subjectKeyIdentifier={hex}, which its leaves name"
            );
            self.tell(Code::KeyIdentifier, text, &way_out);
        }
    }
}

/// Whether it is the file of one certificate beside a CA's: what is put there is told of that CA.
fn is_copy(spec: &Spec) -> bool {
    spec.is_ca() && matches!(spec.place, Place::File { .. })
}

/// A finding of what came back is about the file that it came in, and its CA mends it.
fn came(finding: &mut Finding, spec: &Spec, returned: &Returned) {
    finding.file = returned.file.clone();
    let again = [Severity::Error, Severity::Warning].map(|severity| reissue(spec, severity));
    if again.contains(&finding.way_out) || is_made_here(&finding.way_out, spec) {
        ISSUE_AGAIN.clone_into(&mut finding.way_out);
    }
}
