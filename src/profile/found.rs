//! What is there → spec, for who looks after a tree and was told no facts.
//!
//! Comes in: what was found in each place. Goes out: what should be there. What a row fixes comes
//! from the row: subject, usages, issuer, names that are always the same. What depends on the
//! cluster comes from the files, where they agree: of two that name different nodes one is wrong.
//! What only one file tells, and nothing fixes, is as it should be: further SANs, the API server's
//! URL, the kind of key, the validity.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use time::Duration;

use super::apart::in_files;
use super::renewal::{DEFAULT, lasted};
use super::resolve::{common_name, fixed, issuer, subjects};
use super::{Host, Kind, Part, Phase, Profile, Signer, Stored, TABLE};
use crate::facts::{Version, defaults};
use crate::key::KeyAlgorithm;
use crate::location::{FileId, Root};
use crate::observed::{Observed, Source, of_leaf, signing};
use crate::spec::{CertificateSpec, Content, Credentials, EntryKind, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::san::{San, ordered};
use crate::x509::usage::ExtendedKeyUsage;

mod asked;
mod entry;
mod evidence;
mod kubelets;
mod loose;
mod signs;
mod told;

use evidence::made_by_kubelet;
use kubelets::is_current;
pub(super) use loose::told_by;
use loose::{certificate_of, keys_of, signs_tokens_next};
use signs::is_lone_key_of_ca;

pub use asked::as_asked;
pub use entry::{Leading, Ours, of_entry};
pub use evidence::Evidence;
pub use kubelets::{is_kubelets, is_rotated, is_superseded};
pub use loose::{certificate_beside, loose, paired};
pub use signs::{is_called_ca, is_of_service_accounts};
pub use told::{given, is_new, is_workers, key_algorithm, led};

/// What was found, by the spec's name.
pub(super) type Found = BTreeMap<String, Observed>;

/// What should be in the place of a row, where `observed` is.
pub fn of_row(profile: &Profile, observed: &Observed, evidence: &Evidence) -> Spec {
    let leaf = certificate(observed);
    let node = evidence.node.as_ref().unwrap_or(&evidence.host);
    let common_name = common_name(profile.common_name, node);
    let content = match profile.signer {
        Signer::Nobody => Content::KeyPair(algorithm(observed)),
        signer => {
            let (subject, former_subjects) = subjects(profile, &Version::NEWEST, &common_name);
            Content::Certificate(CertificateSpec {
                subject,
                subject_given: false,
                former_subjects,
                issuer: issuer(signer),
                kind: profile.kind,
                sans: sans(profile, leaf, evidence),
                key_algorithm: algorithm(observed),
                validity: validity(leaf),
                kept: None,
            })
        }
    };
    let mut spec = Spec {
        name: profile.name.to_owned(),
        phase: profile.phase,
        place: place(profile, observed, &common_name),
        content,
    };
    // Of what is asked for only its own request tells what it is to be.
    if let (Observed::Requested { request, .. }, Content::Certificate(wanted)) =
        (observed, &mut spec.content)
    {
        wanted.subject = request.asked.subject.clone();
        wanted.sans.clone_from(&request.asked.sans);
    }
    if let (Root::Kubelet, Some(leaf)) = (spec.place.public().root, leaf)
        && made_by_kubelet(leaf, evidence)
        && let Content::Certificate(wanted) = &mut spec.content
    {
        wanted.subject = leaf.subject.clone();
        wanted.sans.clone_from(&leaf.sans);
        wanted.issuer = None;
    }
    spec
}

/// The specs, each kubeconfig as it is there: one that names its pair in the certificate directory
/// goes with that pair, unless where they are to be was said.
pub fn as_there(specs: Vec<Spec>, found: &Found) -> Vec<Spec> {
    let split = |spec: Spec| {
        let as_found = matches!(
            spec.place,
            Place::Kubeconfig {
                credentials: Credentials::AsFound,
                ..
            }
        );
        let mut split = in_files(spec.clone());
        let place = split.last_mut().map(|spec| &mut spec.place);
        let (
            true,
            Some(Place::Kubeconfig {
                credentials: Credentials::Files(files),
                ..
            }),
            Some(Observed::Kubeconfig(there)),
        ) = (as_found, place, found.get(&spec.name))
        else {
            return vec![spec];
        };
        let in_file = |file: &FileId| Source::File(file.clone());
        if there.sources[1..] != [in_file(&files.certificate), in_file(&files.key)] {
            return vec![spec];
        }
        // One that holds its CA itself, or names another file, was not asked to name this one.
        let named = |file: &FileId| there.sources[0] == in_file(file);
        files.authorities = files.authorities.take().filter(named);
        split
    };
    specs.into_iter().flat_map(split).collect()
}

/// Made once: a check of thousands of nodes asks for them at each.
static ROWS: LazyLock<Vec<Spec>> = LazyLock::new(|| TABLE.iter().map(looked_for).collect());

/// The rows, as they are looked for: with nothing found yet.
pub fn rows() -> Vec<Spec> {
    ROWS.clone()
}

/// A row, as it is looked for.
pub fn looked_for(row: &Profile) -> Spec {
    of_row(row, &Observed::Absent, &Evidence::default())
}

/// The files of no row, as they are looked for: each is an identity of its own.
pub fn others(files: &[FileId]) -> Vec<Spec> {
    let known: Vec<FileId> = ROWS.iter().flat_map(|spec| spec.place.files()).collect();
    let places = files
        .iter()
        .filter(|file| !known.contains(file))
        .filter_map(|file| {
            let pair = |base: &str| FileId::private_key(file.root, base);
            match (file.root, file.name.rsplit_once('.')?) {
                (Root::Kubeconfig, (_, "conf")) => Some(Place::Kubeconfig {
                    file: file.name.clone(),
                    cluster: defaults::CLUSTER_NAME.to_owned(),
                    user: String::new(),
                    server: String::new(),
                    or_server: None,
                    credentials: Credentials::AsFound,
                }),
                (Root::Kubelet | Root::Pki, (base, "crt")) if files.contains(&pair(base)) => {
                    Some(Place::Pair {
                        root: file.root,
                        base: base.to_owned(),
                    })
                }
                (Root::Pki, (base, "key")) if signs_tokens_next(file) => Some(Place::KeyPair {
                    base: base.to_owned(),
                }),
                // What was made with the key of a CA is told by it, though its certificate is gone.
                (Root::Pki, (_, "key" | "pem")) if is_lone_key_of_ca(file, files) => {
                    Some(loose(String::new(), file.clone()).place)
                }
                (Root::Kubelet | Root::Pki, (base, "crt" | "pem")) if is_current(file, base) => {
                    Some(key_beside(file, files).unwrap_or_else(|| Place::File {
                        root: file.root,
                        name: file.name.clone(),
                    }))
                }
                _ => None,
            }
        });
    places
        .map(|place| {
            let name = name(&told_by(&place));
            of_other(name, place, &Observed::Absent, &Evidence::default())
        })
        .collect()
}

/// The certificate with the key that lies beside it under a usual name, unless another certificate is nearer to that.
fn key_beside(file: &FileId, files: &[FileId]) -> Option<Place> {
    let there = |name: &String| files.contains(&FileId::new(file.root, name.clone()));
    let nearer = |key: &String| {
        let other = certificate_of(key);
        other != file.name && there(&other)
    };
    let mut keys = keys_of(&file.name).into_iter().filter(there);
    let key = keys.find(|key| !nearer(key))?;
    (file.root == Root::Pki).then(|| Place::Beside {
        certificate: file.name.clone(),
        key,
    })
}

/// What should be in the place of one of [`others`] or [`loose`], where `observed` is: the identity that it has.
pub fn of_other(name: String, place: Place, observed: &Observed, evidence: &Evidence) -> Spec {
    if matches!(observed, Observed::KeyOnly(_) | Observed::KeyPair { .. }) {
        return Spec {
            name,
            phase: Phase::Client,
            place,
            content: Content::KeyPair(algorithm(observed)),
        };
    }
    let leaf = certificate(observed);
    let subject = leaf.map_or_else(|| Name::new(&[], &name), |leaf| leaf.subject.clone());
    // Whatever its certificate is for, a CA's too, a user of a kubeconfig shows it as a client.
    let of_user = matches!(observed, Observed::Kubeconfig(_))
        || place
            .entry()
            .is_some_and(|entry| entry.kind == EntryKind::User);
    let kind = match leaf.map_or(Kind::Client, kind) {
        Kind::Ca | Kind::Server if of_user => Kind::Client,
        kind => kind,
    };
    let place = match (place, observed) {
        (Place::Kubeconfig { file, .. }, Observed::Kubeconfig(found)) => Place::Kubeconfig {
            file,
            cluster: found.cluster.clone(),
            user: found.user.clone(),
            server: found.server.clone(),
            or_server: None,
            credentials: Credentials::AsFound,
        },
        (place, _) => place,
    };
    let phase = match (&place, kind) {
        (_, Kind::Ca) => Phase::Ca,
        (Place::Kubeconfig { .. }, _) => Phase::Kubeconfig,
        (_, Kind::Client) => Phase::Client,
        _ => Phase::Server,
    };
    let named = leaf.and_then(|leaf| evidence.signer(leaf).map(str::to_owned));
    let content = Content::Certificate(CertificateSpec {
        subject,
        subject_given: false,
        former_subjects: Vec::new(),
        // A client that no CA here knows is judged as one of the cluster's; a server may be
        // another's, whose CA is elsewhere.
        issuer: match kind {
            Kind::Ca => None,
            Kind::Client => named.or_else(|| issuer(super::table::CLUSTER)),
            _ => named,
        },
        kind,
        sans: leaf.map_or_else(Vec::new, |leaf| leaf.sans.clone()),
        key_algorithm: algorithm(observed),
        validity: validity(leaf),
        kept: None,
    });
    Spec {
        name,
        phase,
        place,
        content,
    }
}

/// The rows that are not there, and without which a component whose other files are there fails.
/// A leaf whose CA is not there either belongs to something that is not used.
pub fn lacking(found: &Found) -> Vec<&'static Profile> {
    let there = |name: &str| found.get(name).is_some_and(|found| !found.is_absent());
    // A control plane's client of etcd lies on hosts of etcd too.
    let tells = |row: &Profile| row.etcd == (row.part == Part::Etcd) && there(row.name);
    let shown = |part| TABLE.iter().any(|row| row.part == part && tells(row));
    TABLE
        .iter()
        .filter(|row| row.part != Part::Anywhere && shown(row.part) && !there(row.name))
        .filter(|row| match row.signer {
            Signer::Ca(ca) => there(ca),
            Signer::Itself | Signer::Nobody => true,
        })
        .collect()
}

/// No two of a run have the same, nor that of a row.
pub(super) fn name(file: &FileId) -> String {
    match file.root {
        Root::Kubelet => format!("kubelet/{}", file.name),
        Root::Kubeconfig | Root::Pki | Root::Requests => file.name.clone(),
    }
}

/// The certificate that a place is judged by.
pub(super) fn certificate(observed: &Observed) -> Option<&Certificate> {
    match observed {
        // A CA's is the one of its key; a leaf's is the first.
        Observed::Certificate { chain, key, .. } => signing(chain, key.as_ref())
            .filter(|certificate| certificate.is_ca())
            .or_else(|| of_leaf(chain, key.as_ref()).first()),
        Observed::Kubeconfig(kubeconfig) => kubeconfig.chain.first(),
        _ => None,
    }
}

fn kind(leaf: &Certificate) -> Kind {
    kind_of(leaf.is_ca(), &leaf.extended_key_usage)
}

/// What may be done with these usages.
pub(super) fn kind_of(ca: bool, usages: &[ExtendedKeyUsage]) -> Kind {
    let server = usages.contains(&ExtendedKeyUsage::ServerAuth);
    match (server, usages.contains(&ExtendedKeyUsage::ClientAuth)) {
        _ if ca => Kind::Ca,
        (true, true) => Kind::ServerAndClient,
        (true, false) => Kind::Server,
        (false, _) => Kind::Client,
    }
}

fn place(profile: &Profile, observed: &Observed, user: &str) -> Place {
    match profile.stored {
        Stored::KeyPair(base) => Place::KeyPair {
            base: base.to_owned(),
        },
        Stored::Kubeconfig(file, _) => {
            let (cluster, user, server) = match observed {
                Observed::Kubeconfig(found) => (&*found.cluster, &*found.user, &*found.server),
                Observed::Requested {
                    entry: Some([cluster, user, server]),
                    ..
                } => (&**cluster, &**user, &**server),
                _ => (defaults::CLUSTER_NAME, user, ""),
            };
            Place::Kubeconfig {
                file: file.to_owned(),
                cluster: cluster.to_owned(),
                user: user.to_owned(),
                server: server.to_owned(),
                or_server: None,
                credentials: Credentials::AsFound,
            }
        }
        Stored::Pair(root, base) => Place::Pair {
            root,
            base: base.to_owned(),
        },
    }
}

fn algorithm(observed: &Observed) -> KeyAlgorithm {
    let found = match observed {
        Observed::KeyOnly(key)
        | Observed::KeyPair { key, .. }
        | Observed::Requested { key, .. } => key.open().map(|key| key.algorithm()),
        _ => certificate(observed).and_then(|leaf| leaf.public_key.algorithm()),
    };
    found.unwrap_or(KeyAlgorithm::Rsa(2048))
}

fn validity(leaf: Option<&Certificate>) -> Duration {
    leaf.map_or(DEFAULT, lasted)
}

/// The names that are always the same or that other files tell too, and all others that are there.
fn sans(profile: &Profile, leaf: Option<&Certificate>, evidence: &Evidence) -> Vec<San> {
    // A CA needs none, and is not judged by those it has; a client has none to be known by.
    let there = leaf.filter(|_| profile.kind != Kind::Ca && !profile.hosts.is_empty());
    let mut sans = there.map_or_else(Vec::new, |leaf| leaf.sans.clone());
    let known = profile.hosts.iter().filter_map(|host| match host {
        Host::Fixed(text) => Some(fixed(text)),
        Host::NodeName => evidence.node.clone().map(San::Dns),
        Host::ServiceInDomain(service) => {
            Some(San::Dns(format!("{service}.{}", evidence.dns_domain)))
        }
        // Of an address nothing tells whose it is.
        Host::AdvertiseAddress
        | Host::ApiServerExtra
        | Host::ControlPlaneEndpoint
        | Host::EtcdPeerExtra
        | Host::EtcdServerExtra
        | Host::NodeAddresses
        | Host::ServiceIp => None,
    });
    sans.extend(known);
    ordered(sans)
}

#[cfg(test)]
mod tests;
