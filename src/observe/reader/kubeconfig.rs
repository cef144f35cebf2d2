//! A kubeconfig, with the files that it names.

use super::found::holds_key;
use super::{Holds, Reader, access, key_state, unread, when_it_comes};
use crate::kubeconfig::{self, Bearer, Source};
use crate::location::FileId;
use crate::observe::parts::lies;
use crate::observed::{self, Access, Cause, Key, Kubeconfig, Named, Observed, Trusted, Unreadable};
use crate::store::FileContent;
use crate::x509::cert::Certificate;
use crate::x509::request::Request;

impl Reader<'_> {
    pub(super) fn kubeconfig(&mut self, file: &FileId) -> Observed {
        if self.own && !self.found && !self.is_identity(file) {
            return Observed::Absent;
        }
        let before = self.unreadable.len();
        let mut opaque = false;
        let mut further = Vec::new();
        let parse = |bytes: &[u8]| {
            let parsed = kubeconfig::parse_all(bytes);
            opaque = parsed.is_err() && kubeconfig::is_opaque(bytes);
            parsed.map_err(|mut faults| {
                further = faults.split_off(1);
                faults.remove(0)
            })
        };
        let parsed = self.file(file, Holds::Both, parse);
        for fault in further {
            let why = format!("cannot be used: {fault:#}");
            self.fail(file, why, Cause::Content);
        }
        let Some((entry, access)) = parsed else {
            for reason in self.unreadable.iter_mut().filter(|_| opaque) {
                reason.cause = Cause::Opaque;
            }
            // kubeadm leaves a kubeconfig without its certificate beside its request.
            let content =
                |reason: &Unreadable| matches!(reason.cause, Cause::Content | Cause::Opaque);
            // Of one that was not read nothing is known, nor of what lies beside it.
            if !self.found && self.unreadable[before..].iter().any(content) {
                let asked = self.asked(file);
                let faults = self.unreadable.len() - before;
                if let Some(waiting) = self.waiting(file, asked.as_ref(), faults) {
                    self.unreadable.truncate(before);
                    return waiting;
                }
                if let Some((asked, _)) = asked {
                    let mended = self.unreadable.iter_mut();
                    for reason in mended.filter(|reason| reason.way_out.is_none()) {
                        reason.cause = Cause::Requested;
                        reason.way_out = Some(when_it_comes(file, &asked));
                    }
                }
            }
            self.named_keys(file);
            return Observed::Absent;
        };
        let before = self.unreadable.len();
        // Where it has none, that is where they are to be.
        let of_ca = entry.authorities.as_ref();
        let sources = [
            of_ca.map_or(observed::Source::Embedded, |ca| lies(file, ca, self.store)),
            lies(file, &entry.certificate, self.store),
            lies(file, &entry.key, self.store),
        ];
        let authorities = self.authorities(file, of_ca);
        let chain = self.source(file, &entry.certificate, Certificate::from_pem);
        let key = self.source(file, &entry.key, |bytes| key_state(bytes, None));
        let (Some(authorities), Some((chain, _)), Some((state, mode))) = (authorities, chain, key)
        else {
            self.open_to(before, access);
            self.named_keys(file);
            return Observed::Absent;
        };
        let key_file = match entry.key {
            Source::Data { .. } => None,
            Source::File { path, .. } => Some((path, mode)),
        };
        Observed::Kubeconfig(Kubeconfig {
            cluster: entry.cluster,
            user: entry.user,
            server: entry.server,
            server_name: entry.server_name,
            authorities,
            // What cannot be read there is not of the current context, and nothing is trusted by it.
            beside: entry
                .beside
                .into_iter()
                .filter_map(|(name, trusted)| {
                    let source = match trusted {
                        kubeconfig::Trusted::Anybody => return Some((name, Trusted::Anybody)),
                        kubeconfig::Trusted::AnybodyElsewhere(context) => {
                            return Some((name, Trusted::AnybodyElsewhere(context)));
                        }
                        kubeconfig::Trusted::Machine => return Some((name, Trusted::Machine)),
                        kubeconfig::Trusted::These(source) => source,
                    };
                    let (bytes, embedded) = match source {
                        Source::Data { bytes, .. } => (bytes, true),
                        Source::File { path, .. } => {
                            let named = self.store.read_reference(file, &path).ok()??;
                            (named.bytes, false)
                        }
                    };
                    let held = Certificate::from_pem(&bytes).ok()?;
                    Some((name, Trusted::These { held, embedded }))
                })
                .collect(),
            chain,
            sources: Box::new(sources),
            referred: matches!(entry.certificate, Source::File { .. }),
            further: entry.further,
            named: std::mem::take(&mut self.named),
            key: Key { state, access },
            key_file,
        })
    }

    /// Who may read the keys that a kubeconfig names matters though it is not judged.
    fn named_keys(&mut self, file: &FileId) {
        let content = self.seen.get(file);
        let paths = content.map(|content| kubeconfig::key_files(&content.bytes));
        for path in paths.unwrap_or_default() {
            if let Some(access) = self.named_key(file, &path) {
                self.unreadable.push(Unreadable {
                    file: file.clone(),
                    why: path,
                    cause: Cause::Named,
                    way_out: None,
                    access: Some(access),
                    public: None,
                });
            }
        }
    }

    /// Who may read the key that a kubeconfig names.
    pub(in crate::observe) fn named_key(&self, file: &FileId, path: &str) -> Option<Access> {
        // That it cannot be read, where it matters, is told already.
        let key = self.store.read_reference(file, path).ok()??;
        // What holds none is no key, whatever a kubeconfig calls it.
        holds_key(&key.bytes).then(|| access(&key))
    }

    /// Whether a file that is in no row is a kubeconfig with a client certificate: a token's or
    /// another program's is none of ours.
    fn is_identity(&self, file: &FileId) -> bool {
        match self.content(file) {
            Ok(Some(content)) => kubeconfig::bearer(&content.bytes) == Some(Bearer::Certificate),
            // That it cannot be read is for the reader to tell.
            _ => true,
        }
    }

    /// A kubeconfig that was read and holds a key, whose certificate the request beside it asks for; where there is no
    /// request, and nothing else is wrong with it, the key alone, as of a pair.
    fn waiting(
        &self,
        file: &FileId,
        asked: Option<&(FileId, Option<Request>)>,
        faults: usize,
    ) -> Option<Observed> {
        let content = self.seen.get(file)?;
        let waiting = kubeconfig::waiting(&content.bytes)?;
        let key = Key {
            state: key_state(&waiting.key, None).ok()?,
            access: Access {
                mode: content.mode,
                user: content.uid,
            },
        };
        let Some((_, request)) = asked else {
            return (faults == 1 && !self.own).then_some(Observed::KeyOnly(key));
        };
        let request = request.as_ref()?;
        (*key.open()?.public_key() == request.public_key).then(|| Observed::Requested {
            key,
            request: Box::new(request.clone()),
            entry: Some([waiting.cluster, waiting.user, waiting.server]),
        })
    }

    /// Whom it trusts; nobody of its own, where it has no CA certificates.
    pub(in crate::observe) fn authorities(
        &mut self,
        file: &FileId,
        source: Option<&Source>,
    ) -> Option<Vec<Certificate>> {
        let Some(source) = source else {
            return Some(Vec::new());
        };
        let read = self.source(file, source, Certificate::from_pem);
        read.map(|(authorities, _)| authorities)
    }

    /// The data of a kubeconfig's field, or the file it refers to, with that file's mode.
    pub(in crate::observe) fn source<T>(
        &mut self,
        file: &FileId,
        source: &Source,
        parse: impl FnOnce(&[u8]) -> anyhow::Result<T>,
    ) -> Option<(T, u32)> {
        match source {
            Source::Data { field, bytes } => self
                .parsed(file, bytes, |bytes| {
                    parse(bytes).map_err(|error| error.context(*field))
                })
                .map(|parsed| (parsed, 0)),
            Source::File { field, path } => match self.store.read_reference(file, path) {
                Ok(None) => {
                    let why = format!("refers to {path} ({field}), which is not there");
                    self.fail(file, why, Cause::Content);
                    None
                }
                Ok(Some(content)) => {
                    self.take_note(file, field, path, &content);
                    self.parsed(file, &content.bytes, |bytes| {
                        parse(bytes).map_err(|error| error.context(format!("{field} {path}")))
                    })
                    .map(|parsed| (parsed, content.mode))
                }
                Err(error) => {
                    let cause = self.cause(&error, Holds::Both);
                    let Unreadable { why, way_out, .. } = unread(file, &error);
                    let why = format!("refers to {path} ({field}), which {why}");
                    // What is wrong with a file that is only named is no reason to move it.
                    match way_out.filter(|_| cause != Cause::Content) {
                        Some(way_out) => self.fail(file, format!("{why}: {way_out}"), cause),
                        None => self.fail(file, why, cause),
                    }
                    None
                }
            },
        }
    }

    /// What lies in the tree is judged where it lies, and of a key more is asked than of these.
    fn take_note(&mut self, of: &FileId, field: &'static str, path: &str, content: &FileContent) {
        if field != kubeconfig::KEY && self.store.referred(of, path).is_none() {
            self.named.push(Named {
                field,
                path: path.to_owned(),
                access: access(content),
                trusted: field == kubeconfig::AUTHORITY,
            });
        }
    }
}
