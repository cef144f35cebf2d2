//! What is judged of the files themselves: their modes, and whether a key is its certificate's.

use super::Judge;
use super::ground::FOREIGN;
use super::leaf::is_master;
use crate::finding::{Code, Finding};
use crate::key::PublicKey;
use crate::location::FileId;
use crate::observed::{Access, Key, KeyState, Named, Shared, Unreadable};
use crate::spec::Place;
use crate::x509::cert::Certificate;

/// Bits of a key's or kubeconfig's mode that let others read or change it. A group may read:
/// etcd and kube-apiserver often run as users of their own.
pub(crate) const KEY_MODE: u32 = 0o037;
/// Bits that let others write.
const WRITABLE: u32 = 0o022;
/// Bits beyond the mode of a certificate.
const CERTIFICATE_MODE: u32 = 0o133;

/// The way out where the mode of a file that everyone may read lets them do more.
const CHMOD: &str = "chmod it to 0644";

/// What is to be told of a file that is taken as it stands: who can write it decides what is in it.
pub fn of_others(name: &str, file: &FileId, access: Access, trusted: &[u32]) -> Vec<Finding> {
    let Access { mode, user } = access;
    let finding = |code, text, way_out: &str| Finding {
        code,
        name: name.to_owned(),
        file: file.clone(),
        text,
        way_out: way_out.to_owned(),
    };
    let mut findings = Vec::new();
    if !trusted.contains(&user) {
        let text = format!("belongs to user {user}, who can put another in its place");
        findings.push(finding(Code::ForeignOwner, text, FOREIGN));
    }
    if mode & WRITABLE != 0 {
        let text = format!("has the mode {mode:04o}");
        findings.push(finding(Code::WritableByOthers, text, CHMOD));
    }
    findings
}

/// The way out where others may have read a key.
const READ: &str = "chmod it to 0600, and replace the key if others may have read it";

impl Judge<'_> {
    pub(super) fn key(&mut self, key: &Key, certificate: &Certificate) {
        // Of one that could not be looked at nothing is known.
        if let KeyState::Unread(reason) = &key.state {
            return self.unreadable(reason);
        }
        self.key_lies(key.access);
        if self.spec.is_ca() {
            self.key_owner(key.access, "who can sign with it");
        } else if matches!(self.spec.place, Place::Kubeconfig { .. })
            && is_master(&certificate.subject)
        {
            self.key_owner(key.access, "who is a member of system:masters by it");
        }
        match &key.state {
            // A CA's key is opened where it must sign: the plan judges that.
            KeyState::Locked(_) if self.spec.is_ca() => {}
            // Nothing tells that a component reads it.
            KeyState::Locked(_) if matches!(self.spec.place, Place::Found { .. }) => {}
            KeyState::Locked(_) => self.locked(),
            KeyState::Open(private) if private.public_key() != &certificate.public_key => {
                let text = match &self.spec.place {
                    Place::File { .. }
                    | Place::Found { key: None, .. }
                    | Place::Kubeconfig { .. } => "holds a key that is not its certificate's",
                    _ => "is not the key of the certificate beside it",
                };
                self.tell(Code::KeyMismatch, text, "");
            }
            KeyState::Open(_) | KeyState::Unread(_) | KeyState::Within => {}
        }
    }

    /// Of a key that signs, or that no authorization holds back. Another leaf's belongs to the user of
    /// the component that it is for; so does the key of kubeadm's CA where the controller manager,
    /// which signs with it, has a user of its own.
    fn key_owner(&mut self, access: Access, power: &str) {
        if !self.trusted.contains(&access.user) {
            let text = format!("belongs to user {}, {power}", access.user);
            self.tell(Code::KeyOwner, &text, "");
        }
    }

    /// A copy of what all nodes have alike. What that is worth is told where it is kept.
    pub(super) fn shared(&mut self, shared: &Shared) {
        let Some((same, access)) = shared.there else {
            return;
        };
        let told = self.findings.len();
        if shared.file.largest_mode() == FileId::PRIVATE_MODE {
            self.key_access(access);
            self.key_owner(access, "who can sign with it");
        } else {
            self.public_access(access);
        }
        if !same {
            let text = "is another than the one that all nodes share";
            let by_stage = (shared.stage.as_ref()).map(|stage| {
                format!("'{stage} --inventory FILE --out DIR' brings all nodes to one stage")
            });
            let way_out = match &by_stage {
                Some(way_out) => way_out,
                None if shared.of.is_none() => "bring the shared one back, or move this one away",
                None if shared.lags() => {
                    "'certs renew --inventory FILE --out DIR' brings it up to date"
                }
                None => "'certs all --inventory FILE --out DIR --force' puts that one in its place",
            };
            self.tell(Code::SharedDiffers, text, way_out);
        }
        for finding in &mut self.findings[told..] {
            finding.file = shared.file.clone();
        }
    }

    /// Only a CA's key may be encrypted: nobody types a passphrase when a component starts.
    fn locked(&mut self) {
        let what = match &self.spec.place {
            Place::Kubeconfig { .. } => "has an encrypted key",
            _ => "is encrypted",
        };
        let text = format!("{what}, and the components of Kubernetes open no encrypted key");
        let mut finding = self.finding(Code::Unreadable, &text, "");
        finding.file = self.spec.place.key();
        self.findings.push(finding);
    }

    /// A file in which something goes to another machine, or came from there. What a public file has
    /// beyond the mode of a certificate is no matter: its mode there is another.
    pub(super) fn taken_as_it_stands(&mut self, access: Access) {
        let file = self.spec.place.public();
        let mut told = of_others(&self.spec.name, &file, access, self.trusted);
        self.findings.append(&mut told);
    }

    /// Who can write a CA's certificate or sa.pub decides whom the cluster trusts. Another leaf's may
    /// belong to the user of the component that it is for.
    pub(super) fn public_access(&mut self, access: Access) {
        let leaf = self
            .spec
            .certificate()
            .is_some_and(|certificate| certificate.issuer.is_some());
        let mut told = of_others(
            &self.spec.name,
            &self.spec.place.public(),
            access,
            self.trusted,
        );
        told.retain(|finding| !leaf || finding.code != Code::ForeignOwner);
        self.findings.append(&mut told);
        let mode = access.mode;
        if mode & WRITABLE == 0 && mode & CERTIFICATE_MODE != 0 {
            let text = format!("has the mode {mode:04o}");
            self.tell(Code::CertificateMode, &text, CHMOD);
        }
    }

    /// Who can write a file of which nothing can be read; whose it may be depends on what it holds.
    pub(super) fn unreadable_access(&mut self, unreadable: &Unreadable) {
        let Some(access) = unreadable.public else {
            return;
        };
        let told = self.findings.len();
        self.public_access(access);
        for finding in &mut self.findings[told..] {
            finding.file = unreadable.file.clone();
        }
        let mut told = self.findings.split_off(told);
        told.retain(|finding| finding.code != Code::ForeignOwner);
        self.findings.append(&mut told);
    }

    /// The same of a file that holds the key too, which nobody else may read.
    pub(super) fn public_access_with_key(&mut self, access: Access) {
        let told = self.findings.len();
        self.public_access(access);
        for finding in &mut self.findings[told..] {
            if finding.way_out == CHMOD {
                "chmod it to 0600".clone_into(&mut finding.way_out);
            }
        }
    }

    /// Who may read the file that it lies in: of an entry of a kubeconfig the one that this names.
    pub(super) fn key_lies(&mut self, access: Access) {
        let entry = self.spec.place.entry();
        match entry.and_then(|entry| entry.key_file.clone()) {
            Some(path) => self.key_reference(&path, access.mode),
            None => self.key_access(access),
        }
    }

    pub(super) fn key_access(&mut self, access: Access) {
        self.secret_access(access, READ);
    }

    /// The same of a kubeconfig that says only where its one user has the key.
    pub(super) fn keyless(&mut self, told: usize) {
        for finding in &mut self.findings[told..] {
            if finding.way_out == READ {
                "chmod it to 0600".clone_into(&mut finding.way_out);
            }
        }
    }

    /// A file that holds what its user shows in place of a certificate.
    pub(super) fn token_access(&mut self, access: Access) {
        let way_out =
            "chmod it to 0600, and replace the token or password if others may have read it";
        self.secret_access(access, way_out);
    }

    fn secret_access(&mut self, access: Access, way_out: &str) {
        let mode = access.mode;
        if mode & KEY_MODE != 0 {
            self.tell(Code::KeyMode, &format!("has the mode {mode:04o}"), way_out);
        }
    }

    /// The key in a file of its own that a kubeconfig names.
    pub(super) fn key_reference(&mut self, path: &str, mode: u32) {
        if mode & KEY_MODE != 0 {
            self.tell(
                Code::KeyMode,
                &format!("names the key {path}, which has the mode {mode:04o}"),
                "chmod that file to 0600, and replace the key if others may have read it",
            );
        }
    }

    /// What a kubeconfig names and lies elsewhere: as it would be judged in the tree.
    pub(super) fn named(&mut self, files: &[Named]) {
        for file in files {
            let Access { mode, user } = file.access;
            let names = format!("names the file {} ({}), which", file.path, file.field);
            if file.trusted && !self.trusted.contains(&user) {
                let text =
                    format!("{names} belongs to user {user}, who can put another in its place");
                let way_out = "chown that file to root, or to the user who runs certs";
                self.tell(Code::ForeignOwner, &text, way_out);
            }
            if mode & WRITABLE != 0 {
                let text = format!("{names} has the mode {mode:04o}");
                self.tell(Code::WritableByOthers, &text, "chmod that file to 0644");
            }
        }
    }

    pub(super) fn key_pair(&mut self, key: &Key, public: Option<&[PublicKey]>) {
        if let KeyState::Unread(reason) = &key.state {
            return self.unreadable(reason);
        }
        self.key_access(key.access);
        self.key_owner(key.access, "who can sign with it");
        self.token_keys(key, public.unwrap_or_default());
        match (&key.state, public) {
            (KeyState::Locked(_), _) => self.locked(),
            (KeyState::Open(private), Some(public)) if !public.contains(private.public_key()) => {
                let text = format!(
                    "does not hold the public key of {}",
                    self.spec.place.key().name
                );
                let mut finding = self.finding(Code::KeyMismatch, &text, "");
                finding.file = self.spec.place.public();
                self.findings.push(finding);
            }
            _ => {}
        }
    }

    /// Several, as while the key is replaced: the tokens of each are good for as long as it is there.
    fn token_keys(&mut self, key: &Key, public: &[PublicKey]) {
        let mut keys: Vec<&PublicKey> = Vec::new();
        for one in public {
            if !keys.contains(&one) {
                keys.push(one);
            }
        }
        if keys.len() < 2 {
            return;
        }
        let own = key.open().map(|private| private.public_key());
        let signs = self.spec.place.key().name;
        let told = keys.iter().map(|one| {
            let id = one.token_key_id();
            if own == Some(*one) {
                format!("{id} ({signs})")
            } else {
                id
            }
        });
        let mut text = format!(
            "holds {} public keys, and tokens of each are accepted: {}",
            keys.len(),
            told.collect::<Vec<_>>().join(", ")
        );
        let mut way_out =
            "'certs rotate status' tells what comes next: each stays until its tokens have ended";
        if own.is_some_and(|own| keys[0] != own && keys.contains(&own)) {
            text = format!("{text}; that of {signs} is not the first");
            way_out = "put that of the key that signs first, for who reads no more than one; each stays until its \
                       tokens have ended";
        }
        self.tell(Code::TokenKeys, &text, way_out);
    }
}
