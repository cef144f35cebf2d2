//! What is written for one step: its files, with mode and owner.

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use super::{CERTIFICATE_MODE, PRIVATE_MODE, Preparation, octets, pem};
use crate::bundle::{chain, with_crossed};
use crate::key::{self, PrivateKey};
use crate::kubeconfig::{self, Credentials, Entry};
use crate::location::{FileId, Owner, Root};
use crate::observed::{Access, Observed, Shared};
use crate::plan::Planned;
use crate::profile::API_SERVER;
use crate::profile::rotation::waits_for;
use crate::spec::{Content, Place, Spec};
use crate::store::{Change, rotated};
use crate::x509::cert::Certificate;

impl Preparation<'_> {
    pub(super) fn place(
        &mut self,
        pair: usize,
        spec: &Spec,
        certificate: &Certificate,
        key: &PrivateKey,
    ) -> Result<()> {
        let issuer = spec
            .certificate()
            .and_then(|wanted| wanted.issuer.as_deref());
        let pool = match issuer {
            Some(ca) => self.authorities(ca)?,
            None => Vec::new(),
        };
        let file = chain(certificate, &pool, self.now);
        let file = self.with_crossed(spec, file, &pool);
        if let Place::File { root, .. } = spec.place {
            self.rotate(pair, spec, root, &(pem(&file), key));
            return Ok(());
        }
        let Place::Kubeconfig { .. } = &spec.place else {
            self.certificates(pair, spec, &file);
            self.private_key(pair, &spec.place, key);
            return Ok(());
        };
        let key = key.to_pem();
        let data = Credentials::Data {
            certificate: &pem(&file),
            key: key.as_bytes(),
        };
        self.kubeconfig(pair, spec, data)
    }

    /// The file of the API server's leaf with its CA as the one before it signed it, as long as that one is trusted too: what
    /// the file has of it already, or this run or another node, or what was behind the leaf that is replaced.
    pub(super) fn with_crossed(
        &self,
        spec: &Spec,
        file: Vec<Certificate>,
        authorities: &[Certificate],
    ) -> Vec<Certificate> {
        if spec.name != API_SERVER {
            return file;
        }
        let former = match self.seen.observed.get(&spec.name) {
            Some(Observed::Certificate { chain, .. }) => &chain[..],
            _ => &[],
        };
        let sent = self.crossed.iter().chain(former);
        with_crossed(file, authorities, sent, self.now)
    }

    /// As the kubelet writes what it rotated: certificates and key in a file called by the time, and then the link
    /// to it.
    pub(super) fn rotate(
        &mut self,
        pair: usize,
        spec: &Spec,
        root: Root,
        made: &(String, &PrivateKey),
    ) {
        let (certificates, key) = made;
        let key = key.to_pem();
        let mut bytes = Zeroizing::new(Vec::with_capacity(certificates.len() + key.len()));
        bytes.extend_from_slice(certificates.as_bytes());
        bytes.extend_from_slice(key.as_bytes());
        let place = &spec.place;
        let former = self.seen.files.get(&place.public());
        let name = rotated(self.now, former.map(|link| link.bytes.as_slice()));
        let link = octets(&name);
        self.change(pair, place, FileId::new(root, name), bytes, PRIVATE_MODE);
        self.change(pair, place, place.public(), link, PRIVATE_MODE);
    }

    /// A kubeconfig that names its files, which another step makes or has kept.
    pub(super) fn refer(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let files = spec
            .credential_files()
            .context("the kubeconfig names no files")?;
        let path = |file: &FileId| {
            self.seen
                .references
                .get(file)
                .map(String::as_str)
                .with_context(|| format!("the path of {file} is no text in UTF-8"))
        };
        let named = Credentials::Files {
            authorities: files.authorities.as_ref().map(path).transpose()?,
            certificate: path(&files.certificate)?,
            key: path(&files.key)?,
        };
        let of_pair = |planned: &&Planned| planned.spec.place.public() == files.certificate;
        if let Some(planned) = self.plan.steps.iter().find(of_pair) {
            let name = &planned.spec.name;
            let there = match self.seen.observed.get(name) {
                Some(Observed::Certificate { chain, .. }) => chain.first(),
                _ => None,
            };
            if let Some(leaf) = self.issued.get(name).or(there) {
                self.issued.insert(spec.name.clone(), leaf.clone());
            }
        }
        self.kubeconfig(pair, spec, named)
    }

    pub(super) fn kubeconfig(
        &mut self,
        pair: usize,
        spec: &Spec,
        credentials: Credentials<'_>,
    ) -> Result<()> {
        let issuer = spec
            .certificate()
            .and_then(|wanted| wanted.issuer.as_deref());
        let authorities = pem(&self.trusted(issuer.context("a kubeconfig needs a CA")?)?);
        let entry = Entry::of(&spec.place, &authorities, credentials)
            .with_context(|| format!("{} is no kubeconfig", spec.name))?;
        let file = spec.place.public();
        let existing = self
            .seen
            .files
            .get(&file)
            .map(|content| content.bytes.as_slice());
        let text =
            kubeconfig::write(&entry, existing).with_context(|| format!("replace {file}"))?;
        self.change(pair, &spec.place, file, text, PRIVATE_MODE);
        Ok(())
    }

    pub(super) fn certificates(&mut self, pair: usize, spec: &Spec, file: &[Certificate]) {
        if spec.name == API_SERVER {
            self.served = Some(file.to_vec());
        }
        let place = &spec.place;
        let bytes = octets(&pem(file));
        // Until it signs nobody reads it.
        let waits = waits_for(&place.public()).is_some();
        let mode = if waits {
            PRIVATE_MODE
        } else {
            CERTIFICATE_MODE
        };
        self.change(pair, place, place.public(), bytes, mode);
    }

    pub(super) fn private_key(&mut self, pair: usize, place: &Place, key: &PrivateKey) {
        let pem = octets(&key.to_pem());
        self.change(pair, place, place.key(), pem, PRIVATE_MODE);
    }

    pub(super) fn public_key(&mut self, pair: usize, place: &Place, key: &PrivateKey) {
        let pem = octets(&key.public_key().to_pem());
        self.change(pair, place, place.public(), pem, PRIVATE_MODE);
    }

    /// What all nodes have alike, octet for octet.
    pub(super) fn share(&mut self, pair: usize, spec: &Spec, files: &[Shared]) -> Result<()> {
        for shared in files {
            let file = shared.file.clone();
            let whole =
                |(same, there): (bool, Access)| same && there.mode & !file.largest_mode() == 0;
            if shared.there.is_some_and(whole) {
                continue;
            }
            let of = shared.of.as_ref();
            let bytes = of.with_context(|| format!("there is no {file} to be copied"))?;
            let mode = match &spec.content {
                Content::Certificate(_) if file == spec.place.public() => CERTIFICATE_MODE,
                _ => PRIVATE_MODE,
            };
            self.change(pair, &spec.place, file, bytes.0.as_ref().clone(), mode);
        }
        Ok(())
    }

    /// A replaced file keeps its owner, and its mode as far as that is allowed for such a file. One
    /// that is made beside the other half of its pair gets that one's owner: whoever could read a
    /// component's certificate must be able to read its key.
    pub(super) fn change(
        &mut self,
        pair: usize,
        place: &Place,
        file: FileId,
        bytes: Zeroizing<Vec<u8>>,
        mode: u32,
    ) {
        let replaced = self.seen.files.get(&file);
        let files = place.files();
        let owned = replaced.or_else(|| files.iter().find_map(|half| self.seen.files.get(half)));
        self.changes.push(Change {
            mode: replaced.map_or(mode, |found| found.mode & file.largest_mode()),
            owner: Owner {
                user: self.owner.user.or(owned.map(|found| found.uid)),
                group: self.owner.group.or(owned.map(|found| found.gid)),
            },
            group: pair,
            replaces: replaced.map(|found| key::sha256(&found.bytes)),
            file,
            bytes: Some(bytes),
        });
    }
    /// What is there of it goes, in the order of its pair.
    pub(super) fn remove(&mut self, pair: usize, file: FileId) {
        if let Some(found) = self.seen.files.get(&file) {
            let held = key::sha256(&found.bytes);
            self.changes.push(Change::removal(file, pair, held));
        }
    }
}
