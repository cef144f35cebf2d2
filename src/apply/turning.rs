//! What a CA, or the key of the service accounts, comes to at a stage of its replacement.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::{PRIVATE_MODE, Preparation, octets, of_key, serial};
use crate::bundle::{self, allows};
use crate::diff::End;
use crate::issue::{self, Issuer};
use crate::key::{PrivateKey, PublicKey};
use crate::observed::Observed;
use crate::plan::{Turned, after, keys_after};
use crate::profile::renewal::crossed;
use crate::profile::rotation::{name, place};
use crate::profile::{CLUSTER, Signer, by_name, signs_for};
use crate::spec::{CertificateSpec, Content, Kind, Spec};
use crate::x509::cert::Certificate;

impl<'a> Preparation<'a> {
    pub(super) fn turn(&mut self, pair: usize, spec: &'a Spec, turned: Turned) -> Result<()> {
        let mut specs = self.plan.steps.iter().map(|planned| &planned.spec);
        if let Some(ca) = specs.find(|ca| signs_for(spec, ca)) {
            // The controller manager signs with the one of the key.
            let (chain, key) = self.ca(&ca.name)?;
            let own = of_key(&chain, &key)?;
            self.certificates(pair, spec, std::slice::from_ref(own));
            self.issued.insert(spec.name.clone(), own.clone());
            return Ok(());
        }
        match spec.content {
            Content::Certificate(_) => self.turn_ca(pair, spec, turned),
            Content::KeyPair(_) => self.turn_keys(pair, spec, turned),
        }
    }

    /// What waited, once it is in its place.
    pub(super) fn take_away(&mut self, pair: usize, spec: &Spec) {
        for file in spec.place.files() {
            self.remove(pair, file);
        }
    }

    fn turn_ca(&mut self, pair: usize, spec: &'a Spec, turned: Turned) -> Result<()> {
        let (chain, key) = self.ca(&spec.name)?;
        let present = of_key(&chain, &key)?;
        let waiting = by_name(&spec.name).context("a CA of the table is replaced")?;
        let next = match turned {
            Turned::Drop => None,
            Turned::Trust | Turned::Issue => Some(self.ca(&name(waiting))?),
        };
        let waits = match &next {
            Some((chain, key)) => Some(of_key(chain, key)?),
            None => None,
        };
        let file = after(&chain, present, waits, Some(turned));
        let file = file.context("what takes its place is not there")?;
        self.certificates(pair, spec, &file);
        let signs = match (turned, &next, waits) {
            (Turned::Issue, Some((_, new)), Some(waits)) => {
                self.moved(pair, spec)?;
                if matches!(CLUSTER, Signer::Ca(ca) if ca == spec.name) && allows(present, 1) {
                    // Nodes that a run which was ended brought here have it already: all are to send the same one.
                    let sent = bundle::crossed(waits, &file, self.crossed.take(), self.now);
                    let make = || self.cross(spec, waits, (present, &chain, &key));
                    self.crossed = Some(sent.map_or_else(make, Ok)?);
                }
                Arc::clone(new)
            }
            _ => key,
        };
        if turned == Turned::Drop {
            self.dropped.clone_from(&file);
        }
        let first = file.first().context("the CA's file is empty")?.clone();
        self.issued.insert(spec.name.clone(), first);
        self.cas.insert(&spec.name, (file, signs));
        Ok(())
    }

    /// The key that waited takes its place as its file is, be it encrypted.
    fn moved(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let row = by_name(&spec.name).context("a row of the table is replaced")?;
        let file = place(row).key();
        let waits = self.seen.files.get(&file);
        let waits = waits.with_context(|| format!("{file} was not read"))?;
        let (own, bytes) = (&spec.place, waits.bytes.clone());
        self.change(pair, own, own.key(), bytes, PRIVATE_MODE);
        Ok(())
    }

    /// A CA that the one before it signed: with that behind its certificate a server is followed by who has
    /// not heard of the new one.
    fn cross(
        &self,
        spec: &Spec,
        ca: &Certificate,
        (former, chain, key): (&Certificate, &[Certificate], &PrivateKey),
    ) -> Result<Certificate> {
        let wanted = CertificateSpec {
            subject: ca.subject.clone(),
            subject_given: true,
            former_subjects: Vec::new(),
            issuer: Some(spec.name.clone()),
            kind: Kind::Ca,
            sans: Vec::new(),
            key_algorithm: spec.key_algorithm(),
            validity: ca.validity.not_after - self.now,
            kept: Some(crossed(ca, former).context("read what the next CA is named by")?),
        };
        let end = End::of_ca(former, chain, self.now);
        let validity = issue::validity(&wanted, Some(end), self.now)?;
        let issuer = Issuer {
            certificate: former,
            key,
        };
        let made = issue::leaf(&wanted, &ca.public_key, issuer, serial()?, validity)
            .with_context(|| format!("sign the next {} with the present one", spec.name))?;
        Ok(made.certificate().clone())
    }

    fn turn_keys(&mut self, pair: usize, spec: &Spec, turned: Turned) -> Result<()> {
        let row = by_name(&spec.name).context("a key of the table is replaced")?;
        let open = |name: &str| match self.seen.observed.get(name) {
            Some(Observed::KeyPair { key, .. }) => key.open().cloned(),
            _ => None,
        };
        let present = open(&spec.name).context("the private key is not open")?;
        let made = self.waiting.clone();
        let waits = made.or_else(|| open(&name(row)));
        let Some(Observed::KeyPair {
            public: Some(public),
            ..
        }) = self.seen.observed.get(&spec.name)
        else {
            anyhow::bail!("{} has no public key", spec.name);
        };
        let next = waits.as_ref().map(|key| key.public_key());
        let keys = keys_after(public, present.public_key(), next, turned);
        let keys = keys.context("what takes its place is not there")?;
        let text: String = keys.iter().map(PublicKey::to_pem).collect();
        let own = &spec.place;
        self.change(pair, own, own.public(), octets(&text), PRIVATE_MODE);
        if turned == Turned::Issue {
            self.moved(pair, spec)?;
        }
        Ok(())
    }
}
