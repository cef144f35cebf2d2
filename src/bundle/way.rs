//! The way from a certificate up to where trust begins: of several one that is good now, and of those the
//! one that lasts longest, in whatever order the CAs stand in their files. Pure.

use std::collections::{BTreeMap, HashSet};

use time::OffsetDateTime;

use super::{is_root, verifies};
use crate::key::PublicKey;
use crate::x509::cert::Certificate;
use crate::x509::usage::KeyUsage;

/// More CAs than these stand above none.
const LONGEST: usize = 16;
/// More than these are not looked at: each costs a signature for each key that may have made it.
const MOST: usize = 64;

/// More keys than these are not tried for one signature.
const MOST_KEYS: usize = 16;

/// The CAs above a certificate, up to one.
#[derive(Clone)]
pub struct Way<'a> {
    /// The nearest first.
    pub cas: Vec<&'a Certificate>,
    /// The last second in which all of them are good.
    pub end: OffsetDateTime,
    /// Whether all of them are good now.
    good: bool,
}

impl Way<'_> {
    /// The greater, the better: what lasts long and has not begun leads nowhere yet.
    fn rank(&self) -> (bool, OffsetDateTime) {
        (self.good, self.end)
    }
}

/// Whether its basic constraints and key usage let it sign certificates.
pub(crate) fn may_sign(ca: &Certificate) -> bool {
    let usage = ca.key_usage;
    ca.is_ca() && usage.is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN))
}

/// Whether so many CAs may stand below this one (RFC 5280 section 4.2.1.9).
pub(crate) fn allows(ca: &Certificate, below: usize) -> bool {
    let most = ca
        .basic_constraints
        .and_then(|constraints| constraints.path_length);
    most.is_none_or(|most| usize::try_from(most).is_ok_and(|most| below <= most))
}

/// All that may stand above a certificate, and who signed whom.
pub(super) struct Above<'a> {
    cas: Vec<Ca<'a>>,
    /// Of `cas` those that signed the certificate.
    first: Vec<usize>,
    /// How many CAs stand below the first.
    below: usize,
    now: OffsetDateTime,
}

struct Ca<'a> {
    certificate: &'a Certificate,
    reached: bool,
    top: bool,
    /// Of all those that signed it, where it is no top.
    issuers: Vec<usize>,
}

/// Those of `cas` that signed it. Of more keys than a cluster ever has of one name those that it names come first, and
/// the others are not tried.
fn issuers<'a>(cas: impl Iterator<Item = &'a Certificate>, child: &Certificate) -> Vec<usize> {
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for (number, ca) in cas.enumerate() {
        if ca.subject == child.issuer {
            let identifier = ca.subject_key_identifier.as_ref();
            let by_it =
                identifier.is_some() && identifier == child.authority_key_identifier.as_ref();
            if by_it { &mut named } else { &mut others }.push((number, ca));
        }
    }
    named.append(&mut others);
    let mut tried: Vec<(&PublicKey, bool)> = Vec::new();
    named.retain(|(_, ca)| {
        let key = &ca.public_key;
        if let Some((_, signed)) = tried.iter().find(|(known, _)| *known == key) {
            return *signed;
        }
        let signed = tried.len() < MOST_KEYS && verifies(child, ca);
        if tried.len() < MOST_KEYS {
            tried.push((key, signed));
        }
        signed
    });
    let mut numbers: Vec<usize> = named.into_iter().map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers
}

/// Which of these signed it.
pub(crate) fn signer<'a>(child: &Certificate, cas: &[&'a Certificate]) -> Option<&'a Certificate> {
    let first = issuers(cas.iter().copied(), child).first().copied();
    first.map(|number| cas[number])
}

/// Which of these lead to a root among them.
pub(super) fn leading(pool: &[Certificate]) -> Vec<bool> {
    let mut leading: Vec<bool> = pool.iter().map(is_root).collect();
    // Who signed a root is not asked, and each of many is asked of all.
    let above = pool.iter().zip(&leading).map(|(ca, root)| {
        if *root {
            Vec::new()
        } else {
            issuers(pool.iter(), ca)
        }
    });
    let above: Vec<_> = above.collect();
    for _ in 0..LONGEST {
        let next = above.iter().zip(&leading);
        let next = next.map(|(issuers, is)| *is || issuers.iter().any(|number| leading[*number]));
        leading = next.collect();
    }
    leading
}

impl<'a> Above<'a> {
    /// Those of `pool` that are above it, where each way ends at a `top`.
    pub(super) fn of(
        certificate: &Certificate,
        pool: impl IntoIterator<Item = &'a Certificate>,
        top: &dyn Fn(&Certificate) -> bool,
        now: OffsetDateTime,
    ) -> Self {
        let mut cas: Vec<Ca<'a>> = Vec::new();
        let mut known = HashSet::from([certificate]);
        for ca in pool {
            if known.insert(ca) {
                cas.push(Ca {
                    certificate: ca,
                    reached: false,
                    top: false,
                    issuers: Vec::new(),
                });
            }
        }
        let issuers = |cas: &[Ca<'a>], child: &Certificate| {
            issuers(cas.iter().map(|ca| ca.certificate), child)
        };
        // Above a root is nobody, though it may have been renewed for the same key.
        let first = if is_root(certificate) {
            Vec::new()
        } else {
            issuers(&cas, certificate)
        };
        let mut next = 0;
        let mut reached = first.clone();
        while let Some(number) = reached.get(next).copied().filter(|_| next < MOST) {
            next += 1;
            let ca = cas[number].certificate;
            cas[number].reached = true;
            cas[number].top = top(ca);
            if !cas[number].top {
                cas[number].issuers = issuers(&cas, ca);
            }
            for further in cas[number].issuers.clone() {
                if !reached.contains(&further) {
                    reached.push(further);
                }
            }
        }
        Self {
            cas,
            first,
            below: usize::from(certificate.is_ca()),
            now,
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<&'a Certificate> {
        let reached = self.cas.iter().filter(|ca| ca.reached);
        reached.map(|ca| ca.certificate).collect()
    }

    /// The way to a top that is good now and lasts longest; of those that last as long the shortest. What
    /// may not sign is on it only where no other leads to one.
    pub(super) fn to_top(&self) -> Option<Way<'a>> {
        self.longest(|ca| ca.top)
    }

    /// The same where there is no top: as far up as somebody signed.
    pub(super) fn as_far_as_it_goes(&self) -> Option<Way<'a>> {
        let end = |ca: &Ca<'_>| ca.reached && ca.issuers.is_empty();
        // Of some that signed each other none is the last.
        self.longest(end).or_else(|| self.longest(|ca| ca.reached))
    }

    fn longest(&self, last: impl Fn(&Ca<'_>) -> bool) -> Option<Way<'a>> {
        let sound = |ca: &Certificate, below| may_sign(ca) && allows(ca, below);
        self.through(&last, sound)
            .or_else(|| self.through(&last, |_, _| true))
    }

    /// One step after the other, and to each CA in so many steps the best way: how many are below it
    /// says whether it may stand there.
    fn through(
        &self,
        last: impl Fn(&Ca<'_>) -> bool,
        may_stand: impl Fn(&Certificate, usize) -> bool,
    ) -> Option<Way<'a>> {
        let mut best: Option<Way<'a>> = None;
        let mut ways: BTreeMap<usize, Way<'a>> = BTreeMap::new();
        for steps in 0..LONGEST {
            let mut further: BTreeMap<usize, Way<'a>> = BTreeMap::new();
            let mut add = |number: usize, below: Option<&Way<'a>>| {
                let ca = self.cas[number].certificate;
                let own = ca.validity.not_after;
                let end = below.map_or(own, |way| way.end.min(own));
                let good = !ca.validity.is_to_begin(self.now) && !ca.validity.has_ended(self.now);
                let good = good && below.is_none_or(|way| way.good);
                let other = further.get(&number).map(Way::rank);
                if may_stand(ca, self.below + steps) && Some((good, end)) > other {
                    let mut cas = below.map_or_else(Vec::new, |way| way.cas.clone());
                    cas.push(ca);
                    further.insert(number, Way { cas, end, good });
                }
            };
            if steps == 0 {
                self.first.iter().for_each(|number| add(*number, None));
            }
            for (number, way) in &ways {
                let issuers = self.cas[*number].issuers.iter();
                issuers.for_each(|issuer| add(*issuer, Some(way)));
            }
            for (_, way) in further
                .iter()
                .filter(|(number, _)| last(&self.cas[**number]))
            {
                if Some(way.rank()) > best.as_ref().map(Way::rank) {
                    best = Some(way.clone());
                }
            }
            ways = further;
        }
        best
    }
}
