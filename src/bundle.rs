//! Chains and trust bundles: which of a CA's certificates stand behind a leaf in its file, and which
//! whoever verifies is to be given. docs/architecture.md says the rule ("Intermediates"). Pure.

use crate::x509::cert::Certificate;

/// Whether the key of `issuer` verifies `child`, which names it.
pub fn verifies(child: &Certificate, issuer: &Certificate) -> bool {
    child.issuer == issuer.subject && child.verify_signature(&issuer.public_key).is_ok()
}

/// Whether it signed itself.
pub fn is_root(ca: &Certificate) -> bool {
    verifies(ca, ca)
}

/// Those of `pool` that stand above a certificate, the nearest first, and each once. Where a root
/// signed it the way ends there, though another may have signed that root's key too.
pub fn above<'a>(certificate: &'a Certificate, pool: &'a [Certificate]) -> Vec<&'a Certificate> {
    let mut found = Vec::new();
    let mut current = certificate;
    while current.issuer != current.subject {
        let further =
            |ca: &&Certificate| *ca != certificate && !found.contains(ca) && verifies(current, ca);
        let mut issuers = pool.iter().filter(further);
        let first = issuers.next();
        let root = first.into_iter().chain(issuers).find(|ca| is_root(ca));
        let Some(issuer) = root.or(first) else { break };
        found.push(issuer);
        current = issuer;
    }
    found
}

/// Which certificates of `file` are on the way from these, through those of `pool` where it must be, to one
/// root. Where they lead to several the first counts: what another CA signed makes that no anchor. A
/// further certificate of a CA on the way is on it if one of them signed it; who made it is not known
/// otherwise, and its key may be held back there from what this one allows.
pub fn on_the_way(from: &[Certificate], file: &[Certificate], pool: &[Certificate]) -> Vec<bool> {
    let all = [file, pool].concat();
    let mut ways: Vec<_> = from.iter().map(|one| above(one, &all)).collect();
    ways.retain(|way| way.iter().any(|ca| file.contains(ca)));
    let top = ways.first().and_then(|way| way.last().copied());
    ways.retain(|way| way.last().copied() == top);
    let any = |is: &dyn Fn(&Certificate) -> bool| ways.iter().flatten().any(|one| is(one));
    let further = |ca: &Certificate| {
        let also_from = from.iter().filter(|one| one.is_ca());
        let known =
            any(&|one| same_ca(one, ca)) || also_from.into_iter().any(|one| same_ca(one, ca));
        known && any(&|one| verifies(ca, one))
    };
    file.iter()
        .map(|ca| any(&|one| one == ca) || further(ca))
        .collect()
}

/// What the file of a leaf holds: the leaf and the CAs of `pool` between it and its root. Not the root:
/// who verifies must have that anyway (RFC 8446 section 4.4.2).
pub fn chain(leaf: &Certificate, pool: &[Certificate]) -> Vec<Certificate> {
    let between = above(leaf, pool).into_iter().filter(|ca| !is_root(ca));
    [leaf].into_iter().chain(between).cloned().collect()
}

/// The leaf of a file, with the chain that the file of its CA has, and all else that stood behind it:
/// who put a cross-signed CA there knows why. A former certificate of a CA in the chain goes.
pub fn completed(
    leaf: &Certificate,
    behind: &[Certificate],
    authorities: &[Certificate],
) -> Vec<Certificate> {
    let pool = [authorities, behind].concat();
    let mut file = chain(leaf, &pool);
    let further = behind
        .iter()
        .filter(|ca| !file.iter().any(|one| same_ca(one, ca)));
    let further: Vec<Certificate> = further.cloned().collect();
    file.extend(further);
    file
}

/// The file of a CA whose certificate comes anew, `came` with it first, in place of `former`: the
/// CAs that it leads up to, which came or are there, what else came, and what is trusted there for
/// its own sake. What stood above the former alone goes.
pub fn replaced(
    came: &[Certificate],
    former: &Certificate,
    there: &[Certificate],
) -> Vec<Certificate> {
    let Some((ca, others)) = came.split_first() else {
        return Vec::new();
    };
    let pool = [came, there].concat();
    let again = |one: &Certificate| came.contains(one) || !came.iter().any(|ca| same_ca(ca, one));
    let mut file = vec![ca.clone()];
    let above_it = above(ca, &pool).into_iter().filter(|one| again(one));
    for one in above_it.chain(others) {
        if !file.contains(one) {
            file.push(one.clone());
        }
    }
    let above_former = above(former, there);
    let own_sake = |one: &&Certificate| *one != former && !above_former.contains(one);
    for one in there.iter().filter(own_sake) {
        if !file.iter().any(|other| same_ca(other, one)) {
            file.push(one.clone());
        }
    }
    file
}

/// Whether a CA between this leaf and its root is not behind it, so that who trusts the root alone
/// cannot follow.
pub fn lacks(leaf: &Certificate, behind: &[Certificate], authorities: &[Certificate]) -> bool {
    let pool = [authorities, behind].concat();
    let there = |ca: &Certificate| behind.iter().any(|other| same_ca(other, ca));
    !chain(leaf, &pool)[1..].iter().all(there)
}

/// A CA is its name and its key, whichever of its certificates it is.
pub(crate) fn same_ca(one: &Certificate, other: &Certificate) -> bool {
    one.subject == other.subject && one.public_key == other.public_key
}

/// The certificates of a CA's file that others are to trust. An intermediate leaves them if the file
/// holds the root above it, and the server sends it along with its own certificate (`sent`): trust is
/// in the root then. Without that nobody who trusts the root alone could follow the chain.
pub fn anchors(bundle: &[Certificate], sent: &[Certificate]) -> Vec<Certificate> {
    let leads_to_root = |ca: &Certificate| above(ca, bundle).last().is_some_and(|top| is_root(top));
    let needed = |ca: &&Certificate| is_root(ca) || !sent.contains(ca) || !leads_to_root(ca);
    bundle.iter().filter(needed).cloned().collect()
}

#[cfg(test)]
mod tests;
