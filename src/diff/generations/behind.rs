//! What hangs on the former generation of a CA still, once the next one signs.

use super::{Found, comes_after};
use crate::bundle::{is_root, verifies};
use crate::diff::{is_told_of_kubeconfig, issuer};
use crate::finding::{Code, Finding};
use crate::observed::{Observed, signing};
use crate::profile::by_name;
use crate::profile::renewal::certificate;
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
