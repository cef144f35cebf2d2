//! What is there → the spec of what renews it: the same certificate for another time.
//!
//! Comes in: what should be in a place, and what is. Goes out: what is to be issued there. What a
//! certificate says of itself is kept, its subject octet by octet, since who verifies it knows it by
//! that; what was not asked for does not change.

use time::{Duration, OffsetDateTime};

use crate::der;
use crate::key::KeyAlgorithm;
use crate::observed::{Observed, of_leaf, signing};
use crate::spec::{BACKDATE, CertificateSpec, Content, Credentials, Kept, Kind, Place, Spec};
use crate::x509::Extension;
use crate::x509::cert::Certificate;
use crate::x509::san::San;
use crate::x509::usage::KeyUsage;

/// What a renewal was asked to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether the names are those that are wanted, since facts were stated, and not those found.
    pub names: bool,
    /// Names to add.
    pub add: Vec<San>,
    /// Whether all leaves are meant: only a server's takes names then, for nobody looks for a client by one.
    pub all: bool,
    /// Names to take away.
    pub remove: Vec<San>,
    /// The algorithm of new keys, else that of the former one.
    pub key_algorithm: Option<KeyAlgorithm>,
    /// The validity of leaves, else that of the former one.
    pub validity: Option<Duration>,
    /// The validity of CAs, else that of the former one.
    pub ca_validity: Option<Duration>,
}

/// The certificate that a place's renewal is about, and what stands behind it in its file.
pub fn certificate(observed: &Observed) -> Option<(&Certificate, &[Certificate])> {
    match observed {
        Observed::Certificate { chain, key, .. } => {
            let signing = signing(chain, key.as_ref())?;
            if signing.is_ca() {
                return Some((signing, &[]));
            }
            of_leaf(chain, key.as_ref()).split_first()
        }
        Observed::Kubeconfig(found) => found.chain.split_first(),
        _ => None,
    }
}

/// `wanted` as it is to be issued anew over `observed`. Nothing is there to be renewed: none.
pub fn renewed(wanted: &Spec, observed: &Observed, changes: &Changes) -> Option<Spec> {
    let (former, _) = certificate(observed)?;
    let Content::Certificate(judged) = &wanted.content else {
        return None;
    };
    let ca = judged.kind == Kind::Ca;
    let found = former.public_key.algorithm();
    let key_algorithm = changes
        .key_algorithm
        .filter(|_| !ca)
        .or(found)
        .unwrap_or(judged.key_algorithm);
    let validity = if ca {
        changes.ca_validity
    } else {
        changes.validity
    };
    let certificate = CertificateSpec {
        subject: former.subject.clone(),
        sans: names(judged, former, changes),
        key_algorithm,
        validity: validity.unwrap_or(lasted(former)),
        kept: Some(kept(former, ca, key_algorithm)?),
        ..judged.clone()
    };
    Some(Spec {
        place: place(&wanted.place, observed),
        content: Content::Certificate(certificate),
        ..wanted.clone()
    })
}

/// How long a certificate was issued for; zero or less of one that lasted no longer than it is backdated.
pub fn lasted(former: &Certificate) -> Duration {
    former.validity.not_after - former.validity.not_before - BACKDATE
}

/// How long a leaf is made for, where nobody states it and none tells it.
pub const DEFAULT: Duration = Duration::days(365);

/// What lasts for less is due within the last three days of it: a run a day that fails once or twice comes after its end.
const RUN_A_DAY: Duration = Duration::days(9);

/// Whether its time is too short for a run a day.
pub fn is_short_lived(leaf: &Certificate) -> bool {
    leaf.validity.not_after - leaf.validity.not_before < RUN_A_DAY
}

/// Whether its time may be what a CA left of the one that it was issued for: it ends with its CA, at `end`, or is older
/// than that one's certificate, and nothing here tells when the former one ended. So is not what is no shorter than
/// others, nor, since a CA cuts at any second, what lasts for whole hours, with the five minutes of backdating or
/// without: so somebody states a time. Too short for a run a day that is no proof.
pub fn may_be_cut(leaf: &Certificate, authorities: &[Certificate], end: OffsetDateTime) -> bool {
    let lasts = lasted(leaf);
    if lasts <= Duration::ZERO || lasts >= DEFAULT {
        return false;
    }
    let whole = |lasts: Duration| lasts.whole_seconds() % 3600 == 0;
    let stated = whole(lasts) || whole(lasts + BACKDATE);
    let began = leaf.validity.not_before;
    let older = authorities.iter().any(|ca| began < ca.validity.not_before);
    leaf.validity.not_after == end || older && (!stated || is_short_lived(leaf))
}

/// What is there, with the names that `changes` leave it.
pub fn renamed(wanted: &Spec, observed: &Observed, changes: &Changes) -> Observed {
    let mut then = observed.clone();
    let leaf = match &mut then {
        Observed::Certificate { chain, .. } => chain.first_mut(),
        Observed::Kubeconfig(found) => found.chain.first_mut(),
        _ => None,
    };
    if let (Some(leaf), Some(judged)) = (leaf, wanted.certificate().filter(|_| !wanted.is_ca())) {
        leaf.sans = names(judged, leaf, changes);
    }
    then
}

fn names(judged: &CertificateSpec, former: &Certificate, changes: &Changes) -> Vec<San> {
    if judged.kind == Kind::Ca {
        return former.sans.clone();
    }
    let start = if changes.names {
        &judged.sans
    } else {
        &former.sans
    };
    let mut names: Vec<San> = start
        .iter()
        .filter(|name| !changes.remove.contains(name))
        .cloned()
        .collect();
    let takes = !changes.all || judged.kind != Kind::Client;
    for name in changes.add.iter().filter(|_| takes) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// A kubeconfig keeps its entry's names and its server.
fn place(place: &Place, observed: &Observed) -> Place {
    match (place, observed) {
        (Place::Kubeconfig { file, .. }, Observed::Kubeconfig(found)) => Place::Kubeconfig {
            file: file.clone(),
            cluster: found.cluster.clone(),
            user: found.user.clone(),
            server: found.server.clone(),
            or_server: None,
            credentials: Credentials::AsFound,
        },
        _ => place.clone(),
    }
}

fn kept(former: &Certificate, ca: bool, algorithm: KeyAlgorithm) -> Option<Kept> {
    let extensions = former.extensions().ok()?;
    Some(Kept {
        key_usage: key_usage(former, algorithm),
        extended_key_usage: former.extended_key_usage.clone(),
        extensions: if ca {
            extensions
                .into_iter()
                .filter_map(|one| of_ca(one, former))
                .collect()
        } else {
            extensions.into_iter().filter(is_further).collect()
        },
    })
}

/// What a CA has where another one, `by`, signs it: all that its own certificate has, above all the identifier by which what
/// it signed names it (RFC 5280 section 4.2.1.2), and that of the other for its authority.
pub fn crossed(ca: &Certificate, by: &Certificate) -> Option<Kept> {
    let mut kept = kept(ca, true, ca.public_key.algorithm()?)?;
    kept.extensions
        .retain(|one| one.oid != AUTHORITY_KEY_IDENTIFIER);
    let authority = by.subject_key_identifier.as_ref();
    kept.extensions
        .extend(authority.map(|identifier| Extension {
            oid: AUTHORITY_KEY_IDENTIFIER.to_vec(),
            critical: false,
            value: der::sequence(&[&der::tlv(0x80, identifier)]),
        }));
    Some(kept)
}

/// Key usages hold of a kind of key: keyEncipherment is for RSA alone, and RFC 8813 section 3 forbids
/// it on EC keys, where kubeadm sets it and nothing reads it. It goes with the key that it was for,
/// and comes with one of another kind.
fn key_usage(former: &Certificate, algorithm: KeyAlgorithm) -> KeyUsage {
    let rsa = |algorithm| matches!(algorithm, Some(KeyAlgorithm::Rsa(_)));
    let was = rsa(former.public_key.algorithm());
    match (former.key_usage, rsa(Some(algorithm))) {
        (Some(usage), true) if was => usage,
        (None, true) => KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT),
        (None, false) => KeyUsage::DIGITAL_SIGNATURE,
        (Some(usage), true) => usage.union(KeyUsage::KEY_ENCIPHERMENT),
        (Some(usage), false) => usage.without(KeyUsage::KEY_ENCIPHERMENT),
    }
}

/// Key usage, SAN, basic constraints, the two key identifiers and the extended key usage are written
/// by whoever issues (RFC 5280 section 4.2.1, arc 2.5.29).
const KNOWN: [u64; 6] = [14, 15, 17, 19, 35, 37];
/// Certificate Transparency's two, which are about one certificate alone (RFC 6962 section 3).
const OF_ONE: [&[u64]; 2] = [
    &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
    &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3],
];
const AUTHORITY_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 35];

fn is_further(extension: &Extension) -> bool {
    let known = matches!(extension.oid.as_slice(), [2, 5, 29, last] if KNOWN.contains(last));
    !known && !OF_ONE.contains(&extension.oid.as_slice())
}

/// A root that names itself by its serial number too would have its former one there.
fn of_ca(extension: Extension, former: &Certificate) -> Option<Extension> {
    if extension.oid != AUTHORITY_KEY_IDENTIFIER {
        return Some(extension);
    }
    let identifier = former.authority_key_identifier.as_ref()?;
    Some(Extension {
        value: der::sequence(&[&der::tlv(0x80, identifier)]),
        ..extension
    })
}
