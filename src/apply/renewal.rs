//! What is renewed: another certificate in the place of the former one, and all else as it was.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::{PRIVATE_MODE, Preparation, pem};
use crate::bundle::{Exchange, completed};
use crate::diff::{file, trusts};
use crate::key::PrivateKey;
use crate::kubeconfig::{self, Anew};
use crate::observed::{Key, Observed, Source};
use crate::profile::renewal::certificate;
use crate::profile::signs_for;
use crate::spec::{Place, Spec};
use crate::x509::cert::Certificate;

impl<'a> Preparation<'a> {
    /// A certificate for the key that is there.
    pub(super) fn reissue(&mut self, pair: usize, spec: &'a Spec) -> Result<()> {
        // The controller manager signs with the one of today.
        let mut cas = self.plan.steps.iter().map(|planned| &planned.spec);
        if let Some(ca) = cas.find(|ca| signs_for(spec, ca)) {
            let made = self.issued.get(&ca.name).cloned();
            let made = made.with_context(|| format!("{} was not renewed", ca.name))?;
            self.certificates(pair, spec, std::slice::from_ref(&made));
            self.issued.insert(spec.name.clone(), made);
            return Ok(());
        }
        let observed = self.found(spec)?;
        let (former, _) = certificate(observed).context("it has no certificate")?;
        let former = former.clone();
        let key = match observed {
            Observed::Certificate { key: Some(key), .. } => key.open(),
            Observed::Kubeconfig(found) => Key::open(&found.key),
            _ => None,
        };
        let key = Arc::clone(key.context("its private key is not open")?);
        ensure!(
            former.public_key == *key.public_key(),
            "the key of {} is not its certificate's",
            spec.name
        );
        let wanted = spec.certificate().context("it has no certificate")?;
        let issued = self
            .issue(wanted, &key)
            .with_context(|| format!("renew {}", spec.name))?;
        let made = issued.certificate();
        if spec.is_ca() {
            self.renewed.push((former, made.clone()));
            let file = (self.file(spec, made)?, Arc::clone(&key));
            self.cas.insert(&spec.name, file);
        }
        self.issued.insert(spec.name.clone(), made.clone());
        self.place_again(pair, spec, made, None)
    }

    /// The CAs behind a leaf, and those that a kubeconfig trusts, as its CA's file has them now.
    pub(super) fn refresh(&mut self, pair: usize, spec: &Spec) -> Result<()> {
        let observed = self.found(spec)?;
        if let Observed::Lead(_) = observed {
            let (former, now) = self.trust(spec, observed)?;
            let anew = Anew {
                trust: exchange(&former, &now),
                ..Anew::default()
            };
            return self.kubeconfig_anew(pair, spec, &anew);
        }
        let (leaf, _) = certificate(observed).context("it has no certificate")?;
        let file = self.file(spec, leaf)?;
        let Observed::Kubeconfig(found) = observed else {
            self.certificates(pair, spec, &file);
            return Ok(());
        };
        let (former, now) = self.trust(spec, observed)?;
        let certificate = pem(&file);
        let anew = Anew {
            trust: exchange(&former, &now),
            fills: true,
            certificate: Some(certificate.as_str())
                .filter(|_| found.sources[1] == Source::Embedded && file != found.chain),
            ..Anew::default()
        };
        self.kubeconfig_anew(pair, spec, &anew)
    }

    /// A certificate where the former one was, with what stood behind that in its file; and the key,
    /// where it is a new one.
    pub(super) fn place_again(
        &mut self,
        pair: usize,
        spec: &Spec,
        made: &Certificate,
        key: Option<&PrivateKey>,
    ) -> Result<()> {
        let file = self.file(spec, made)?;
        if let Place::File { root, .. } = spec.place {
            let there = match self.found(spec)? {
                Observed::Certificate { key: Some(key), .. } => key.open().map(Arc::as_ref),
                _ => None,
            };
            let key = key.or(there).context("it has no key")?;
            self.rotate(pair, spec, root, &(pem(&file), key));
            self.named_by(spec, made);
            return Ok(());
        }
        let Place::Kubeconfig { .. } = spec.place else {
            self.certificates(pair, spec, &file);
            if let Some(key) = key {
                self.private_key(pair, &spec.place, key);
            }
            self.named_by(spec, made);
            return Ok(());
        };
        let observed = self.found(spec)?;
        let Observed::Kubeconfig(_) = observed else {
            bail!("{} is no kubeconfig", spec.name);
        };
        let (former, now) = self.trust(spec, observed)?;
        let certificate = pem(&file);
        let key = key.map(PrivateKey::to_pem);
        let anew = Anew {
            trust: exchange(&former, &now),
            fills: true,
            certificate: Some(&certificate),
            key: key.as_ref().map(|key| key.as_bytes()),
        };
        self.kubeconfig_anew(pair, spec, &anew)
    }

    /// Kubeconfigs that name its file have the new one too.
    fn named_by(&mut self, spec: &Spec, made: &Certificate) {
        let public = Source::File(spec.place.public());
        for planned in self
            .plan
            .steps
            .iter()
            .filter(|planned| planned.step.keeps())
        {
            let name = &planned.spec.name;
            if let Some(Observed::Kubeconfig(found)) = self.seen.observed.get(name)
                && found.sources[1] == public
            {
                self.issued.insert(name.clone(), made.clone());
            }
        }
    }

    /// What the file of a renewed certificate holds: a leaf is followed by its chain, and by what else
    /// followed it; and in a bundle all others stay.
    fn file(&self, spec: &Spec, made: &Certificate) -> Result<Vec<Certificate>> {
        let observed = self.found(spec)?;
        let (former, _) = certificate(observed).context("it has no certificate")?;
        let chain = match observed {
            Observed::Certificate { chain, .. } => chain,
            Observed::Kubeconfig(found) => &found.chain,
            _ => bail!("it has no certificate"),
        };
        let now = |one: &Certificate| {
            let renewed = self.renewed.iter().find(|(was, _)| was == one);
            match renewed {
                _ if one == former => made.clone(),
                Some((_, now)) => now.clone(),
                None => one.clone(),
            }
        };
        let mut file: Vec<Certificate> = chain.iter().map(now).collect();
        let issuer = spec.certificate().and_then(|leaf| leaf.issuer.as_deref());
        let authorities = match issuer {
            Some(ca) => self.authorities(ca)?,
            None => Vec::new(),
        };
        if issuer.is_some() {
            file = completed(made, &file[1..], &authorities, self.now);
        }
        file.retain(|one| one == made || !self.dropped.iter().any(|ca| ca.is_same_ca(one)));
        Ok(self.with_crossed(spec, file, &authorities))
    }

    /// The CA certificates that are to be exchanged in a kubeconfig, and those that come instead.
    fn trust(
        &self,
        spec: &Spec,
        observed: &Observed,
    ) -> Result<(Vec<Certificate>, Vec<Certificate>)> {
        let Some(ca) = trusts(spec, observed, &self.seen.observed) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let former = match self.seen.observed.get(ca) {
            Some(Observed::Returned(returned)) => returned.now.clone(),
            _ => file(Some(ca), &self.seen.observed).to_vec(),
        };
        Ok((former, self.trusted(ca)?))
    }

    fn kubeconfig_anew(&mut self, pair: usize, spec: &Spec, anew: &Anew<'_>) -> Result<()> {
        let file = spec.place.public();
        let existing = self.seen.files.get(&file);
        let existing = existing.with_context(|| format!("{file} was not read"))?;
        let text =
            kubeconfig::renew(anew, &existing.bytes).with_context(|| format!("renew {file}"))?;
        self.change(pair, &spec.place, file, text, PRIVATE_MODE);
        Ok(())
    }

    fn found(&self, spec: &Spec) -> Result<&'a Observed> {
        let seen: &'a _ = self.seen;
        let observed = seen.observed.get(&spec.name);
        observed.with_context(|| format!("{} is not there", spec.name))
    }
}

/// Nothing is exchanged where the CA is not here.
fn exchange<'a>(former: &'a [Certificate], now: &'a [Certificate]) -> Option<Exchange<'a>> {
    (!now.is_empty()).then_some(Exchange { former, now })
}

#[cfg(test)]
mod tests;
