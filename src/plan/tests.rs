mod halved;
mod properties;
mod renewal;
mod request;

use std::collections::BTreeSet;
use std::slice;

use time::Duration;

use super::*;
use crate::diff::external;
use crate::location::{FileId, Root};
use crate::observed::{Cause, Key, KeyState, Obstacle, Unreadable};
use crate::oracle::sample::{NOW, access, key, made, made_at, open, spec, specs, tree};
use crate::spec::Content;
use crate::x509::cert::Certificate;

/// Directories of root's.
fn ground() -> Ground {
    Ground {
        directories: Vec::new(),
        files: Vec::new(),
        kubeconfigs: Vec::new(),
        obstacles: BTreeMap::new(),
        requested: BTreeMap::new(),
        listed: std::collections::BTreeSet::new(),
        trusted: vec![0],
    }
}

/// The tree, of which all was made so long ago.
fn aged(ago: Duration) -> Found {
    let mut found = Found::new();
    for spec in specs() {
        let observed = made_at(&spec, &found, NOW - ago);
        found.insert(spec.name, observed);
    }
    found
}

/// Of a cluster's first control plane.
fn policy(force: Force<'_>) -> Policy<'_> {
    Policy {
        force,
        founding: true,
        backup: true,
    }
}

fn planned(found: &Found, force: Force) -> Result<Plan, Refusal> {
    plan(&specs(), &[], found, &ground(), policy(force), NOW)
}

/// A plan for one spec alone, over its CA.
fn alone(name: &str, found: &Found, force: Force) -> Result<Plan, Refusal> {
    let wanted = spec(name);
    let ca = wanted.certificate().and_then(|leaf| leaf.issuer.clone());
    let issuers: Vec<Spec> = ca.iter().map(|ca| spec(ca)).collect();
    plan(&[wanted], &issuers, found, &ground(), policy(force), NOW)
}

fn errors(refusal: &Refusal) -> Vec<(&str, Code)> {
    refusal
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| (finding.name.as_str(), finding.code))
        .collect()
}

fn step<'a>(plan: &'a Plan, name: &str) -> &'a Step {
    let found = plan.steps.iter().find(|planned| planned.spec.name == name);
    &found.unwrap().step
}

/// What is found after a plan was carried out.
fn applied(plan: &Plan, mut found: Found) -> Found {
    for planned in &plan.steps {
        let spec = &planned.spec;
        match planned.step {
            Step::Keep | Step::Remove | Step::Skip | Step::Turn(_) => {}
            Step::Asked | Step::Import | Step::Request { .. } => {
                panic!("{} is asked for", spec.name)
            }
            Step::Refresh
            | Step::Reissue { .. }
            | Step::Derive
            | Step::Create
            | Step::Replace { .. } => {
                let observed = made(spec, &found);
                found.insert(spec.name.clone(), observed);
            }
        }
    }
    found
}

fn locked() -> Key {
    Key {
        state: KeyState::Locked("give its passphrase".to_owned()),
        access: access(0o600),
    }
}

fn unreadable(spec: &Spec, way_out: Option<&str>) -> Observed {
    Observed::Unreadable(
        vec![Unreadable {
            file: spec.place.public(),
            why: "cannot be used: garbage".to_owned(),
            cause: Cause::Content,
            way_out: way_out.map(str::to_owned),
            access: None,
            public: None,
        }],
        Vec::new(),
    )
}

/// Ways in which what is there can be.
const STATES: [&str; 9] = [
    "absent",
    "as wanted",
    "expired",
    "no file",
    "of another CA",
    "only its certificate",
    "only its key",
    "open to all",
    "unreadable",
];

/// `spec` in one of [`STATES`]; as it is in those that its kind cannot be in.
fn put(found: &mut Found, spec: &Spec, state: &str) {
    let observed = match state {
        "absent" => Observed::Absent,
        "expired" => {
            match found.get_mut(&spec.name) {
                Some(Observed::Certificate { chain, .. }) => end(&mut chain[0]),
                Some(Observed::Kubeconfig(kubeconfig)) => end(&mut kubeconfig.chain[0]),
                _ => {}
            }
            return;
        }
        "no file" => unreadable(spec, Some("move it away")),
        "of another CA" if spec.certificate().is_some() && !spec.is_ca() => {
            let ca = spec.certificate().unwrap().issuer.clone().unwrap();
            let mut others = tree();
            // Named like the CA, with a key of its own.
            let mut stranger = self::spec(&ca);
            stranger.name = "stranger".to_owned();
            let other = made(&stranger, &others);
            others.insert(ca, other);
            made(spec, &others)
        }
        "only its certificate" => match found.get(&spec.name) {
            Some(Observed::Certificate { chain, access, .. }) => Observed::Certificate {
                chain: chain.clone(),
                access: *access,
                key: None,
            },
            Some(Observed::KeyPair { .. }) => Observed::PublicOnly(Vec::new()),
            _ => return,
        },
        "only its key" => match found.get(&spec.name) {
            Some(Observed::Certificate { key: Some(key), .. }) => Observed::KeyOnly(key.clone()),
            Some(Observed::KeyPair { key, .. }) => Observed::KeyPair {
                public_access: access(0o600),
                key: key.clone(),
                public: None,
            },
            _ => return,
        },
        "open to all" => {
            match found.get_mut(&spec.name) {
                Some(
                    Observed::Certificate { key: Some(key), .. } | Observed::KeyPair { key, .. },
                ) => key.access.mode = 0o666,
                Some(Observed::Kubeconfig(kubeconfig)) => kubeconfig.key.access.mode = 0o666,
                _ => {}
            }
            return;
        }
        "unreadable" => unreadable(spec, None),
        _ => return,
    };
    found.insert(spec.name.clone(), observed);
}

fn end(certificate: &mut Certificate) {
    certificate.validity.not_before -= Duration::days(4000);
    certificate.validity.not_after = NOW - Duration::HOUR;
}

/// What holds of every plan and every refusal.
fn must_hold(found: &Found, force: Force, what: &str) {
    let wanted = specs();
    let judged: Vec<Finding> = wanted
        .iter()
        .flat_map(|spec| {
            let planner = Planner {
                wanted: &wanted,
                issuers: &[],
                found,
                signers: Signers::of(found),
                kubeconfigs: &[],
                obstacles: &BTreeMap::new(),
                requested: &BTreeMap::new(),
                trusted: &[0],
                policy: policy(force),
                now: NOW,
            };
            planner.judge(spec)
        })
        .collect();
    match planned(found, force) {
        Err(refusal) => {
            assert!(
                !errors(&refusal).is_empty(),
                "{what}: refused without an error"
            );
            for finding in &judged {
                let told = refusal
                    .findings
                    .iter()
                    .any(|told| told.code == finding.code && told.text == finding.text);
                assert!(told, "{what}: {finding:?} is not told");
            }
        }
        Ok(plan) => {
            let names: Vec<&str> = plan
                .steps
                .iter()
                .map(|step| step.spec.name.as_str())
                .collect();
            let expected: Vec<&str> = wanted.iter().map(|spec| spec.name.as_str()).collect();
            assert_eq!(names, expected, "{what}");
            for planned in &plan.steps {
                let name = &planned.spec.name;
                let error = |findings: &[Finding]| findings.iter().any(is_error);
                assert!(!error(&planned.findings), "{what}: {name}");
                let mends = error(&planned.mended);
                match &planned.step {
                    Step::Keep => assert!(planned.mended.is_empty(), "{what}: {name}"),
                    Step::Refresh => {
                        assert_eq!(force, Force::Drifted, "{what}: {name}");
                        let code = planned.mended[0].code;
                        assert_eq!(code, Code::IntermediateMissing, "{what}: {name}");
                    }
                    Step::Reissue { .. } | Step::Remove | Step::Skip | Step::Turn(_) => {
                        panic!("{what}: {name} is renewed")
                    }
                    Step::Asked | Step::Import | Step::Request { .. } => {
                        panic!("{what}: {name} is asked for")
                    }
                    Step::Create => assert!(found[name].is_absent(), "{what}: {name}"),
                    Step::Derive => assert_eq!(name, "sa", "{what}"),
                    Step::Replace { why } => {
                        assert_ne!(force, Force::No, "{what}: {name}");
                        assert!(!planned.spec.is_ca() && name != "sa", "{what}: {name}");
                        assert!(
                            force == Force::Named || !why.is_empty(),
                            "{what}: {name} is replaced for no reason"
                        );
                        assert_eq!(mends, !why.is_empty(), "{what}: {name}");
                    }
                }
            }
            let after = applied(&plan, found.clone());
            let again = planned(&after, Force::No)
                .unwrap_or_else(|refusal| panic!("{what}: {:?}", errors(&refusal)));
            assert!(!again.changes(), "{what}: {again:?}");
            let again = planned(&after, Force::Drifted).unwrap();
            assert!(!again.changes(), "{what}: {again:?}");
        }
    }
}

#[test]
fn every_state_of_every_spec_comes_to_a_plan_after_which_all_is_kept_or_to_a_refusal() {
    for spec in specs() {
        for state in STATES {
            for force in [Force::No, Force::Drifted, Force::Named] {
                let mut found = tree();
                put(&mut found, &spec, state);
                must_hold(&found, force, &format!("{} {state} {force:?}", spec.name));
            }
        }
    }
}

#[test]
fn any_mixture_of_states_comes_to_a_plan_after_which_all_is_kept_or_to_a_refusal() {
    // A linear congruence (Knuth's MMIX): the same mixtures in every run.
    let mut random: u64 = 42;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    let (mut plans, mut refusals) = (0, 0);
    for round in 0..60 {
        let mut found = tree();
        // CAs that lack refuse nearly all: leave them alone in most rounds.
        for spec in specs() {
            if (round % 6 == 0 || !spec.is_ca()) && next(3) == 0 {
                put(&mut found, &spec, STATES[next(STATES.len())]);
            }
        }
        let force = [Force::Drifted, Force::Named, Force::No][round % 3];
        must_hold(&found, force, &format!("round {round}"));
        match planned(&found, force) {
            Ok(_) => plans += 1,
            Err(_) => refusals += 1,
        }
    }
    assert!(
        plans > 3 && refusals > 3,
        "{plans} plans, {refusals} refusals"
    );
}

#[test]
fn an_empty_place_is_filled_and_a_whole_tree_kept() {
    let plan = planned(&Found::new(), Force::No).unwrap();
    assert!(
        plan.steps
            .iter()
            .all(|planned| planned.step == Step::Create)
    );
    let plan = planned(&tree(), Force::Drifted).unwrap();
    assert!(!plan.changes());
    assert_eq!(plan.findings().count(), 1, "super-admin's group");
}

#[test]
fn force_with_names_replaces_what_is_as_wanted_and_says_that_it_was_asked_for() {
    let plan = alone("apiserver", &tree(), Force::Named).unwrap();
    assert_eq!(plan.steps[0].step, Step::Replace { why: Vec::new() });
}

#[test]
fn a_drifted_leaf_is_refused_without_force_and_replaced_for_its_reasons_with_it() {
    let mut found = tree();
    put(&mut found, &spec("apiserver"), "only its key");
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::MissingCertificate)]);
    let plan = planned(&found, Force::Drifted).unwrap();
    let why = vec![Code::MissingCertificate];
    assert_eq!(step(&plan, "apiserver"), &Step::Replace { why });
    assert_eq!(step(&plan, "front-proxy-client"), &Step::Keep);
}

#[test]
fn warnings_and_notes_are_kept_even_by_force_without_names() {
    let mut found = tree();
    let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("admin") else {
        panic!()
    };
    kubeconfig.server = "https://cp1:6443".to_owned();
    let plan = planned(&found, Force::Drifted).unwrap();
    assert_eq!(step(&plan, "admin"), &Step::Keep);
    assert!(plan.findings().any(|finding| finding.code == Code::Server));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut found = tree();
    put(&mut found, &spec("apiserver"), "only its certificate");
    put(&mut found, &spec("etcd-server"), "expired");
    put(&mut found, &spec("sa"), "only its certificate");
    put(&mut found, &spec("ca"), "open to all");
    let refusal = planned(&found, Force::Drifted).unwrap_err();
    assert_eq!(
        errors(&refusal),
        [
            ("ca", Code::KeyMode),
            ("apiserver", Code::MissingKey),
            ("etcd-server", Code::Expired),
            ("sa", Code::MissingKey),
        ],
        "in the order of the table, what force would mend too"
    );
    let ways: Vec<&str> = refusal
        .findings
        .iter()
        .filter(|finding| ["apiserver", "etcd-server"].contains(&finding.name.as_str()))
        .map(|finding| finding.way_out.as_str())
        .collect();
    assert!(
        ways.len() >= 2 && ways.iter().all(|way| *way == MENDED),
        "{ways:?}"
    );
    let refusal = planned(&found, Force::No).unwrap_err();
    assert!(
        refusal
            .findings
            .iter()
            .all(|finding| finding.way_out != MENDED)
    );
}

#[test]
fn no_way_out_of_a_warning_offers_what_an_external_ca_cannot() {
    let mut found = tree();
    put(&mut found, &spec("ca"), "only its certificate");
    let Some(Observed::Kubeconfig(admin)) = found.get_mut("admin") else {
        panic!("admin.conf is there");
    };
    "https://cp1:6443".clone_into(&mut admin.server);
    let plan = planned(&found, Force::No).unwrap();
    let server = plan.findings().find(|finding| finding.code == Code::Server);
    assert_eq!(server.unwrap().way_out, "correct the server that it names");
}

#[test]
fn an_external_ca_with_all_of_its_leaves_is_kept_and_sa_made() {
    let mut found = tree();
    for ca in ["ca", "etcd-ca", "front-proxy-ca"] {
        put(&mut found, &spec(ca), "only its certificate");
    }
    assert!(!planned(&found, Force::No).unwrap().changes());
    put(&mut found, &spec("sa"), "absent");
    let plan = planned(&found, Force::No).unwrap();
    assert_eq!(step(&plan, "sa"), &Step::Create);
    assert_eq!(
        plan.steps
            .iter()
            .filter(|planned| planned.step != Step::Keep)
            .count(),
        1
    );
}

#[test]
fn an_external_ca_issues_nothing() {
    let mut found = tree();
    put(&mut found, &spec("ca"), "only its certificate");
    put(&mut found, &spec("apiserver"), "absent");
    put(&mut found, &spec("admin"), "absent");
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(
        errors(&refusal),
        [("apiserver", Code::ExternalCa), ("admin", Code::ExternalCa)]
    );
    assert_eq!(
        refusal.findings[0].text,
        "must be issued, and the key of its CA is not here (ca.key is absent)"
    );
    let refusal = alone("front-proxy-client", &tree(), Force::Named);
    assert!(refusal.is_ok(), "its CA is another");
    put(&mut found, &spec("front-proxy-ca"), "only its certificate");
    let refusal = alone("front-proxy-client", &found, Force::Named).unwrap_err();
    assert_eq!(errors(&refusal), [("front-proxy-client", Code::ExternalCa)]);
}

#[test]
fn no_way_out_offers_to_reissue_what_an_external_ca_signs() {
    let mut found = tree();
    put(&mut found, &spec("ca"), "only its certificate");
    put(&mut found, &spec("apiserver"), "expired");
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::Expired)]);
    let way_out = external(&spec("apiserver"));
    assert_eq!(refusal.findings[0].way_out, way_out);
    assert!(way_out.starts_with("'certs csr apiserver' "), "{way_out}");
    // Of what no row is, and of a CA, there is no request.
    let mut own = spec("apiserver");
    own.name = "alice".to_owned();
    for spec in [own, spec("ca")] {
        let words = "have the CA's owner issue it, and place it here";
        assert_eq!(external(&spec), words, "{}", spec.name);
    }
}

#[test]
fn a_ca_that_is_gone_is_not_made_anew_over_what_it_signed() {
    let mut found = tree();
    put(&mut found, &spec("front-proxy-ca"), "absent");
    for force in [Force::No, Force::Drifted] {
        let refusal = planned(&found, force).unwrap_err();
        assert_eq!(errors(&refusal), [("front-proxy-client", Code::CaAbsent)]);
    }
    let refusal = alone("front-proxy-client", &found, Force::Named).unwrap_err();
    assert_eq!(errors(&refusal), [("front-proxy-client", Code::CaAbsent)]);
    assert_eq!(
        refusal.findings[0].way_out,
        "restore front-proxy-ca.crt from a backup, or move away what it signed"
    );
}

#[test]
fn a_leaf_without_its_ca_is_told_how_to_get_one() {
    let refusal = alone("front-proxy-client", &Found::new(), Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("front-proxy-client", Code::CaAbsent)]);
    let finding = &refusal.findings[0];
    assert_eq!(finding.text, "needs front-proxy-ca.crt, which is not there");
    assert_eq!(
        finding.way_out,
        "run 'certs ca front-proxy-ca' first, or copy the cluster's CA there"
    );
}

#[test]
fn a_locked_ca_matters_only_where_something_must_be_issued() {
    let mut found = tree();
    let Some(Observed::Certificate { key, .. }) = found.get_mut("ca") else {
        panic!()
    };
    *key = Some(locked());
    assert!(!planned(&found, Force::No).unwrap().changes());
    put(&mut found, &spec("admin"), "absent");
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("admin", Code::CaKeyLocked)]);
    let told = |finding: &&Finding| finding.code == Code::CaKeyLocked;
    let finding = refusal.findings.iter().find(told).unwrap();
    assert_eq!(finding.way_out, "give its passphrase");
}

#[test]
fn a_wrong_issuer_refuses_what_it_would_sign() {
    let mut found = tree();
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("front-proxy-ca") else {
        panic!()
    };
    chain[0].validity.not_after = NOW - Duration::SECOND;
    let refusal = alone("front-proxy-client", &found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("front-proxy-ca", Code::Expired)]);
}

#[test]
fn a_leaf_named_like_its_ca_is_refused_before_it_is_made() {
    let mut wanted = spec("etcd-server");
    let ca = spec("etcd-ca");
    if let Content::Certificate(leaf) = &mut wanted.content {
        leaf.subject = ca.certificate().unwrap().subject.clone();
    }
    let both = [ca.clone(), wanted.clone()];
    let refusal = plan(&both, &[], &Found::new(), &ground(), policy(Force::No), NOW).unwrap_err();
    assert_eq!(errors(&refusal), [("etcd-server", Code::SelfNamed)]);
    // The CA that is there counts, not the one that would be made.
    let mut found = tree();
    found.remove("etcd-server");
    let refusal = plan(
        slice::from_ref(&wanted),
        slice::from_ref(&ca),
        &found,
        &ground(),
        policy(Force::No),
        NOW,
    )
    .unwrap_err();
    assert_eq!(errors(&refusal), [("etcd-server", Code::SelfNamed)]);
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("etcd-ca") else {
        panic!()
    };
    let mut first = chain[0].clone();
    first.subject = crate::x509::name::Name::new(&[], "another");
    first.public_key = key("stranger").public_key().clone();
    chain.insert(0, first);
    let refusal = plan(&[wanted], &[ca], &found, &ground(), policy(Force::No), NOW).unwrap_err();
    assert_eq!(
        errors(&refusal),
        [("etcd-server", Code::SelfNamed)],
        "of a bundle the one that signs counts"
    );
}

#[test]
fn sa_pub_is_made_from_a_good_sa_key_alone() {
    let pair = |key| Observed::KeyPair {
        key,
        public: None,
        public_access: access(0),
    };
    let mut found = tree();
    found.insert("sa".to_owned(), pair(open(key("sa"))));
    let plan = planned(&found, Force::No).unwrap();
    assert_eq!(step(&plan, "sa"), &Step::Derive);
    found.insert("sa".to_owned(), pair(locked()));
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("sa", Code::Unreadable)]);
    let access = access(0o644);
    found.insert(
        "sa".to_owned(),
        pair(Key {
            access,
            ..open(key("sa"))
        }),
    );
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("sa", Code::KeyMode)]);
}

#[test]
fn what_was_not_read_is_not_replaced_by_any_force() {
    let mut found = tree();
    put(&mut found, &spec("apiserver"), "no file");
    for force in [Force::No, Force::Drifted, Force::Named] {
        let refusal = alone("apiserver", &found, force).unwrap_err();
        assert_eq!(
            errors(&refusal),
            [("apiserver", Code::Unreadable)],
            "{force:?}"
        );
    }
    put(&mut found, &spec("apiserver"), "unreadable");
    let plan = alone("apiserver", &found, Force::Drifted).unwrap();
    let why = vec![Code::Unreadable];
    assert_eq!(plan.steps[0].step, Step::Replace { why });
}

#[test]
fn every_code_is_shown_by_a_test_of_the_room_that_tells_it() {
    let mut shown = crate::diff::tests::shown();
    shown.extend(crate::diff::tree_shown());
    // Here, and in the report: tests/behaviour.rs.
    let here = [
        Code::CaAbsent,
        Code::CaKeyLocked,
        Code::CaShortened,
        Code::CaTooShort,
        Code::EndsSooner,
        Code::ExternalCa,
        Code::HalvedPair,
        Code::NamesTaken,
        Code::NotCopied,
        Code::NotRenewed,
        Code::NotSelfSigned,
        Code::TooLarge,
    ];
    shown.extend(here);
    shown.extend([Code::ExpiresWithCa, Code::InterruptedRun]);
    // src/diff/server/tests.rs
    shown.extend([Code::ServerNotInSans]);
    // tests/check.rs
    shown.extend([Code::ChainOrder, Code::NotLookedAt, Code::TokenKeys]);
    // src/diff/signer.rs
    shown.extend([Code::SigningKey]);
    // tests/refresh.rs
    shown.extend([Code::KubeconfigForeign, Code::TrustFile]);
    // tests/renew_ends.rs
    shown.insert(Code::Superseded);
    // tests/bootstrap.rs
    shown.extend([Code::BootstrapDiffers]);
    // tests/external.rs
    shown.extend([Code::Assumed, Code::NotReturned]);
    // tests/import.rs
    shown.extend([Code::UnrelatedCa]);
    // tests/medium.rs
    shown.extend([Code::NewRoot, Code::NotAsked]);
    shown.extend([Code::RootDropped, Code::RootNotSent]);
    // tests/nodes.rs
    shown.extend([Code::KeyNotNeeded, Code::SharedDiffers]);
    // tests/check_nodes.rs
    shown.extend([Code::KeyShared]);
    // tests/intermediates.rs
    shown.extend([Code::KeyIdentifier]);
    // tests/rotate_crossed.rs
    shown.insert(Code::CrossMissing);
    // tests/rotate.rs
    shown.extend([Code::NotRotated, Code::Rotation, Code::RotationOrder]);
    // tests/sign.rs
    shown.extend([
        Code::OtherCa,
        Code::RequestCa,
        Code::RequestExtension,
        Code::RequestKey,
        Code::RequestSan,
        Code::RequestSanTaken,
        Code::RequestSignature,
        Code::RequestSubject,
        Code::RequestUsage,
    ]);
    // src/rollback/tests.rs
    shown.extend([
        Code::BackupDamaged,
        Code::BackupElsewhere,
        Code::ChangedSince,
        Code::NoBackup,
        Code::RestoredExpired,
        Code::RestoredHalf,
    ]);
    assert_eq!(shown, Code::ALL.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn codes_stand_in_order_with_stable_names_of_their_own() {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    for name in names {
        let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(name.chars().all(kebab) && !name.starts_with('-'), "{name}");
    }
}

#[test]
fn a_name_that_the_ca_does_not_permit_refuses_the_run_before_it_is_issued() {
    use crate::der;
    use crate::x509::constraints::NameConstraints;
    let mut found = tree();
    found.remove("apiserver");
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("ca") else {
        panic!()
    };
    let excluded = |address: [u8; 8]| {
        let tree = der::tlv(der::SEQUENCE, &der::tlv(0x87, &address));
        NameConstraints::parse(&der::tlv(der::SEQUENCE, &der::tlv(0xa1, &tree))).unwrap()
    };
    chain[0].name_constraints = Some(excluded([10, 0, 0, 10, 255, 255, 255, 255]));
    let refusal = alone("apiserver", &found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::NameForbidden)]);
    let finding = refusal.findings.last().unwrap();
    assert_eq!(
        finding.text,
        "would have the SAN 10.0.0.10, which the name constraints of \"CN=kubernetes\" do not permit"
    );
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("ca") else {
        panic!()
    };
    chain[0].name_constraints = Some(excluded([10, 0, 0, 11, 255, 255, 255, 255]));
    let plan = alone("apiserver", &found, Force::No).unwrap();
    assert_eq!(step(&plan, "apiserver"), &Step::Create);
}

#[test]
fn a_directory_that_others_may_write_refuses_the_run_and_one_of_a_group_is_noted() {
    let with = |mode| Ground {
        directories: vec![(FileId::new(Root::Pki, "etcd"), access(mode))],
        files: Vec::new(),
        kubeconfigs: Vec::new(),
        obstacles: BTreeMap::new(),
        requested: BTreeMap::new(),
        listed: std::collections::BTreeSet::new(),
        trusted: vec![0],
    };
    let plan = |mode, force| plan(&specs(), &[], &tree(), &with(mode), policy(force), NOW);
    for force in [Force::No, Force::Drifted, Force::Named] {
        let refusal = plan(0o777, force).unwrap_err();
        assert_eq!(errors(&refusal), [("", Code::WritableByOthers)]);
        let plan = plan(0o775, force).unwrap();
        let codes: Vec<Code> = plan.ground.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::WritableByGroup]);
        assert_eq!(plan.findings().next(), plan.ground.first());
    }
    assert_eq!(plan(0o755, Force::No).unwrap().ground, []);
}

#[test]
fn a_kubeconfig_that_can_only_be_replaced_whole_is_not_without_a_backup() {
    let mut found = tree();
    for (cause, backup, replaced) in [
        (Cause::Opaque, true, true),
        (Cause::Opaque, false, false),
        (Cause::Content, false, true),
    ] {
        let mut observed = unreadable(&spec("admin"), None);
        if let Observed::Unreadable(reasons, _) = &mut observed {
            reasons[0].cause = cause;
        }
        found.insert("admin".to_owned(), observed);
        let policy = Policy {
            backup,
            ..policy(Force::Drifted)
        };
        let plan = plan(&specs(), &[], &found, &ground(), policy, NOW);
        assert_eq!(plan.is_ok(), replaced, "{cause:?}, {backup}");
        if let Err(refusal) = plan {
            let way_outs: Vec<&str> = refusal
                .findings
                .iter()
                .map(|f| f.way_out.as_str())
                .collect();
            assert!(way_outs.contains(&NEEDS_BACKUP), "{way_outs:?}");
        }
    }
}

#[test]
fn a_node_that_joins_makes_no_ca_and_no_service_account_keys() {
    let joining = Policy {
        force: Force::Drifted,
        founding: false,
        backup: true,
    };
    let refusal = plan(&specs(), &[], &Found::new(), &ground(), joining, NOW).unwrap_err();
    let lacking: Vec<&str> = refusal
        .findings
        .iter()
        .filter(|finding| finding.code == Code::NotCopied)
        .map(|finding| finding.name.as_str())
        .collect();
    assert_eq!(lacking, ["ca", "etcd-ca", "front-proxy-ca", "sa"]);
    let mut found = tree();
    found.remove("apiserver");
    let plan = plan(&specs(), &[], &found, &ground(), joining, NOW).unwrap();
    assert!(plan.changes(), "its own leaves are made");
}

#[test]
fn a_leaf_is_held_against_the_ca_that_is_found_in_its_place() {
    let mut found = tree();
    put(&mut found, &spec("admin"), "of another CA");
    put(&mut found, &spec("etcd-peer"), "of another CA");
    assert_eq!(
        errors(&planned(&found, Force::No).unwrap_err()),
        [
            ("etcd-peer", Code::NotSigned),
            ("admin", Code::WrongCa),
            ("admin", Code::NotSigned),
        ]
    );
}

#[test]
fn what_is_told_of_a_ca_that_only_signs_is_told_when_all_is_kept() {
    let mut found = tree();
    let Some(Observed::Certificate { chain, .. }) = found.get_mut("ca") else {
        panic!("the CA is there");
    };
    chain[0].subject_key_identifier = None;
    let (leaf, ca) = (spec("apiserver"), spec("ca"));
    let plan = plan(
        slice::from_ref(&leaf),
        slice::from_ref(&ca),
        &found,
        &ground(),
        policy(Force::No),
        NOW,
    )
    .unwrap();
    let told: Vec<_> = plan
        .findings()
        .map(|found| (found.code, found.name.as_str()))
        .collect();
    assert!(told.contains(&(Code::NoKeyIdentifier, "ca")), "{told:?}");
}

#[test]
fn of_what_could_not_be_read_it_is_not_told_that_its_ca_is_gone() {
    let mut found = Found::new();
    let leaf = spec("apiserver");
    let failed = Unreadable {
        file: leaf.place.key(),
        why: "cannot be read: I/O error".to_owned(),
        cause: Cause::Failed,
        way_out: Some("look at it".to_owned()),
        access: None,
        public: None,
    };
    found.insert(
        leaf.name.clone(),
        Observed::Unreadable(vec![failed], Vec::new()),
    );
    let refusal = planned(&found, Force::No).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::ReadFailed)]);
}

#[test]
fn a_kubeconfig_whose_names_another_cluster_has_is_not_replaced_and_may_be_kept() {
    let mut found = tree();
    let standing = Ground {
        kubeconfigs: Vec::new(),
        obstacles: BTreeMap::from([(
            "admin".to_owned(),
            Obstacle {
                code: Code::NamesTaken,
                text: "calls another".to_owned(),
                way_out: "rename it",
            },
        )]),
        ..ground()
    };
    let admin = spec("admin");
    let planned = |found: &Found, force| {
        let wanted = slice::from_ref(&admin);
        let ca = spec("ca");
        plan(
            wanted,
            slice::from_ref(&ca),
            found,
            &standing,
            policy(force),
            NOW,
        )
    };
    assert_eq!(
        planned(&found, Force::Drifted).unwrap().steps[0].step,
        Step::Keep
    );
    put(&mut found, &admin, "expired");
    for force in [Force::Drifted, Force::Named] {
        let refusal = planned(&found, force).unwrap_err();
        let expected = [("admin", Code::Expired), ("admin", Code::NamesTaken)];
        assert_eq!(errors(&refusal), expected, "{force:?}");
    }
}
