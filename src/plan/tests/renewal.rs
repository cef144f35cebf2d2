use super::*;
use crate::diff::Notice;
use crate::oracle::sample::certificate;
use crate::profile::by_name;
use crate::profile::found::{Evidence, of_other, of_row};
use crate::profile::renewal::{Changes, renamed};
use crate::spec::{BACKDATE, Place};
use crate::x509::san::San;
use crate::x509::validity::Validity;

/// What the files themselves tell of the rows that are there.
fn judged(found: &Found) -> Vec<Spec> {
    let evidence = Evidence::of(found, "cp1");
    specs()
        .iter()
        .map(|spec| of_row(by_name(&spec.name).unwrap(), &found[&spec.name], &evidence))
        .collect()
}

fn within(at_most: Duration) -> Due {
    Due::Within(Notice::exactly(at_most))
}

fn named(names: &[&str]) -> Due {
    Due::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

fn renewal(due: Due) -> Renewal {
    Renewal {
        due,
        ca_notice: Notice::CA,
        reuse_key: false,
        of_many: false,
        there: Vec::new(),
        then: Vec::new(),
        changes: Changes::default(),
    }
}

fn attempt(found: &Found, renewal: &Renewal) -> Result<Plan, Refusal> {
    let policy = policy(Force::Renew(renewal));
    plan(&judged(found), &[], found, &ground(), policy, NOW)
}

fn steps<'a>(plan: &'a Plan, of: &Step) -> Vec<&'a str> {
    let same = |step: &Step| std::mem::discriminant(step) == std::mem::discriminant(of);
    plan.steps
        .iter()
        .filter(|planned| same(&planned.step))
        .map(|planned| planned.spec.name.as_str())
        .collect()
}

const REPLACE: Step = Step::Replace { why: Vec::new() };
const REISSUE: Step = Step::Reissue { why: Vec::new() };
const LEAVES: usize = 12;

fn codes(plan: &Plan, name: &str) -> Vec<Code> {
    let of_name = plan.steps.iter().find(|planned| planned.spec.name == name);
    let findings = &of_name.unwrap().findings;
    findings.iter().map(|finding| finding.code).collect()
}

fn leaf<'a>(found: &'a mut Found, name: &str) -> &'a mut Certificate {
    match found.get_mut(name).unwrap() {
        Observed::Certificate { chain, .. } => &mut chain[0],
        Observed::Kubeconfig(kubeconfig) => &mut kubeconfig.chain[0],
        _ => panic!("{name}"),
    }
}

#[test]
fn what_ends_within_the_notice_is_renewed_and_nothing_else() {
    let found = aged(Duration::days(340));
    let plan = attempt(&found, &renewal(within(Duration::days(24)))).unwrap();
    assert!(!plan.changes(), "{plan:#?}");
    let plan = attempt(&found, &renewal(within(Duration::days(25)))).unwrap();
    assert_eq!(steps(&plan, &REPLACE).len(), LEAVES);
    assert_eq!(
        steps(&plan, &Step::Keep),
        ["ca", "etcd-ca", "front-proxy-ca", "sa"]
    );
    assert_eq!(
        step(&plan, "admin"),
        &Step::Replace {
            why: vec![Code::ExpiresSoon]
        }
    );
}

#[test]
fn what_is_over_is_renewed_for_that() {
    let found = aged(Duration::days(366));
    let plan = attempt(&found, &renewal(within(Duration::days(30)))).unwrap();
    let why = vec![Code::Expired];
    assert_eq!(step(&plan, "apiserver"), &Step::Replace { why });
    assert_eq!(codes(&plan, "apiserver"), []);
}

#[test]
fn in_its_first_two_thirds_nothing_is_due_unless_a_time_was_given() {
    let found = aged(Duration::days(200));
    let mut notice = Notice {
        at_most: Duration::days(300),
        last_third: true,
    };
    let plan = attempt(&found, &renewal(Due::Within(notice))).unwrap();
    assert!(!plan.changes());
    notice.last_third = false;
    let plan = attempt(&found, &renewal(Due::Within(notice))).unwrap();
    assert_eq!(steps(&plan, &REPLACE).len(), LEAVES);
}

#[test]
fn a_ca_that_ends_soon_is_told_of_and_kept_unless_it_was_named() {
    let found = tree();
    let soon = |due: Due, ca_notice: Duration| {
        let renewal = Renewal {
            ca_notice: Notice::exactly(ca_notice),
            ..renewal(due)
        };
        attempt(&found, &renewal).unwrap()
    };
    let Observed::Certificate { chain, .. } = &found["ca"] else {
        panic!("a CA");
    };
    let left = chain[0].validity.not_after - NOW;
    let second = Duration::seconds(1);
    for due in [Due::All, within(Duration::days(30))] {
        let plan = soon(due.clone(), left - second);
        assert_eq!(codes(&plan, "ca"), []);
        let plan = soon(due, left);
        assert_eq!(codes(&plan, "ca"), [Code::ExpiresSoon]);
        assert_eq!(step(&plan, "ca"), &Step::Keep);
        let told = plan.steps.iter().find(|one| one.spec.name == "ca").unwrap();
        let way_out = &told.findings[0].way_out;
        assert!(way_out.starts_with("'certs renew ca' "), "{way_out}");
    }
    // A run judges what it was asked for.
    let plan = soon(named(&["apiserver"]), left);
    assert!(
        plan.steps
            .iter()
            .all(|one| one.spec.name != "ca" || one.findings.is_empty())
    );
    let plan = soon(named(&["ca"]), left);
    assert_eq!(codes(&plan, "ca"), []);
}

#[test]
fn all_are_the_leaves_and_a_ca_is_renewed_by_name_alone() {
    let plan = attempt(&tree(), &renewal(Due::All)).unwrap();
    assert_eq!(steps(&plan, &REPLACE).len(), LEAVES);
    assert_eq!(
        steps(&plan, &Step::Keep),
        ["ca", "etcd-ca", "front-proxy-ca", "sa"]
    );
    let plan = attempt(&tree(), &renewal(named(&["ca", "etcd-peer"]))).unwrap();
    assert_eq!(steps(&plan, &REISSUE), ["ca"]);
    assert_eq!(steps(&plan, &REPLACE), ["etcd-peer"]);
    let kubeconfigs = [
        "admin",
        "super-admin",
        "kubelet",
        "controller-manager",
        "scheduler",
    ];
    assert_eq!(steps(&plan, &Step::Refresh), kubeconfigs);
    assert_eq!(
        step(&plan, "ca"),
        &REISSUE,
        "asked for, and for no other reason"
    );
}

#[test]
fn keys_stay_where_that_is_asked_for() {
    let mut same = renewal(Due::All);
    same.reuse_key = true;
    let plan = attempt(&tree(), &same).unwrap();
    assert_eq!(steps(&plan, &REISSUE).len(), LEAVES);
    // A key that others may have read is replaced, and never kept.
    let mut found = tree();
    put(&mut found, &spec("apiserver"), "open to all");
    let plan = attempt(&found, &same).unwrap();
    assert_eq!(step(&plan, "apiserver"), &Step::Skip);
    assert_eq!(codes(&plan, "apiserver"), [Code::KeyMode, Code::NotRenewed]);
    let plan = attempt(&found, &renewal(Due::All)).unwrap();
    let why = vec![Code::KeyMode];
    assert_eq!(step(&plan, "apiserver"), &Step::Replace { why });
}

#[test]
fn a_renewed_leaf_keeps_what_it_says_and_only_what_was_asked_for_changes() {
    let mut found = tree();
    let more = San::Uri("spiffe://x/y".to_owned());
    leaf(&mut found, "apiserver").sans.push(more.clone());
    let mut given = renewal(named(&["apiserver"]));
    let plan = attempt(&found, &given).unwrap();
    let of = |plan: &Plan| {
        let of_name = |planned: &&Planned| planned.spec.name == "apiserver";
        let planned = plan.steps.iter().find(of_name).unwrap();
        planned.spec.certificate().unwrap().clone()
    };
    let former = leaf(&mut found, "apiserver").clone();
    let new = of(&plan);
    assert_eq!((&new.subject, &new.sans), (&former.subject, &former.sans));
    assert_eq!(new.validity, Duration::days(365));
    let added = San::Dns("added.example".to_owned());
    given.changes.add = vec![added.clone()];
    given.changes.remove = vec![more];
    given.changes.validity = Some(Duration::days(9));
    given.changes.key_algorithm = Some(crate::key::KeyAlgorithm::Rsa(2048));
    given.then = judged(&found_then(&found, "apiserver", &given.changes));
    let new = of(&attempt(&found, &given).unwrap());
    assert_eq!(new.sans.last(), Some(&added));
    assert_eq!(new.sans.len(), former.sans.len());
    assert_eq!(new.validity, Duration::days(9));
    assert_eq!(
        new.key_usage(new.key_algorithm).names(),
        ["digitalSignature", "keyEncipherment"],
        "an RSA key's"
    );
}

/// The tree, once the names of one have changed.
fn found_then(found: &Found, name: &str, changes: &Changes) -> Found {
    let mut then = found.clone();
    let spec = judged(found).into_iter().find(|spec| spec.name == name);
    let observed = then.get_mut(name).unwrap();
    *observed = renamed(&spec.unwrap(), observed, changes);
    then
}

#[test]
fn a_name_that_the_rest_of_the_tree_tells_of_is_not_taken_away() {
    let mut found = tree();
    let more = San::Dns("more.example".to_owned());
    leaf(&mut found, "etcd-peer").sans.push(more.clone());
    let mut given = renewal(named(&["etcd-peer"]));
    for (name, errors_then) in [
        (more, vec![]),
        (San::Dns("cp1".to_owned()), vec![Code::SanMissing]),
        (San::Dns("localhost".to_owned()), vec![Code::SanMissing]),
    ] {
        given.changes.remove = vec![name];
        given.then = judged(&found_then(&found, "etcd-peer", &given.changes));
        let mut refused =
            attempt(&found, &given).map_or_else(|refusal| refusal.findings, |_| Vec::new());
        refused.retain(is_error);
        let told: Vec<Code> = refused.iter().map(|finding| finding.code).collect();
        assert_eq!(told, errors_then);
        let said = |finding: &Finding| finding.text.starts_with("as it was asked for lacks");
        assert!(refused.iter().all(said), "{refused:?}");
    }
}

#[test]
fn what_is_named_and_would_keep_an_error_of_its_own_refuses_the_run_and_another_s_does_not() {
    let mut found = tree();
    let other = leaf(&mut found, "admin").clone();
    leaf(&mut found, "scheduler").subject = other.subject;
    for names in [&["scheduler"][..], &["ca", "scheduler"]] {
        let refusal = attempt(&found, &renewal(named(names))).unwrap_err();
        assert_eq!(errors(&refusal), [("scheduler", Code::WrongSubject)]);
    }
    let plan = attempt(&found, &renewal(named(&["ca", "admin"]))).unwrap();
    assert_eq!(codes(&plan, "scheduler"), [Code::WrongSubject]);
    assert_eq!(step(&plan, "scheduler"), &Step::Refresh);
    let plan = attempt(&found, &renewal(Due::All)).unwrap();
    assert_eq!(step(&plan, "scheduler"), &REPLACE);
}

#[test]
fn what_was_signed_so_is_prolonged_and_told_and_what_was_not_signed_here_is_neither() {
    let mut found = tree();
    leaf(&mut found, "apiserver")
        .sans
        .retain(|san| *san != San::Dns("cp1".to_owned()));
    put(&mut found, &spec("etcd-peer"), "of another CA");
    put(&mut found, &spec("etcd-server"), "only its key");
    let plan = attempt(&found, &renewal(Due::All)).unwrap();
    assert_eq!(step(&plan, "apiserver"), &REPLACE);
    assert_eq!(codes(&plan, "apiserver"), [Code::SanMissing]);
    assert_eq!(step(&plan, "etcd-peer"), &Step::Skip);
    assert_eq!(
        codes(&plan, "etcd-peer"),
        [Code::NotSigned, Code::NotRenewed]
    );
    assert_eq!(step(&plan, "etcd-server"), &Step::Keep);
    assert_eq!(codes(&plan, "etcd-server"), [Code::MissingCertificate]);
    for name in ["etcd-peer", "etcd-server"] {
        let refusal = attempt(&found, &renewal(named(&[name]))).unwrap_err();
        assert!(errors(&refusal).iter().any(|(of, _)| *of == name));
    }
}

#[test]
fn names_of_stated_facts_take_the_place_of_those_that_are_there() {
    let mut found = tree();
    let apiserver = leaf(&mut found, "apiserver");
    apiserver.sans.clear();
    apiserver.sans.push(San::Dns("old.example".to_owned()));
    let mut given = renewal(named(&["apiserver"]));
    given.changes.names = true;
    let policy = policy(Force::Renew(&given));
    let wanted = [spec("apiserver")];
    let plan = plan(&wanted, &[spec("ca")], &found, &ground(), policy, NOW).unwrap();
    assert_eq!(
        plan.steps[0].spec.certificate().unwrap().sans,
        wanted[0].certificate().unwrap().sans
    );
    assert_eq!(codes(&plan, "apiserver"), []);
    assert!(!plan.steps[0].mended.is_empty());
}

#[test]
fn of_an_external_ca_nothing_is_renewed_and_the_rest_is() {
    let mut found = aged(Duration::days(360));
    put(&mut found, &spec("etcd-ca"), "only its certificate");
    let plan = attempt(&found, &renewal(within(Duration::days(30)))).unwrap();
    let external = [
        "etcd-server",
        "etcd-peer",
        "apiserver-etcd-client",
        "etcd-healthcheck-client",
    ];
    assert_eq!(steps(&plan, &Step::Skip), external);
    assert_eq!(steps(&plan, &REPLACE).len(), LEAVES - external.len());
    for name in external {
        assert_eq!(codes(&plan, name), [Code::NotRenewed]);
    }
    let plan = attempt(&found, &renewal(named(&["etcd-peer", "etcd-ca"]))).unwrap();
    assert_eq!(steps(&plan, &Step::Skip), ["etcd-ca", "etcd-peer"]);
    assert!(!plan.changes());
}

#[test]
fn what_ends_with_its_ca_is_not_renewed_again_and_again() {
    let mut found = aged(Duration::days(360));
    let end = leaf(&mut found, "front-proxy-client").validity.not_after;
    leaf(&mut found, "front-proxy-ca").validity.not_after = end;
    let plan = attempt(&found, &renewal(within(Duration::days(30)))).unwrap();
    assert_eq!(step(&plan, "front-proxy-client"), &Step::Skip);
    assert_eq!(codes(&plan, "front-proxy-client"), [Code::NotRenewed]);
    let plan = attempt(&found, &renewal(Due::All)).unwrap();
    assert_eq!(step(&plan, "front-proxy-client"), &REPLACE);
}

#[test]
fn below_a_ca_that_is_not_as_it_should_be_nothing_is_renewed_but_by_its_renewal() {
    let mut found = tree();
    let ended = &mut leaf(&mut found, "ca").validity;
    (ended.not_before, ended.not_after) = (NOW - Duration::DAY, NOW - Duration::HOUR);
    let plan = attempt(&found, &renewal(Due::All)).unwrap();
    assert_eq!(step(&plan, "admin"), &Step::Skip);
    assert_eq!(codes(&plan, "ca"), [Code::Expired]);
    let refusal = attempt(&found, &renewal(named(&["admin"]))).unwrap_err();
    assert!(errors(&refusal).contains(&("ca", Code::Expired)));
    let plan = attempt(&found, &renewal(named(&["admin", "ca"]))).unwrap();
    let why = vec![Code::Expired];
    assert_eq!(step(&plan, "ca"), &Step::Reissue { why });
    assert_eq!(step(&plan, "admin"), &REPLACE);
}

#[test]
fn a_ca_that_another_signed_and_one_whose_key_is_locked_are_not_renewed() {
    let mut found = tree();
    let mut below = spec("ca");
    let Content::Certificate(wanted) = &mut below.content else {
        panic!()
    };
    wanted.issuer = Some("etcd-ca".to_owned());
    let signed = certificate(wanted, "ca", &found, NOW - Duration::HOUR);
    *leaf(&mut found, "ca") = signed;
    let refusal = attempt(&found, &renewal(named(&["ca"]))).unwrap_err();
    assert!(errors(&refusal).contains(&("ca", Code::NotSelfSigned)));
    let mut found = tree();
    let Some(Observed::Certificate { key, .. }) = found.get_mut("ca") else {
        panic!()
    };
    *key = Some(locked());
    let refusal = attempt(&found, &renewal(named(&["ca"]))).unwrap_err();
    assert_eq!(errors(&refusal), [("ca", Code::CaKeyLocked)]);
}

/// The CA is renewed for so long, and with it these.
fn shortened(found: &Found, validity: Duration, names: &[&str]) -> Result<Plan, Refusal> {
    let renewal = Renewal {
        there: judged(found),
        changes: Changes {
            ca_validity: Some(validity),
            ..Changes::default()
        },
        ..renewal(named(names))
    };
    attempt(found, &renewal)
}

#[test]
fn a_ca_does_not_end_before_what_it_signed_unless_that_is_renewed_with_it() {
    let mut found = tree();
    let refusal = shortened(&found, Duration::days(20), &["ca"]).unwrap_err();
    assert_eq!(errors(&refusal), [("ca", Code::CaTooShort)]);
    let way_out = &refusal.findings[0].way_out;
    let below =
        "apiserver apiserver-kubelet-client admin super-admin kubelet controller-manager scheduler";
    assert!(way_out.ends_with(&format!(": {below}")), "{way_out}");
    let names: Vec<&str> = ["ca"].into_iter().chain(below.split(' ')).collect();
    let plan = shortened(&found, Duration::days(20), &names).unwrap();
    assert_eq!(codes(&plan, "ca"), [Code::CaShortened]);
    // To the second, and not a word of one that lasts as long as the former one.
    let apiserver = leaf(&mut found, "apiserver");
    apiserver.validity.not_after += Duration::days(30);
    let last = apiserver.validity.not_after - NOW;
    let second = Duration::seconds(1);
    let refusal = shortened(&found, last - second, &["ca"]).unwrap_err();
    let way_out = &refusal.findings[0].way_out;
    assert!(way_out.ends_with(": apiserver"), "{way_out}");
    let plan = shortened(&found, last, &["ca"]).unwrap();
    assert_eq!(codes(&plan, "ca"), [Code::CaShortened]);
    let whole = leaf(&mut found, "ca").validity.not_after - NOW;
    let plan = shortened(&found, whole - second, &["ca"]).unwrap();
    assert_eq!(codes(&plan, "ca"), [Code::CaShortened]);
    let plan = shortened(&found, whole, &["ca"]).unwrap();
    assert_eq!(codes(&plan, "ca"), []);
}

#[test]
fn what_lasts_through_another_certificate_of_its_ca_does_not_end_sooner() {
    let mut found = tree();
    let spec = specs().into_iter().find(|spec| spec.name == "ca").unwrap();
    let Observed::Certificate { mut chain, .. } = made_at(&spec, &found, NOW - Duration::HOUR)
    else {
        panic!()
    };
    // A bundle has two of one key while one is replaced by the other.
    let Some(Observed::Certificate { chain: bundle, .. }) = found.get_mut("ca") else {
        panic!()
    };
    bundle.append(&mut chain);
    let plan = shortened(&found, Duration::days(20), &["ca"]).unwrap();
    assert_eq!(codes(&plan, "ca"), [Code::CaShortened]);
}

#[test]
fn what_would_end_sooner_is_told_and_not_renewed_unless_it_is_asked_for() {
    // It began with its CA, as kubeadm's do, and the pairs last for a year.
    let mut found = tree();
    let begins = leaf(&mut found, "ca").validity.not_before;
    let end = NOW + Duration::days(1000);
    let admin = &mut leaf(&mut found, "admin").validity;
    (admin.not_before, admin.not_after) = (begins, end);
    let told = |renewal: &Renewal| {
        let plan = attempt(&found, renewal).unwrap();
        let admin = plan.steps.iter().find(|one| one.spec.name == "admin");
        let admin = admin.unwrap().clone();
        let of_end = |one: &Finding| [Code::EndsSooner, Code::NotRenewed].contains(&one.code);
        let told: Vec<_> = admin.findings.iter().filter(|one| of_end(one)).collect();
        let told = told
            .iter()
            .map(|one| (one.code, one.text.clone(), one.way_out.clone()));
        (admin.step.keeps(), told.collect::<Vec<_>>())
    };
    let text = "would end on 2027-01-01 12:00:00 UTC, sooner than the former one, on 2028-09-27 12:00:00 UTC";
    let way_out = "unless that is meant, let it last longer (--validity)";
    let with = |code| vec![(code, text.to_owned(), way_out.to_owned())];
    for due in [Due::All, named(&["admin"])] {
        assert_eq!(told(&renewal(due)), (false, with(Code::EndsSooner)));
    }
    let soon = || renewal(within(Duration::days(1100)));
    assert_eq!(told(&soon()), (true, with(Code::NotRenewed)));
    // So long it was to last, or it lasts longer.
    for days in [100, 1001] {
        let mut asked = soon();
        asked.changes.validity = Some(Duration::days(days));
        assert_eq!(told(&asked), (false, Vec::new()), "{days}");
    }
    // As long as now: nobody would be served.
    let mut same = soon();
    same.changes.validity = Some(Duration::days(1000));
    let text = "ends on 2028-09-27 12:00:00 UTC: renewed it would not last longer";
    let same = told(&same);
    assert_eq!(same.1[0].0, Code::NotRenewed);
    assert_eq!((same.0, same.1[0].1.as_str()), (true, text));
    let all = renewal(Due::All);
    let other = attempt(&found, &all).unwrap();
    assert_eq!(codes(&other, "scheduler"), []);
}

#[test]
fn what_a_ca_may_have_cut_short_is_renewed_for_the_whole_time_and_what_was_stated_for_that() {
    // Its time, how long ago its CA was renewed, and how long the CA is to last.
    let renewed = |lasts: Duration, since: Duration, of_ca: Duration| {
        let mut found = tree();
        let ca = &mut leaf(&mut found, "front-proxy-ca").validity;
        (ca.not_before, ca.not_after) = (NOW - since, NOW + of_ca);
        let validity = &mut leaf(&mut found, "front-proxy-client").validity;
        validity.not_before = NOW - Duration::DAY;
        validity.not_after = NOW - Duration::DAY + BACKDATE + lasts;
        let plan = attempt(&found, &renewal(named(&["front-proxy-client"]))).unwrap();
        let of_name = |one: &&Planned| one.spec.name == "front-proxy-client";
        let one = plan.steps.iter().find(of_name).unwrap();
        let told = one.findings.iter().map(|told| told.code).collect();
        (one.spec.certificate().unwrap().validity, told)
    };
    let (hour, day, year) = (Duration::HOUR, Duration::DAY, Duration::days(365));
    let second = Duration::SECOND;
    let (before, after) = (hour, day * 2);
    let cut = (year, vec![Code::Validity]);
    let kept = |lasts| (lasts, Vec::<Code>::new());
    // It is older than its CA's certificate: it may have ended with the former one.
    assert_eq!(renewed(hour * 40, before, year * 9), cut);
    assert_eq!(renewed(day * 200 - second, before, year * 9), cut);
    // As old as that one, it was not cut by another, whatever it lasted.
    let (same, second_less) = (Duration::DAY, hour * 40 - second);
    let told = (hour * 40, vec![Code::ShortLived]);
    assert_eq!(renewed(hour * 40, same, year * 9), told);
    let minutes = hour * 2160 + Duration::minutes(30);
    assert_eq!(renewed(minutes, same, year * 9), kept(minutes));
    let less = (second_less, vec![Code::ShortLived]);
    assert_eq!(renewed(second_less, same, year * 9), less);
    // In hours as somebody states them, with the backdating or without; and longer than others.
    assert_eq!(renewed(day * 30, before, year * 9), kept(day * 30));
    let openssl = day * 30 - BACKDATE;
    assert_eq!(renewed(openssl, before, year * 9), kept(openssl));
    assert_eq!(
        renewed(year + second, before, year * 9),
        kept(year + second)
    );
    // The CA that signed it has not been renewed since, and did not cut it.
    let short = day * 10 - second;
    assert_eq!(renewed(short, after, year * 9), kept(short));
    assert_eq!(renewed(hour * 40, after, year * 9), told);
    // It ends with it, and would again.
    let ends = BACKDATE + hour * 39;
    let told = renewed(hour * 63, after, ends);
    assert_eq!(told, (year, vec![Code::ShortLived]));
}

/// A CA that was renewed since may have cut it, but not where it had signed another before that ends later.
#[test]
fn what_was_stated_of_one_is_kept_where_another_shows_that_its_ca_did_not_cut_it() {
    let year = Duration::days(365);
    let renewed = |lasts: Duration, other: Option<(Duration, Duration)>, stated: bool| {
        let mut found = tree();
        let issued = |ago: Duration, lasts: Duration| Validity {
            not_before: NOW - ago - BACKDATE,
            not_after: NOW - ago + lasts,
        };
        leaf(&mut found, "etcd-ca").validity = issued(Duration::HOUR, year * 9);
        leaf(&mut found, "etcd-peer").validity = issued(Duration::DAY, lasts);
        for name in [
            "etcd-server",
            "etcd-healthcheck-client",
            "apiserver-etcd-client",
        ] {
            leaf(&mut found, name).validity = issued(Duration::DAY, lasts);
        }
        if let Some((ago, lasts)) = other {
            leaf(&mut found, "etcd-server").validity = issued(ago, lasts);
        }
        let mut given = renewal(named(&["etcd-peer"]));
        given.changes.validity = stated.then_some(Duration::days(3));
        let plan = attempt(&found, &given).unwrap();
        let of_name = |one: &&Planned| one.spec.name == "etcd-peer";
        let one = plan.steps.iter().find(of_name).unwrap();
        one.spec.certificate().unwrap().validity
    };
    let minutes = Duration::hours(700) + Duration::minutes(30);
    let second = Duration::SECOND;
    for lasts in [Duration::days(7), minutes] {
        // All end with one another: that may have been with the CA's former certificate.
        assert_eq!(renewed(lasts, None, false), year);
        for ago in [Duration::DAY, Duration::DAY * 2] {
            let later = Some((ago, ago - Duration::DAY + lasts + second));
            assert_eq!(renewed(lasts, later, false), lasts);
            let same = Some((ago, ago - Duration::DAY + lasts));
            assert_eq!(renewed(lasts, same, false), year);
            // What is stated counts in any case.
            assert_eq!(renewed(lasts, later, true), Duration::days(3));
        }
        // Made later it tells of a CA that may have been renewed meanwhile.
        let since = Some((Duration::HOUR * 2, year));
        assert_eq!(renewed(lasts, since, false), year);
        assert_eq!(renewed(lasts, None, true), Duration::days(3));
    }
}

#[test]
fn what_others_keep_is_left_to_them() {
    let mut found = aged(Duration::days(360));
    let Some(Observed::Kubeconfig(kubelet)) = found.get_mut("kubelet") else {
        panic!()
    };
    kubelet.referred = true;
    for (due, expected) in [
        (within(Duration::days(30)), Step::Skip),
        (named(&["kubelet"]), Step::Skip),
        (Due::All, Step::Keep),
    ] {
        let plan = attempt(&found, &renewal(due)).unwrap();
        assert_eq!(step(&plan, "kubelet"), &expected);
    }
    let lone = Place::File {
        root: Root::Pki,
        name: "alice.crt".to_owned(),
    };
    let observed = found["apiserver-kubelet-client"].clone();
    let evidence = Evidence::of(&found, "cp1");
    let spec = of_other("alice.crt".to_owned(), lone, &observed, &evidence);
    found.insert("alice.crt".to_owned(), observed);
    let given = renewal(named(&["alice.crt"]));
    let policy = policy(Force::Renew(&given));
    let plan = plan(&[spec], &[self::spec("ca")], &found, &ground(), policy, NOW).unwrap();
    assert_eq!(plan.steps[0].step, Step::Skip);
}
