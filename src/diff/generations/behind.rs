//! What hangs on the former generation of a CA still, once the next one signs.

use time::OffsetDateTime;

use super::{Found, comes_after};
use crate::bundle::{allows, crossed, is_good, is_root, verifies};
use crate::diff::{is_told_of_kubeconfig, issuer};
use crate::finding::{Code, Finding};
use crate::observed::{Observed, signing};
use crate::profile::renewal::certificate;
use crate::profile::{API_SERVER, by_name};
use crate::spec::Spec;

/// What the former CA of a file signed: nobody lets it in once that is out of it, and where the CA's key is nothing tells of it.
pub(in crate::diff) fn behind(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let told = specs.iter().filter_map(|spec| {
        let ca = by_name(issuer(spec)?)?;
        let Some(Observed::Certificate { chain, key, .. }) = found.get(ca.name) else {
            return None;
        };
        // Of one alone nothing is verified: a check of thousands of nodes asks for it at each.
        let present = signing(chain, key.as_ref()).filter(|_| chain.len() > 1)?;
        let (leaf, _) = certificate(found.get(&spec.name)?)?;
        if verifies(leaf, present) || is_told_of_kubeconfig(spec, found) {
            return None;
        }
        let mut others = chain.iter().filter(|ca| is_root(ca));
        let by = others.find(|ca| verifies(leaf, ca) && comes_after(present, ca))?;
        let text = format!(
            "was signed by \"{}\", in whose place \"{}\" signs by now",
            by.subject, present.subject
        );
        let way_out = format!("have it issued anew before 'certs rotate {} drop'", ca.name);
        Some(spec.finding(Code::Rotation, text, way_out))
    });
    told.collect()
}

/// That the API server sends nothing by which who trusts the former CA alone follows its certificate. What a CA may not have
/// signed nobody can send.
pub fn uncrossed(specs: &[Spec], found: &Found, now: OffsetDateTime) -> Option<Finding> {
    let spec = specs.iter().find(|spec| spec.name == API_SERVER)?;
    let Some(Observed::Certificate { chain, key, .. }) = found.get(issuer(spec)?) else {
        return None;
    };
    let present = signing(chain, key.as_ref()).filter(|ca| chain.len() > 1 && is_root(ca))?;
    let (leaf, sent) = certificate(found.get(&spec.name)?)?;
    let name = present.subject.common_name()?;
    let mut others = chain.iter();
    let former = others.find(|ca| {
        // A further CA that is trusted there for its own sake has no former name of this one.
        let alike = ca
            .subject
            .with_common_name(&name)
            .same_values(&present.subject);
        alike && is_root(ca) && is_good(ca, now) && allows(ca, 1) && comes_after(present, ca)
    })?;
    if !verifies(leaf, present) || crossed(present, chain, sent.iter().cloned(), now).is_some() {
        return None;
    }
    let text = format!(
        "is followed by nobody who trusts \"{}\" alone, in whose place \"{}\" signs by now",
        former.subject, present.subject
    );
    let way_out = "put the last certificate of another control plane's apiserver.crt behind it, or have every kubeconfig trust \
                   both: 'certs kubeconfig refresh FILE'";
    Some(spec.finding(Code::CrossMissing, text, way_out.to_owned()))
}
