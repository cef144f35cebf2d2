//! How a leaf leads to its CA, and which names may stand at its end.

use crate::bundle::{allows, may_sign, verifies};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;
use crate::x509::san::San;

/// Whether `leaf` leads to one of `authorities`, through `chain` where it must. That an authority
/// may sign is not asked here.
pub fn signed_by(leaf: &Certificate, chain: &[Certificate], authorities: &[Certificate]) -> bool {
    leads(leaf, chain, authorities, allows)
}

/// As `signed_by`, whatever number of CAs may be on the way.
pub(super) fn signed_at_any_length(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
) -> bool {
    leads(leaf, chain, authorities, |_, _| true)
}

fn leads(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
    allows: impl Fn(&Certificate, usize) -> bool,
) -> bool {
    let signs = |issuer: &Certificate, child: &Certificate, below: usize| {
        allows(issuer, below) && verifies(child, issuer)
    };
    let mut intermediates: Vec<&Certificate> = chain.iter().filter(|ca| may_sign(ca)).collect();
    // Every one that is reached is tried, since of two with one key only one may lead further;
    // each once, so that a circle of them ends. With each how many are below its issuer.
    let mut reached = vec![(leaf, 0)];
    while let Some((current, below)) = reached.pop() {
        if authorities.iter().any(|ca| signs(ca, current, below)) {
            return true;
        }
        let (next, others) = intermediates
            .into_iter()
            .partition::<Vec<_>, _>(|ca| signs(ca, current, below));
        reached.extend(next.into_iter().map(|ca| (ca, below + 1)));
        intermediates = others;
    }
    false
}

/// Which of these names the name constraints of which of these CAs do not permit.
pub fn forbidden<'a>(sans: &'a [San], cas: &[&'a Certificate]) -> Vec<(&'a San, &'a Name)> {
    let by = |san: &San, ca: &Certificate| {
        let constraints = ca.name_constraints.as_ref();
        constraints.is_some_and(|constraints| constraints.forbid(san))
    };
    let of_name = |san: &'a San| {
        let ca = cas.iter().find(|ca| by(san, ca))?;
        Some((san, &ca.subject))
    };
    sans.iter().filter_map(of_name).collect()
}

/// What is said of a name that is forbidden, after `has` or the like.
pub fn forbids(san: &San, ca: &Name) -> String {
    format!("the SAN {san}, which the name constraints of \"{ca}\" do not permit")
}

/// The way out where a wanted name is forbidden.
pub const PERMIT: &str = "have a CA that permits it, or leave that name out";
