//! Store → observed: reads what is in the place of each spec, and parses it.

mod asked;
mod came;
mod entries;
mod former;
mod parts;
mod reader;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use zeroize::Zeroizing;

use crate::bundle::follows;
use crate::kubeconfig::{self, Credentials, Entry};
use crate::location::FileId;
use crate::observed::{
    Access, Ahead, Cause, Ground, Observed, Obstacle, Octets, Shared, Unreadable,
};
use crate::plan::astray;
use crate::profile::by_name;
use crate::requests::{Entry as RequestEntry, Manifest, manifest, returned, sent};
use crate::spec::{Place, Spec};
use crate::store::{self, FileContent, Store};
use crate::x509::cert::Certificate;
use crate::x509::request::Request;

pub use asked::asked;
pub use came::{Stray, stray_keys};
pub use entries::{SeenEntries, SeenEntry, entries};
pub use former::{Former, former};
pub use parts::{parts, whole_users};
use reader::Reader;
pub(crate) use reader::{beginning_may_hold, may_hold};
pub(crate) use reasons::unread;

/// As long as the PEM of a certificate or a key may be that is yet to be made.
static PLACEHOLDER: LazyLock<String> = LazyLock::new(|| "x".repeat(4 << 10));

/// Passphrases of CA keys.
#[derive(Default)]
pub struct Passphrases {
    /// For the CAs named.
    pub named: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// For all others.
    pub any: Option<Zeroizing<Vec<u8>>>,
}

/// What was found, and the files it was read from.
#[derive(Default)]
pub struct Seen {
    /// By the spec's name.
    pub observed: BTreeMap<String, Observed>,
    /// The files as they were read, so that a replacement can be held against them.
    pub files: BTreeMap<FileId, FileContent>,
    /// What they stand on.
    pub ground: Ground,
    /// How a kubeconfig names the files that it is to name.
    pub references: BTreeMap<FileId, String>,
    /// What is kept elsewhere, where that is to become another.
    pub ahead: Option<Arc<Ahead>>,
    /// The cluster's CA as the one before it signed it, as another node sends it.
    pub crossed: Option<Certificate>,
}

/// Looks at the place of each spec, and at the directories. `trusted` are the users who may own
/// what the cluster's trust rests on.
pub fn observe<'a>(
    specs: impl IntoIterator<Item = &'a Spec>,
    store: &Store,
    passphrases: &Passphrases,
    trusted: Vec<u32>,
) -> Seen {
    look(specs, store, passphrases, trusted, false)
}

/// As [`observe`], for who changes nothing: a key that cannot be used hides no certificate, and what
/// holds a key may be kept from this user. No passphrase is asked for.
pub fn survey<'a>(
    specs: impl IntoIterator<Item = &'a Spec>,
    store: &Store,
    trusted: Vec<u32>,
) -> Seen {
    look(specs, store, &Passphrases::default(), trusted, true)
}

fn look<'a>(
    specs: impl IntoIterator<Item = &'a Spec>,
    store: &Store,
    passphrases: &Passphrases,
    trusted: Vec<u32>,
    lenient: bool,
) -> Seen {
    let mut seen = Seen::default();
    seen.ground.trusted = trusted;
    let specs: Vec<&Spec> = specs.into_iter().collect();
    for spec in &specs {
        let mut reader = Reader {
            store,
            seen: &mut seen.files,
            unreadable: Vec::new(),
            named: Vec::new(),
            lenient,
            own: by_name(&spec.name).is_none(),
            found: matches!(spec.place, Place::Found { .. }),
        };
        let passphrase = spec.is_ca().then(|| passphrases.of(&spec.name)).flatten();
        let observed = reader.place(&spec.place, passphrase);
        let observed = if reader.unreadable.is_empty() {
            observed
        } else {
            reader.unreadable.extend(observed.unread_key().cloned());
            Observed::Unreadable(reader.unreadable, observed.public_keys())
        };
        seen.observed.insert(spec.name.clone(), observed);
    }
    let files: Vec<FileId> = specs.iter().flat_map(|spec| spec.place.files()).collect();
    for spec in specs {
        if let Some(files) = spec.credential_files() {
            let own = [&files.certificate, &files.key];
            for file in files.authorities.iter().chain(own) {
                let reference = store.reference_to(&spec.place.public(), file);
                seen.references
                    .extend(reference.map(|path| (file.clone(), path)));
            }
        }
        // Who replaces nothing is told what is in the way of it where that is why it cannot be read.
        let unread = matches!(
            seen.observed.get(&spec.name),
            Some(Observed::Unreadable(..))
        );
        let asked = !lenient || unread;
        let obstacle = asked.then(|| seen.obstacle(spec)).flatten();
        seen.ground
            .obstacles
            .extend(obstacle.map(|what| (spec.name.clone(), what)));
    }
    seen.look_at_directories(&files, store);
    seen
}

/// Looks at the requests that are out: each lies beside its key, and where it is sent from. Goes out: the names that
/// are told there, and that this tree did not ask for.
pub fn requests_out(seen: &mut Seen, specs: &[Spec], store: &Store) -> Vec<String> {
    let observed = &seen.observed;
    let mut read = |file: &FileId, of: Option<&Spec>| {
        // What cannot be read is in the way when it is to be replaced.
        let content = store.read(file).ok()??;
        let open = |spec: &Spec| asked::is_open(spec, observed.get(&spec.name), &content.bytes);
        let request = Request::from_file(&content.bytes).ok();
        let (request, access) = (request.filter(|_| of.is_none_or(open)), access(&content));
        seen.files.insert(file.clone(), content);
        Some((request, access))
    };
    let ground = &mut seen.ground;
    for spec in specs {
        let file = sent(spec);
        let (own, out) = (read(&spec.place.request(), Some(spec)), read(&file, None));
        if let (Some((Some(own), _)), Some((Some(out), access))) = (own, out)
            && own == out
        {
            ground.requested.insert(spec.name.clone(), own);
            ground.files.push((file, access));
        }
    }
    let file = manifest();
    let told = read(&file, None);
    ground
        .files
        .extend(told.map(|(_, access)| (file.clone(), access)));
    // What it tells of other requests stays, as far as the tree knows of them.
    let told = seen.files.get(&file);
    let told = told.and_then(|content| Manifest::parse(&content.bytes).ok());
    let listed = told.into_iter().flat_map(|told| told.requests);
    // One that cannot be read asks for nothing.
    let of = |file: &FileId| Request::from_file(&store.read(file).ok()??.bytes).ok();
    let asked = |entry: &RequestEntry| {
        entry
            .places()
            .iter()
            .filter_map(of)
            .any(|own| entry.is_for(&own))
    };
    let (asked, unasked) = listed.partition::<Vec<_>, _>(asked);
    let names = |entries: Vec<RequestEntry>| entries.into_iter().map(|entry| entry.name);
    ground.listed = names(asked).collect();
    names(unasked).collect()
}

/// Who may do what with a file that was read.
pub fn access(content: &FileContent) -> Access {
    Access {
        mode: content.mode,
        user: content.uid,
    }
}

/// What came back for a spec.
pub struct Arrived {
    /// The file.
    pub file: FileId,
    /// What is in it.
    pub certificates: Vec<Certificate>,
    /// Who may do what with it.
    pub access: Access,
}

/// What came back for this spec, under its name or as kubeadm calls the file.
pub fn arrived(spec: &Spec, store: &Store) -> Result<Option<Arrived>, Unreadable> {
    let kubeadms = spec.place.request().name.replace(".csr", ".crt");
    let files = [
        returned(spec),
        FileId::new(crate::location::Root::Requests, kubeadms),
    ];
    for file in files {
        let content = match store.read(&file) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(error) => return Err(reasons::unread(&file, &error)),
        };
        return match reader::public(Certificate::from_pem)(&content.bytes) {
            Ok(certificates) => Ok(Some(Arrived {
                file,
                certificates,
                access: access(&content),
            })),
            Err(error) => Err(Unreadable {
                file,
                why: format!("cannot be used: {error:#}"),
                cause: Cause::Content,
                way_out: None,
                access: None,
                public: None,
            }),
        };
    }
    Ok(None)
}

/// Whether what is there in place of what is to be was right before.
pub type Before<'a> = dyn Fn(&FileId, &[u8], &[u8]) -> bool + 'a;

impl Seen {
    /// Takes what is in the place of this spec for copies of what `source` has there. What cannot be read
    /// stays that.
    pub fn share(&mut self, spec: &Spec, source: &Self) {
        let of = |file: &FileId| {
            let of = source.files.get(file)?;
            Some(Octets(Arc::new(of.bytes.clone())))
        };
        let former = |_: &FileId, there: &[u8], of: &[u8]| is_former(there, of);
        self.share_of(spec, &of, &former, &source.observed);
    }

    /// The same of what these files are to be `of`, of what is there and was right `before`, and of what is in place of what all
    /// share.
    pub fn share_of(
        &mut self,
        spec: &Spec,
        of: &dyn Fn(&FileId) -> Option<Octets>,
        before: &Before<'_>,
        source: &BTreeMap<String, Observed>,
    ) {
        if let Some(Observed::Unreadable(reasons, _)) = self.observed.get(&spec.name)
            && reasons.iter().any(|reason| reason.cause != Cause::Content)
        {
            return;
        }
        let copy = |file: FileId| {
            let of = of(&file);
            let there = self.files.get(&file);
            let same = |there: &FileContent| of.as_ref().is_some_and(|of| *of.0 == there.bytes);
            let other = of.as_ref().zip(there.filter(|there| !same(there)));
            Shared {
                there: there.map(|there| (same(there), access(there))),
                former: other.is_some_and(|(of, there)| before(&file, &there.bytes, &of.0)),
                stage: other.and_then(|(_, there)| {
                    let (row, goal) = astray(source, &file, &there.bytes)?;
                    Some(goal.command(row))
                }),
                of,
                file,
            }
        };
        let mut files: Vec<Shared> = spec.place.files().into_iter().map(copy).collect();
        // The key of an external CA is in neither place.
        if spec.is_ca() && files.iter().any(|shared| shared.of.is_some()) {
            files.retain(|shared| shared.of.is_some() || shared.there.is_some());
        }
        self.observed
            .insert(spec.name.clone(), Observed::Shared(files));
    }

    /// Takes over what else was seen.
    pub fn add(&mut self, other: Self) {
        self.observed.extend(other.observed);
        self.files.extend(other.files);
        for (directory, access) in other.ground.directories {
            let known = &mut self.ground.directories;
            if known.iter().all(|(known, _)| *known != directory) {
                known.push((directory, access));
            }
        }
    }

    /// Looks at the directories that these files lie in.
    pub fn look_at_directories<'a>(
        &mut self,
        files: impl IntoIterator<Item = &'a FileId>,
        store: &Store,
    ) {
        let directories = files.into_iter().flat_map(FileId::directories);
        for directory in directories.collect::<BTreeSet<_>>() {
            // One that cannot be looked at has files that cannot be read, which is told of each.
            if let Ok(Some((mode, user))) = store.directory(&directory) {
                let access = Access { mode, user };
                self.ground.directories.push((directory, access));
            }
        }
    }

    /// Looks again at what is in the way of the entries of these specs, which are others by now.
    pub fn look_for_obstacles(&mut self, specs: &[Spec]) {
        let found = specs
            .iter()
            .filter_map(|spec| Some((spec.name.clone(), self.obstacle(spec)?)));
        self.ground.obstacles = found.collect();
    }

    /// Why the entry of this spec cannot be put into the kubeconfig that is there.
    fn obstacle(&self, spec: &Spec) -> Option<Obstacle> {
        let existing = self.files.get(&spec.place.public())?;
        let issuer = spec.certificate()?.issuer.as_ref()?;
        let authorities = match self.observed.get(issuer) {
            Some(Observed::Certificate { chain, .. }) => {
                chain.iter().map(Certificate::to_pem).collect()
            }
            _ => String::new(),
        };
        let credentials = match spec.credential_files() {
            Some(files) => Credentials::Files {
                authorities: (files.authorities.as_ref())
                    .map(|file| self.references.get(file).map_or("", String::as_str)),
                certificate: "",
                key: "",
            },
            None => Credentials::Data {
                certificate: &PLACEHOLDER,
                key: PLACEHOLDER.as_bytes(),
            },
        };
        let entry = Entry::of(&spec.place, &authorities, credentials)?;
        let largest = usize::try_from(store::LARGEST).unwrap_or(usize::MAX);
        kubeconfig::obstacle(&entry, &existing.bytes, largest)
    }
}

/// Whether these are certificates of the CAs that others are certificates of by now.
fn is_former(held: &[u8], now: &[u8]) -> bool {
    let [held, now] = [held, now].map(Certificate::from_pem);
    matches!((held, now), (Ok(held), Ok(now)) if follows(&held, &now))
}

impl Passphrases {
    /// That for the key of a CA.
    pub fn of(&self, name: &str) -> Option<&[u8]> {
        self.named
            .get(name)
            .or(self.any.as_ref())
            .map(|passphrase| passphrase.as_slice())
    }
}
