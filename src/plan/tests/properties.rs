//! What holds of every plan, over a wide range of facts and of what is found: a small generator,
//! the same sequence in every run.

use std::collections::BTreeSet;

use time::Duration;

use super::{applied, ground};
use crate::facts::{Facts, Given, Stated};
use crate::oracle::sample::{NOW, facts_of, made_at};
use crate::plan::*;
use crate::profile::{TABLE, resolve};

/// A linear congruence (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// One of them, or none given where it is empty.
    fn stated(&mut self, choices: &[&str]) -> Option<Stated<String>> {
        let choice = self.one(choices);
        (!choice.is_empty()).then(|| Stated::new(choice, "--flag"))
    }

    fn some(&mut self, choices: &[&str]) -> Vec<Stated<String>> {
        let count = self.below(choices.len() + 1);
        (0..count)
            .map(|_| Stated::new(self.one(choices), "--flag"))
            .collect()
    }
}

const NAMES: [&str; 6] = [
    "cp1",
    "CP2.Example.COM",
    "12345",
    "10.0.0.10",
    "kubernetes",
    "a-node-of-a-long-name.in-a-rack.in-a-row.in-a-room.in-a-house.in-a-region.example.com",
];
const ADDRESSES: [&str; 5] = [
    "10.0.0.10",
    "192.0.2.7",
    "2001:DB8::0A",
    "::ffff:10.0.0.11",
    "127.0.0.1",
];
const ENDPOINTS: [&str; 6] = [
    "",
    "api.example.com",
    "api.example.com:8443",
    "10.0.0.99:7443",
    "[FD12:0:0::0001]:6443",
    "fd12::1",
];
const SANS: [&str; 8] = [
    "lb.example.com",
    "LB.Example.COM",
    "*.Z.example.com",
    "192.168.50.10",
    "fd00:10::99",
    "::1",
    "xn--80ak6aa92e.com",
    "localhost",
];
const SERVICES: [&str; 5] = [
    "10.96.0.0/12",
    "10.96.77.5/16",
    "fd00::/108",
    "fd00:10:96::/112,10.96.0.0/16",
    "10.96.0.0/16,fd00:10:96::/112",
];
/// P-256 most often: RSA keys take their time.
const ALGORITHMS: [&str; 5] = ["", "", "ECDSA-P256", "ECDSA-P384", "RSA-2048"];
const VALIDITIES: [&str; 6] = ["", "1h", "90m30s", "2160h", "87600h", "365d"];
const AUTHORITY_VALIDITIES: [&str; 5] = ["", "2h", "100h", "87600h", "7300d"];
const VERSIONS: [&str; 5] = ["v1.28.0", "v1.29.3", "v1.36.0", "v1.36.2", "v1.40.0"];

fn facts(random: &mut Random) -> Facts {
    facts_of(Given {
        advertise_address: random.stated(&ADDRESSES),
        apiserver_extra_sans: random.some(&SANS),
        bind_port: random.stated(&["", "6443", "443"]),
        ca_validity: random.stated(&AUTHORITY_VALIDITIES),
        cluster_name: random.stated(&["", "blue", "a@b: c"]),
        control_plane_endpoint: random.stated(&ENDPOINTS),
        dns_domain: random.stated(&["", "local", "cluster.example"]),
        etcd_peer_extra_sans: random.some(&SANS),
        etcd_server_extra_sans: random.some(&SANS),
        external_etcd: random.below(5) == 0,
        key_algorithm: random.stated(&ALGORITHMS),
        kubernetes_version: random.stated(&VERSIONS),
        node_addresses: random.some(&["10.0.1.1", "fd00::1:1"]),
        node_name: random.stated(&NAMES),
        service_cidr: random.stated(&SERVICES),
        validity: random.stated(&VALIDITIES),
        ..Given::default()
    })
}

/// Every row that these facts want, those made by name alone among them.
fn wanted(facts: &Facts) -> Vec<Spec> {
    TABLE
        .iter()
        .filter(|row| !(row.etcd && facts.cluster.external_etcd.is_some()))
        .filter_map(|row| resolve(row, facts).ok())
        .collect()
}

/// Everything that is wanted, made some time ago.
fn tree(wanted: &[Spec], ago: Duration) -> Found {
    let mut found = Found::new();
    for spec in wanted {
        let observed = made_at(spec, &found, NOW - ago);
        found.insert(spec.name.clone(), observed);
    }
    found
}

fn policies() -> impl Iterator<Item = Policy<'static>> {
    [Force::Drifted, Force::Named, Force::No]
        .into_iter()
        .flat_map(|force| {
            [false, true].map(|founding| Policy {
                force,
                founding,
                backup: founding,
            })
        })
}

fn kept(wanted: &[Spec], found: &Found, what: &str) {
    for policy in policies().filter(|policy| policy.force != Force::Named) {
        let plan = plan(wanted, &[], found, &ground(), policy, NOW)
            .unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
        assert!(!plan.changes(), "{what}: {plan:#?}");
        let above = plan
            .findings()
            .find(|finding| finding.severity() != Severity::Note);
        assert_eq!(above, None, "{what}");
    }
}

#[test]
fn what_was_made_for_any_facts_is_kept_for_them() {
    let mut random = Random(7);
    for round in 0..80 {
        let facts = facts(&mut random);
        let wanted = wanted(&facts);
        let what = format!("round {round}: {facts:?}");
        let founding = Policy {
            force: Force::No,
            founding: true,
            backup: true,
        };
        let plan = plan(&wanted, &[], &Found::new(), &ground(), founding, NOW)
            .unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
        assert!(
            plan.steps
                .iter()
                .all(|planned| planned.step == Step::Create),
            "{what}"
        );
        kept(&wanted, &applied(&plan, Found::new()), &what);
    }
}

#[test]
fn a_node_that_joins_makes_its_leaves_over_the_cluster_s_cas_and_keeps_them() {
    let mut random = Random(11);
    let mut made = 0;
    for round in 0..30 {
        let wanted = wanted(&facts(&mut random));
        let mut found = tree(&wanted, Duration::minutes(30));
        found.retain(|name, _| wanted.iter().any(|spec| spec.name == *name && shared(spec)));
        let joining = Policy {
            force: Force::No,
            founding: false,
            backup: true,
        };
        let plan = plan(&wanted, &[], &found, &ground(), joining, NOW)
            .unwrap_or_else(|refusal| panic!("round {round}: {refusal:#?}"));
        for planned in &plan.steps {
            let expected = if shared(&planned.spec) {
                Step::Keep
            } else {
                made += 1;
                Step::Create
            };
            assert_eq!(planned.step, expected, "round {round}");
        }
        kept(&wanted, &applied(&plan, found), &format!("round {round}"));
    }
    assert!(made > 0);
}

/// What all control planes of a cluster share, and what is never replaced: CAs and sa.key.
fn shared(spec: &Spec) -> bool {
    spec.certificate()
        .is_none_or(|certificate| certificate.issuer.is_none())
}

/// What one cluster made is found by a run for another one: some of it, of some age.
#[test]
fn whatever_is_found_nothing_is_replaced_without_a_reason_and_no_ca_ever() {
    let mut random = Random(13);
    let (mut replaced, mut refused) = (0, 0);
    for round in 0..50 {
        let (before, after) = (facts(&mut random), facts(&mut random));
        let ago = [0, 40, 24 * 60, 400 * 24 * 60][random.below(4)];
        let mut found = tree(&wanted(&before), Duration::minutes(ago));
        // The CAs of a third, by which nothing here was signed.
        if random.below(3) == 0 {
            let stranger = tree(&wanted(&facts(&mut random)), Duration::HOUR);
            let ca = ["ca", "etcd-ca", "front-proxy-ca", "sa"][random.below(4)];
            if let Some(other) = stranger.get(ca) {
                found.insert(ca.to_owned(), other.clone());
            }
        }
        let drop = random.below(12);
        found.retain(|_, _| random.below(12) >= drop / 3);
        let wanted = wanted(&after);
        for policy in policies() {
            let what = format!("round {round}, {policy:?}");
            let planned = match plan(&wanted, &[], &found, &ground(), policy, NOW) {
                Ok(planned) => planned,
                Err(refusal) => {
                    let error = |finding: &Finding| finding.severity() == Severity::Error;
                    assert!(refusal.findings.iter().any(error), "{what}");
                    refused += 1;
                    continue;
                }
            };
            for step in &planned.steps {
                replaced += usize::from(reasonable(step, &found, policy, &what));
            }
            kept_by(&wanted, &applied(&planned, found.clone()), &what);
        }
    }
    assert!(replaced > 50 && refused > 50, "{replaced}, {refused}");
}

/// One step is one that this policy may take; whether it replaces.
fn reasonable(planned: &Planned, found: &Found, policy: Policy<'_>, what: &str) -> bool {
    let name = &planned.spec.name;
    let errors: BTreeSet<Code> = planned
        .findings
        .iter()
        .chain(&planned.mended)
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| finding.code)
        .collect();
    let absent = found.get(name).is_none_or(Observed::is_absent);
    match &planned.step {
        Step::Create => {
            assert!(absent, "{what}: {name} is made over what is there");
            assert!(policy.founding || !shared(&planned.spec), "{what}: {name}");
        }
        Step::Derive => assert_eq!(name, "sa", "{what}"),
        Step::Keep => assert!(errors.is_empty() && !absent, "{what}: {name}"),
        Step::Asked | Step::Import | Step::Request { .. } => panic!("{what}: {name} is asked for"),
        Step::Refresh | Step::Reissue { .. } | Step::Remove | Step::Skip | Step::Turn(_) => {
            panic!("{what}: {name} is renewed")
        }
        Step::Replace { why } => {
            assert!(!shared(&planned.spec), "{what}: {name} is replaced");
            assert_ne!(policy.force, Force::No, "{what}: {name}");
            assert!(
                !why.is_empty() || policy.force == Force::Named,
                "{what}: {name} is replaced for no reason"
            );
            assert_eq!(
                why.iter().copied().collect::<BTreeSet<_>>(),
                errors,
                "{what}: {name}"
            );
            return true;
        }
    }
    false
}

/// After a plan nothing is left to do; warnings of what was kept may stay.
fn kept_by(wanted: &[Spec], found: &Found, what: &str) {
    for policy in policies().filter(|policy| policy.force != Force::Named) {
        let again = plan(wanted, &[], found, &ground(), policy, NOW)
            .unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
        assert!(!again.changes(), "{what}: {again:#?}");
    }
}
