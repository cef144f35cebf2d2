//! What is asked for where another machine signs.

use super::*;
use crate::diff::Notice;
use crate::key::PrivateKey;
use crate::x509::san::San;

const YEAR: Duration = Duration::days(365);

fn asking(named: bool) -> Force<'static> {
    Force::Ask(Asking {
        of_many: false,
        named,
        notice: Notice::exactly(Duration::days(30)),
    })
}

/// The plan for `name` alone, as `csr` makes one.
fn ask(name: &str, found: &Found, ground: &Ground, named: bool) -> Result<Plan, Refusal> {
    let issuers: Vec<Spec> = specs().into_iter().filter(Spec::is_ca).collect();
    let policy = policy(asking(named));
    plan(&[spec(name)], &issuers, found, ground, policy, NOW)
}

fn asked(name: &str, found: &Found, named: bool) -> Plan {
    ask(name, found, &ground(), named).unwrap()
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.findings().map(|finding| finding.code).collect()
}

fn request(why: &[Code]) -> Step {
    Step::Request { why: why.to_vec() }
}

#[test]
fn what_is_due_drifted_or_named_is_asked_for_and_nothing_else() {
    let fresh = tree();
    for name in ["apiserver", "admin"] {
        assert_eq!(step(&asked(name, &fresh, false), name), &Step::Keep);
        assert_eq!(step(&asked(name, &fresh, true), name), &request(&[]));
        let due = aged(YEAR - Duration::days(30));
        let why = [Code::ExpiresSoon];
        assert_eq!(step(&asked(name, &due, false), name), &request(&why));
        let early = aged(YEAR - Duration::days(31));
        assert_eq!(step(&asked(name, &early, false), name), &Step::Keep);
        // That it has ended is told once.
        let over = aged(YEAR + Duration::days(1));
        let why = [Code::Expired];
        assert_eq!(step(&asked(name, &over, false), name), &request(&why));
    }
    let mut wanted = spec("apiserver");
    let Content::Certificate(certificate) = &mut wanted.content else {
        panic!()
    };
    certificate.sans.push(San::parse("new.example").unwrap());
    let issuers: Vec<Spec> = specs().into_iter().filter(Spec::is_ca).collect();
    let policy = policy(asking(false));
    let plan = plan(&[wanted], &issuers, &fresh, &ground(), policy, NOW).unwrap();
    assert_eq!(step(&plan, "apiserver"), &request(&[Code::SanMissing]));
}

#[test]
fn what_is_missing_is_asked_for_and_a_key_that_waits_is_asked_with() {
    let mut found = tree();
    found.remove("apiserver");
    assert_eq!(
        step(&asked("apiserver", &found, false), "apiserver"),
        &request(&[])
    );
    let Some(Observed::Certificate { key: Some(key), .. }) = tree().remove("apiserver") else {
        panic!()
    };
    found.insert("apiserver".to_owned(), Observed::KeyOnly(key));
    let plan = asked("apiserver", &found, false);
    assert_eq!(step(&plan, "apiserver"), &request(&[]));
    assert_eq!(codes(&plan), []);
}

#[test]
fn what_a_kubelet_keeps_is_not_asked_for_and_where_it_is_due_that_is_said() {
    for (ago, named, expected) in [
        (Duration::DAY, false, &[][..]),
        (Duration::DAY, true, &[Code::NotRenewed]),
        (YEAR - Duration::DAY, false, &[Code::NotRenewed]),
        (YEAR - Duration::DAY, true, &[Code::NotRenewed]),
        (
            YEAR + Duration::DAY,
            false,
            &[Code::Expired, Code::NotRenewed],
        ),
    ] {
        let mut found = aged(ago);
        let Some(Observed::Kubeconfig(kubelet)) = found.get_mut("kubelet") else {
            panic!()
        };
        kubelet.referred = true;
        let plan = asked("kubelet", &found, named);
        let left = if expected.is_empty() {
            Step::Keep
        } else {
            Step::Skip
        };
        assert_eq!(step(&plan, "kubelet"), &left, "{named}");
        assert_eq!(codes(&plan), expected, "{named}");
        let other = asked("admin", &found, true);
        assert!(matches!(step(&other, "admin"), Step::Request { .. }));
    }
}

#[test]
fn a_request_that_is_out_for_this_key_and_these_names_is_not_made_again() {
    let due = aged(YEAR - Duration::DAY);
    let Some(Observed::Certificate { key: Some(key), .. }) = due.get("apiserver") else {
        panic!()
    };
    let made = |spec: &Spec, key: &PrivateKey| {
        let wanted = spec.certificate().unwrap().asked(key.algorithm());
        let request = Request::new(&wanted, key).unwrap();
        let mut ground = ground();
        ground.requested.insert("apiserver".to_owned(), request);
        ground
    };
    let key = key.open().unwrap();
    let same = made(&spec("apiserver"), key);
    let plan = ask("apiserver", &due, &same, false).unwrap();
    assert_eq!(step(&plan, "apiserver"), &Step::Asked);
    let mut more = spec("apiserver");
    let Content::Certificate(certificate) = &mut more.content else {
        panic!()
    };
    certificate.sans.push(San::parse("new.example").unwrap());
    let other_key = PrivateKey::generate(key.algorithm()).unwrap();
    let others = [made(&more, key), made(&spec("apiserver"), &other_key)];
    for other in others {
        let plan = ask("apiserver", &due, &other, false).unwrap();
        assert_eq!(step(&plan, "apiserver"), &request(&[Code::ExpiresSoon]));
    }
}

#[test]
fn with_a_file_that_is_wrong_nobody_is_asked_and_the_way_out_is_no_force() {
    let mut found = tree();
    let Some(Observed::Certificate { key: Some(key), .. }) = found.get_mut("apiserver") else {
        panic!()
    };
    key.access.mode = 0o644;
    let refusal = ask("apiserver", &found, &ground(), true).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::KeyMode)]);
    let mut found = tree();
    let other = match &found["admin"] {
        Observed::Kubeconfig(admin) => admin.key.clone(),
        _ => panic!(),
    };
    let Some(Observed::Certificate { key, .. }) = found.get_mut("apiserver") else {
        panic!()
    };
    *key = Some(other);
    let refusal = ask("apiserver", &found, &ground(), false).unwrap_err();
    assert_eq!(errors(&refusal), [("apiserver", Code::KeyMismatch)]);
    let told = refusal.findings.iter().map(|finding| &finding.way_out);
    for way_out in told {
        assert!(!way_out.contains("--force"), "{way_out}");
    }
}
