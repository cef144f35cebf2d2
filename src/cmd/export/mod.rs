//! `certs export`: what is in the tree, in the form that others take. Nothing of the tree is written, and
//! what is wrong with what is to be handed out refuses it.

mod bundle;
mod pkcs12;
mod secret;

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::around::{configuration, input, roots, settled, stopped, transaction};
use super::check::{judged, look};
use super::entries::entries;
use super::{Env, Outcome, Stop, there};
use crate::bundle::above;
use crate::cli::{ExportVerb, Tree};
use crate::diff::{authorities, lasting_longer, told_to_a_reader, unknown_signers};
use crate::facts;
use crate::finding::{Finding, Severity};
use crate::key::PrivateKey;
use crate::location::{FileId, Owner, Root};
use crate::observe::{Seen, survey};
use crate::observed::{Key, Observed};
use crate::outcome::Exit;
use crate::profile::by_name;
use crate::profile::found::{loose, paired};
use crate::report::{Format, Output, told};
use crate::spec::{Content, EntryKind, Kind, Place, Spec};
use crate::store::{self, Store};
use crate::x509::cert::Certificate;

/// What is handed out.
struct Export {
    bytes: zeroize::Zeroizing<Vec<u8>>,
    /// Whether it holds a secret.
    secret: bool,
    notes: Vec<String>,
    store: Store,
    findings: Vec<Finding>,
}

impl Export {
    fn is_refused(&self) -> bool {
        let error = |finding: &Finding| finding.severity() == Severity::Error;
        self.findings.iter().any(error)
    }
}

pub(crate) fn run(verb: ExportVerb, env: &mut Env<'_>) -> Outcome {
    let format = Format {
        output: Output::Text,
        quiet: false,
        width: None,
        colour: false,
    };
    let (file, export) = match verb {
        ExportVerb::Bundle(verb) => (verb.output_file.clone(), bundle::export(&verb, env)),
        ExportVerb::Pkcs12(verb) => (verb.output_file.clone(), pkcs12::export(&verb, env)),
        ExportVerb::Secret(verb) => (verb.output_file.clone(), secret::export(&verb, env)),
    };
    match export.and_then(|export| written(&export, file)) {
        Ok(outcome) => outcome,
        Err(stop) => stopped(stop, &format),
    }
}

fn written(export: &Export, file: Option<PathBuf>) -> Result<Outcome, Stop> {
    let refused = export.is_refused();
    let mut stderr = crate::report::noted(&export.notes);
    stderr.extend(told(&export.findings, &export.store, refused));
    if refused {
        let codes = export.findings.iter().map(|finding| finding.code);
        return Ok(Outcome {
            stdout: Vec::new(),
            stderr,
            exit: Exit::of_refusal(codes),
        });
    }
    let worst = export.findings.iter().map(Finding::severity).max();
    let exit = Exit::of_findings(worst, Severity::Warning);
    let stdout = match file {
        None => export.bytes.to_vec(),
        Some(file) if export.secret => {
            store::write_secret(&file, &export.bytes, transaction()?)?;
            Vec::new()
        }
        Some(file) => {
            store::write_output(&file, &export.bytes, transaction()?)?;
            Vec::new()
        }
    };
    Ok(Outcome {
        stdout,
        stderr,
        exit,
    })
}

/// The tree that flags and the configuration name.
fn opened(
    tree: &Tree,
    kubeconfig_dir: Option<&PathBuf>,
    env: &mut Env<'_>,
) -> Result<(Store, Vec<String>), Stop> {
    let (given, mut notes) = configuration(tree, env)?;
    let cert_dir = facts::cert_dir(&given)
        .map_err(|errors| Stop::Usage(errors.iter().map(ToString::to_string).collect()))?;
    let roots = roots(
        tree,
        kubeconfig_dir,
        None,
        None,
        cert_dir.as_deref(),
        &mut notes,
    );
    Ok((Store::open(roots), notes))
}

/// Everything that is there.
struct Found {
    specs: Vec<Spec>,
    seen: Seen,
    now: OffsetDateTime,
}

impl Found {
    /// In `whole` whatever its name.
    fn of(store: &Store, whole: &[Root], env: &Env<'_>) -> Result<Self, Stop> {
        let lock = store.lock_shared(&Root::ALL)?;
        let (specs, mut seen) = look(store, whole, env)?;
        (seen.ground.kubeconfigs, _) = there::kubeconfigs(store);
        settled(&lock)?;
        Ok(Self {
            specs,
            seen,
            now: env.now,
        })
    }

    /// What NAME means.
    fn named(&self, name: &str, store: &Store) -> Result<&Spec, Stop> {
        let row = by_name(name).is_some();
        let found = there::named(name, &self.specs, store).map_err(Stop::usage)?;
        found.ok_or_else(|| {
            let what = if row {
                "is not there"
            } else {
                "is no profile, and no pair or kubeconfig of that name is there"
            };
            Stop::usage(format!(
                "\"{name}\" {what}: 'certs check' lists what is there"
            ))
        })
    }

    /// What lies at `path`: what is there of that file, else the file as `check` would find it. The store
    /// is the one that has it.
    fn at(&mut self, path: &Path, store: &Store, env: &Env<'_>) -> Result<(Spec, Store), Stop> {
        let lies = |spec: &&Spec| store::is_same(&store.path(&spec.place.public()), path);
        if let Some(spec) = self.specs.iter().find(lies) {
            return Ok((spec.clone(), store.clone()));
        }
        // From here there is none, and the tree may have one that is told so.
        let typed = path.to_str().filter(|_| path.symlink_metadata().is_err());
        if let Some(name) = typed
            && let Some(spec) = there::named(name, &self.specs, store).map_err(Stop::usage)?
        {
            return Ok((spec.clone(), store.clone()));
        }
        // What keeps it from being read is told of the name that was given.
        input(path, "FILE")?;
        let wrong = |what: &str| Stop::usage(format!("{} {what}", path.display()));
        let Some((store, file)) = store.beside(path) else {
            return Err(wrong("is no file that stays where it is"));
        };
        let base = file.name.rsplit_once('.').map_or("", |(base, _)| base);
        let keys = [format!("{base}.key"), format!("{base}-key.pem")];
        let mut files = vec![file.clone()];
        files.extend(keys.map(|name| FileId::new(file.root, name)));
        files.dedup();
        let named = |file: FileId| loose(store.path(&file).display().to_string(), file);
        let places: Vec<Spec> = files.into_iter().map(named).collect();
        let mut seen = survey(&places, &store, store::trusted_users(Owner::default()));
        let places = paired(places, &mut seen.observed);
        let observed = &mut self.seen.observed;
        observed.extend(seen.observed);
        let specs = there::specs(places, observed, None, env.host.name)?;
        let spec = specs.into_iter().find(|spec| spec.place.public() == file);
        let mut spec = spec.ok_or_else(|| wrong("holds no certificate, and is no kubeconfig"))?;
        // Away from the cluster there is no CA to hold it against.
        if let Content::Certificate(wanted) = &mut spec.content {
            let there = |ca: &String| observed.get(ca).is_some_and(|ca| !ca.is_absent());
            wanted.issuer = wanted.issuer.take().filter(there);
        }
        Ok((spec, store))
    }

    /// What is wrong with it, and with its CA.
    fn findings(&self, spec: &Spec, env: &Env<'_>) -> Vec<Finding> {
        let specs = std::slice::from_ref(spec);
        let mut findings = for_reader(specs, &self.seen, env.now);
        let leaf = |spec: &Spec| {
            spec.certificate()
                .is_some_and(|wanted| wanted.kind != Kind::Ca)
        };
        if leaf(spec) {
            let unknown = unknown_signers(&self.seen.observed);
            let new = unknown
                .into_iter()
                .filter(|one| findings.iter().all(|told| told.file != one.file));
            let new: Vec<Finding> = new.collect();
            findings.extend(new);
        }
        findings
    }

    /// What is wrong with its users that the current context does not name, whose keys go where it goes.
    fn wrong_users(&mut self, spec: &Spec, store: &Store, env: &Env<'_>) -> Vec<Finding> {
        let mut users = entries(
            std::slice::from_ref(spec),
            &mut self.seen,
            store,
            env.host.name,
        );
        users.retain(|user| {
            let entry = user.place.entry();
            entry.is_some_and(|entry| entry.kind == EntryKind::User)
        });
        let mut findings = for_reader(&users, &self.seen, env.now);
        findings.retain(|finding| {
            let own = users.iter().any(|user| user.name == finding.name);
            own && finding.severity() == Severity::Error
        });
        findings
    }

    fn observed(&self, spec: &Spec) -> &Observed {
        self.seen
            .observed
            .get(&spec.name)
            .unwrap_or(&Observed::Absent)
    }

    /// Its certificate, with those above it as far as they are here, and its key.
    fn credentials(&self, spec: &Spec) -> Option<(Vec<Certificate>, &PrivateKey)> {
        let known = authorities(spec, &self.seen.observed);
        let (chain, key, pool) = match self.observed(spec) {
            Observed::Certificate { chain, key, .. } => (chain, key.as_ref()?, known),
            Observed::Kubeconfig(found) if known.is_empty() => {
                (&found.chain, &found.key, &*found.authorities)
            }
            Observed::Kubeconfig(found) => (&found.chain, &found.key, known),
            _ => return None,
        };
        Some((line(chain, pool, self.now), Key::open(key)?))
    }
}

/// What is wrong with what is there, with the ways out of who writes nothing.
fn for_reader(specs: &[Spec], seen: &Seen, now: OffsetDateTime) -> Vec<Finding> {
    let findings = told_to_a_reader(judged(specs, seen, now), specs);
    lasting_longer(findings, specs, &seen.observed, &seen.ground.kubeconfigs)
}

/// The first of a file and all that is above it, the root too.
fn line(chain: &[Certificate], pool: &[Certificate], now: OffsetDateTime) -> Vec<Certificate> {
    let Some((leaf, behind)) = chain.split_first() else {
        return Vec::new();
    };
    let pool = [behind, pool].concat();
    let line = [leaf].into_iter().chain(above(leaf, &pool, now));
    line.cloned().collect()
}

/// A secret does not go to a terminal, where it would stay on the screen and in its memory.
fn not_to_a_terminal(file: Option<&PathBuf>, env: &Env<'_>, way_out: &str) -> Result<(), Stop> {
    if file.is_none() && env.terminal {
        return Err(Stop::usage(format!(
            "standard output is a terminal, and this holds a private key: {way_out}"
        )));
    }
    Ok(())
}

/// Whether a place is a kubeconfig's.
fn is_kubeconfig(spec: &Spec) -> bool {
    matches!(spec.place, Place::Kubeconfig { .. })
}
