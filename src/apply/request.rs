//! Keys that wait, the requests for them, and what came back.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::{CERTIFICATE_MODE, PRIVATE_MODE, Preparation, octets, pem};
use crate::key::PrivateKey;
use crate::kubeconfig::{self, Credentials, Entry};
use crate::location::Root;
use crate::observed::{Key, Observed, signing};
use crate::plan::{Step, asked};
use crate::requests::{Manifest, in_place_of, manifest, sent};
use crate::spec::{Place, Spec};
use crate::x509::request::Request;

impl<'a> Preparation<'a> {
    /// A request for a key that is there, or for a new one, which is put where it will be used.
    pub(super) fn ask(
        &mut self,
        pair: usize,
        spec: &'a Spec,
        new: Option<&Arc<PrivateKey>>,
    ) -> Result<()> {
        let key = match new {
            Some(key) => Arc::clone(key),
            None => self.key_in_place(spec)?,
        };
        let observed = self.seen.observed.get(&spec.name);
        let asked = asked(spec, observed.unwrap_or(&Observed::Absent), &key)
            .context("a request is for a certificate")?;
        let request =
            Request::new(&asked, &key).with_context(|| format!("request {}", spec.name))?;
        if new.is_some() {
            match &spec.place {
                Place::Kubeconfig { .. } => self.waiting(pair, spec, &key)?,
                Place::File { root, .. } => {
                    self.rotate(pair, spec, *root, &(String::new(), &key));
                }
                place => self.private_key(pair, place, &key),
            }
        }
        let pem = request.to_pem();
        let own = match observed {
            Some(Observed::Certificate { chain, key, .. }) if spec.is_ca() => {
                signing(chain, key.as_ref()).map(|present| in_place_of(present) + &pem)
            }
            _ => None,
        };
        let own = own.unwrap_or_else(|| pem.clone());
        for (file, text) in [(spec.place.request(), own), (sent(spec), pem)] {
            self.change(pair, &spec.place, file, octets(&text), CERTIFICATE_MODE);
        }
        self.requests.push((spec, request));
        Ok(())
    }

    /// A kubeconfig with its key and without its certificate, as kubeadm writes one.
    fn waiting(&mut self, pair: usize, spec: &Spec, key: &PrivateKey) -> Result<()> {
        let issuer = spec
            .certificate()
            .and_then(|wanted| wanted.issuer.as_deref());
        let authorities = issuer.and_then(|ca| self.trusted(ca).ok());
        let authorities = pem(&authorities.unwrap_or_default());
        let key = key.to_pem();
        let entry = Entry::of(&spec.place, &authorities, Credentials::Key(key.as_bytes()))
            .with_context(|| format!("{} is no kubeconfig", spec.name))?;
        let file = spec.place.public();
        let text = kubeconfig::write(&entry, None)?;
        self.change(pair, &spec.place, file, text, PRIVATE_MODE);
        Ok(())
    }

    /// What tells of all requests that are out.
    pub(super) fn tell_of_requests(&mut self) -> Result<()> {
        if self.requests.is_empty() {
            return Ok(());
        }
        let file = manifest();
        let mut told = match self.seen.files.get(&file) {
            Some(content) => Manifest::parse(&content.bytes)
                .with_context(|| format!("read {file}: move it away"))?,
            None => Manifest::default(),
        };
        told.requests
            .retain(|entry| self.seen.ground.listed.contains(&entry.name));
        let kept = self
            .plan
            .steps
            .iter()
            .filter(|planned| matches!(planned.step, Step::Asked | Step::Keep));
        let kept = kept.filter_map(|planned| {
            let request = self.seen.ground.requested.get(&planned.spec.name)?;
            Some((&planned.spec, request))
        });
        for (spec, request) in
            kept.chain(self.requests.iter().map(|(spec, request)| (*spec, request)))
        {
            told.put(spec, request);
        }
        let pair = self.plan.steps.len();
        // Of the place only its files matter, whose owner a new file gets.
        let place = Place::File {
            root: file.root,
            name: file.name.clone(),
        };
        self.change(
            pair,
            &place,
            file,
            octets(&told.to_json()),
            CERTIFICATE_MODE,
        );
        Ok(())
    }

    /// What came back, in its place.
    pub(super) fn import(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let Some(Observed::Returned(returned)) = self.seen.observed.get(&spec.name) else {
            bail!("{} did not come back", spec.name);
        };
        if let Some(leaf) = returned.chain.first() {
            self.issued.insert(spec.name.clone(), leaf.clone());
        }
        if let Place::Kubeconfig { .. } = &spec.place {
            let key = self.key_in_place(spec)?.to_pem();
            let data = Credentials::Data {
                certificate: &pem(&returned.chain),
                key: key.as_bytes(),
            };
            return self.kubeconfig(pair, spec, data);
        }
        if let Place::File {
            root: root @ Root::Kubelet,
            ..
        } = spec.place
        {
            let key = self.key_in_place(spec)?;
            self.rotate(pair, spec, root, &(pem(&returned.chain), &key));
            return Ok(());
        }
        self.certificates(pair, spec, &returned.chain);
        Ok(())
    }

    /// The key that is where it is used.
    fn key_in_place(&self, spec: &Spec) -> Result<Arc<PrivateKey>> {
        let key = match self.seen.observed.get(&spec.name) {
            Some(Observed::Returned(returned)) => returned.key.as_ref(),
            Some(Observed::Certificate { key, .. }) => key.as_ref(),
            Some(Observed::KeyOnly(key) | Observed::Requested { key, .. }) => Some(key),
            Some(Observed::Kubeconfig(found)) => Some(&found.key),
            _ => None,
        };
        let key = key.and_then(Key::open);
        let key = key.with_context(|| format!("the key of {} is not open", spec.name))?;
        Ok(Arc::clone(key))
    }
}
