//! Chains and trust bundles: which of a CA's certificates stand behind a leaf in its file, and which
//! whoever verifies is to be given. docs/architecture.md says the rule ("Intermediates"). Pure.

use time::OffsetDateTime;

use crate::x509::NameConstraints;
use crate::x509::cert::Certificate;
use crate::x509::usage::ExtendedKeyUsage;

mod way;
use way::{Above, leading};
pub(crate) use way::{allows, may_sign, signer};

/// Whether the key of `issuer` verifies `child`, which names it.
pub fn verifies(child: &Certificate, issuer: &Certificate) -> bool {
    child.issuer == issuer.subject && child.is_signed_with(&issuer.public_key)
}

/// Whether it signed itself.
pub fn is_root(ca: &Certificate) -> bool {
    verifies(ca, ca)
}

/// Those of `pool` that stand above a certificate, the nearest first: the way to a root that is there on
/// which all are good now, and of several the one that lasts longest; where no root is as far as one goes.
pub fn above<'a>(
    certificate: &Certificate,
    pool: &'a [Certificate],
    now: OffsetDateTime,
) -> Vec<&'a Certificate> {
    let above = Above::of(certificate, pool, &is_root, now);
    let way = above.to_top().or_else(|| above.as_far_as_it_goes());
    way.map_or_else(Vec::new, |way| way.cas)
}

/// The last second in which a certificate is good: that of the first to end on its way to a root that
/// is trusted, for who trusts that root alone and is sent the chain; where the chain does not lead
/// there, with the CAs of the bundle between, whose highest counts where it has no root. Of several
/// ways the one that lasts longest counts.
pub fn effective_end(
    leaf: &Certificate,
    chain: &[Certificate],
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> OffsetDateTime {
    let sent = || chain.iter().filter(|ca| ca.is_ca() && !is_root(ca));
    let roots = authorities.iter().filter(|ca| is_root(ca));
    let way = Above::of(leaf, sent().chain(roots), &is_root, now).to_top();
    let way = way.or_else(|| {
        let highest = |ca: &Certificate| {
            let mut further = authorities.iter().filter(|other| *other != ca);
            authorities.contains(ca) && (is_root(ca) || !further.any(|other| verifies(ca, other)))
        };
        Above::of(leaf, sent().chain(authorities), &highest, now).to_top()
    });
    let own = leaf.validity.not_after;
    way.map_or(own, |way| way.end.min(own))
}

/// Which certificates of `file` are on the way from these, through those of `pool` where it must be, to one
/// root. Where they lead to several the first counts: what another CA signed makes that no anchor. A CA that is
/// a root in the file is where the way ends: anybody can certify its public key below a root of his own. A
/// further certificate of a CA on the way is on it if one of them signed it; who made it is not known
/// otherwise, and its key may be held back there from what this one allows.
pub fn on_the_way(
    from: &[Certificate],
    file: &[Certificate],
    pool: &[Certificate],
    now: OffsetDateTime,
) -> Vec<bool> {
    let mut all = [file, pool].concat();
    let roots: Vec<_> = file.iter().filter(|ca| is_root(ca)).collect();
    let crossed = |ca: &Certificate| !is_root(ca) && roots.iter().any(|root| root.is_same_ca(ca));
    all.retain(|ca| !crossed(ca));
    let mut ways: Vec<_> = from.iter().map(|one| above(one, &all, now)).collect();
    ways.retain(|way| way.iter().any(|ca| file.contains(ca)));
    let top = ways.first().and_then(|way| way.last().copied());
    ways.retain(|way| way.last().copied() == top);
    let any = |is: &dyn Fn(&Certificate) -> bool| ways.iter().flatten().any(|one| is(one));
    let further = |ca: &Certificate| {
        let also_from = from.iter().filter(|one| one.is_ca());
        let known =
            any(&|one| one.is_same_ca(ca)) || also_from.into_iter().any(|one| one.is_same_ca(ca));
        known && any(&|one| verifies(ca, one))
    };
    file.iter()
        .map(|ca| any(&|one| one == ca) || further(ca))
        .collect()
}

/// What the file of a leaf holds: the leaf and the CAs of `pool` between it and its root. Not the root:
/// who verifies must have that anyway (RFC 8446 section 4.4.2).
pub fn chain(leaf: &Certificate, pool: &[Certificate], now: OffsetDateTime) -> Vec<Certificate> {
    let between = above(leaf, pool, now).into_iter().filter(|ca| !is_root(ca));
    [leaf].into_iter().chain(between).cloned().collect()
}

/// The leaf of a file, with the chain that the file of its CA has, and all else that stood behind it:
/// who put a cross-signed CA there knows why. A former certificate of a CA in the chain goes.
pub fn completed(
    leaf: &Certificate,
    behind: &[Certificate],
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> Vec<Certificate> {
    let mut file = chain(leaf, &with_those_behind(leaf, authorities, behind), now);
    let further = behind
        .iter()
        .filter(|ca| !file.iter().any(|one| one.is_same_ca(ca)));
    let further: Vec<Certificate> = further.cloned().collect();
    file.extend(further);
    file
}

/// The certificates of its CA's file, and what of those behind a leaf may be on its way too. Where trust
/// begins that file says, and which certificate the CA has that signed the leaf, and those above whom
/// the same CA signed: a root or a former certificate behind the leaf is on no way.
fn with_those_behind(
    leaf: &Certificate,
    authorities: &[Certificate],
    behind: &[Certificate],
) -> Vec<Certificate> {
    let signs = |ca: &Certificate| verifies(leaf, ca);
    let known = authorities.iter().any(signs);
    let same = |one: &Certificate, ca| one.is_same_ca(ca) && one.issuer == ca.issuer;
    let further = behind.iter().filter(|ca| {
        let former = authorities.iter().any(|one| same(one, ca)) || known && signs(ca);
        !former && !is_root(ca)
    });
    authorities.iter().chain(further).cloned().collect()
}

/// The file of a CA whose certificate comes anew, `came` with it first, in place of `former`: the
/// CAs that it leads up to, which came or are there, what else came, and what is trusted there for
/// its own sake. What stood above the former alone goes.
pub fn replaced(
    came: &[Certificate],
    former: &Certificate,
    there: &[Certificate],
    now: OffsetDateTime,
) -> Vec<Certificate> {
    let Some((ca, others)) = came.split_first() else {
        return Vec::new();
    };
    let pool = [came, there].concat();
    let again = |one: &Certificate| came.contains(one) || !came.iter().any(|ca| ca.is_same_ca(one));
    let mut file = vec![ca.clone()];
    let above_it = above(ca, &pool, now).into_iter().filter(|one| again(one));
    for one in above_it.chain(others) {
        if !file.contains(one) {
            file.push(one.clone());
        }
    }
    let all = |ca, pool| Above::of(ca, pool, &is_root, now).all();
    let (of_former, of_ca) = (all(former, there), all(ca, &pool));
    let own_sake =
        |one: &&Certificate| *one != former && (!of_former.contains(one) || of_ca.contains(one));
    for one in there.iter().filter(own_sake) {
        if !file.iter().any(|other| other.is_same_ca(one)) {
            file.push(one.clone());
        }
    }
    file
}

/// The roots to which a CA led by what was `there` for it, and to which the first certificate of its new `file` does not:
/// whoever trusts such a root alone cannot follow it any more. One that has ended nobody follows.
pub fn lost<'a>(
    file: &[Certificate],
    there: &'a [Certificate],
    now: OffsetDateTime,
) -> Vec<&'a Certificate> {
    let Some(ca) = file.first() else {
        return Vec::new();
    };
    let led = |own: &Certificate| Above::of(own, there, &is_root, now).all();
    let own = there.iter().filter(|one| one.is_same_ca(ca));
    let led: Vec<_> = own.flat_map(led).collect();
    let leads = Above::of(ca, file, &is_root, now).all();
    let lost = |root: &&Certificate| {
        let still = |one: &Certificate| one.is_same_ca(root);
        is_root(root)
            && !root.validity.has_ended(now)
            && led.contains(root)
            && !still(ca)
            && !leads.iter().any(|one| still(one))
    };
    there.iter().filter(lost).collect()
}

/// Whether a CA between this leaf and its root is not behind it, so that who trusts the root alone
/// cannot follow.
pub fn lacks(
    leaf: &Certificate,
    behind: &[Certificate],
    authorities: &[Certificate],
    now: OffsetDateTime,
) -> bool {
    let pool = with_those_behind(leaf, authorities, behind);
    let there = |ca: &Certificate| behind.iter().any(|other| other.is_same_ca(ca));
    !chain(leaf, &pool, now)[1..].iter().all(there)
}

/// Whether those of `held` were certificates of the CAs of `file` before: the same CAs, no more and no fewer, of
/// which some have another certificate by now.
pub fn follows(held: &[Certificate], file: &[Certificate]) -> bool {
    let among = |ca: &Certificate, others: &[Certificate]| {
        let mut others = others.iter();
        others.any(|other| ca.is_same_ca(other))
    };
    let not_later = |ca: &Certificate| {
        let mut others = file.iter().filter(|other| ca.is_same_ca(other));
        others.any(|other| ca.validity.not_before <= other.validity.not_before)
    };
    held != file
        && !held.is_empty()
        && held.iter().all(not_later)
        && file.iter().all(|ca| among(ca, held))
}

/// Whether this CA of `file` was renewed to what is held elsewhere: it begins later and lasts longer, is good now, lets the
/// CA sign what it may sign here, and is signed by itself or by a CA of the file. Anybody can put that key and those names
/// into a certificate, and who believed it would have it for a CA everywhere.
pub fn renews(
    held: &Certificate,
    ca: &Certificate,
    file: &[Certificate],
    now: OffsetDateTime,
) -> bool {
    let (is, was) = (held.validity, ca.validity);
    let newer = is.not_before > was.not_before && is.not_after > was.not_after;
    newer
        && held.stands_for(ca)
        && is_good(held, now)
        && may_sign(held)
        && held.unknown_critical.is_empty()
        && limits(held) == limits(ca)
        && (is_root(held) || file.iter().any(|above| verifies(held, above)))
}

/// Whether it has begun, and not ended.
pub fn is_good(certificate: &Certificate, now: OffsetDateTime) -> bool {
    let validity = certificate.validity;
    !validity.is_to_begin(now) && !validity.has_ended(now)
}

/// What a CA is held back from.
fn limits(ca: &Certificate) -> (Option<u32>, Option<&NameConstraints>, &[ExtendedKeyUsage]) {
    let path_length = ca.basic_constraints.and_then(|basic| basic.path_length);
    let names = ca.name_constraints.as_ref();
    (path_length, names, &ca.extended_key_usage)
}

/// The first of those that are `sent` by which whoever trusts a former CA alone is led to this one: its name and key, signed by
/// a CA of its file that is not above it. Where that holds none, as before and after a replacement, nobody is asked what he sends.
pub fn crossed(
    ca: &Certificate,
    authorities: &[Certificate],
    sent: impl IntoIterator<Item = Certificate>,
    now: OffsetDateTime,
) -> Option<Certificate> {
    let above = above(ca, authorities, now);
    let former = |one: &&Certificate| !one.is_same_ca(ca) && !above.contains(one);
    let former: Vec<&Certificate> = authorities.iter().filter(former).collect();
    if former.is_empty() {
        return None;
    }
    let leads = |one: &Certificate| {
        let by = |former: &&Certificate| allows(former, 1) && verifies(one, former);
        one.stands_for(ca)
            && is_good(one, now)
            && may_sign(one)
            && one.unknown_critical == ca.unknown_critical
            && limits(one) == limits(ca)
            && former.iter().any(by)
    };
    sent.into_iter().find(leads)
}

/// The file of a leaf, with what leads who trusts a former CA alone to the one that signed it: what the file has of that already,
/// else the first of those that are `sent`.
pub fn with_crossed<'a>(
    mut file: Vec<Certificate>,
    authorities: &[Certificate],
    sent: impl IntoIterator<Item = &'a Certificate>,
    now: OffsetDateTime,
) -> Vec<Certificate> {
    let signs = |leaf: &Certificate| authorities.iter().find(|ca| verifies(leaf, ca));
    let Some(ca) = file.first().and_then(signs) else {
        return file;
    };
    let all = file.iter().cloned().chain(sent.into_iter().cloned());
    let crossed = crossed(ca, authorities, all, now);
    file.extend(crossed.filter(|crossed| !file.contains(crossed)));
    file
}

/// The file of a CA as it was, and what is to be trusted in its place.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The certificates that were in it.
    pub former: &'a [Certificate],
    /// Those that others are to trust now.
    pub now: &'a [Certificate],
}

impl Exchange<'_> {
    /// What is trusted afterwards by who holds these: the CA in its present certificates, and what is held beyond it,
    /// for nobody here knows what that is for. None where nothing of this CA is held: it is not for this to exchange.
    pub fn of(&self, held: &[Certificate]) -> Option<Vec<Certificate>> {
        let beyond: Vec<&Certificate> = self.beyond(held).collect();
        if !held.is_empty() && beyond.len() == held.len() {
            return None;
        }
        Some(self.now.iter().chain(beyond).cloned().collect())
    }

    /// What is held that is no certificate of these CAs.
    pub fn beyond<'a>(&self, held: &'a [Certificate]) -> impl Iterator<Item = &'a Certificate> {
        let ours = |held: &Certificate| {
            let mut both = self.former.iter().chain(self.now);
            both.any(|ca| held.is_same_ca(ca))
        };
        held.iter().filter(move |held| !ours(held))
    }
}

/// The certificates of a CA's file that others are to trust. An intermediate leaves them if the file
/// holds the root above it, and the server sends it along with its own certificate (`sent`): trust is
/// in the root then. Without that nobody who trusts the root alone could follow the chain.
pub fn anchors(bundle: &[Certificate], sent: &[Certificate]) -> Vec<Certificate> {
    let leading = leading(bundle).into_iter();
    let needed = |(ca, leads): &(&Certificate, bool)| is_root(ca) || !sent.contains(ca) || !leads;
    let needed = bundle.iter().zip(leading).filter(needed);
    needed.map(|(ca, _)| ca.clone()).collect()
}

#[cfg(test)]
mod tests;
