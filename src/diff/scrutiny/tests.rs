use time::Duration;

use super::*;
use crate::bundle::effective_end;
use crate::diff::diff;
use crate::diff::{authorities, survey};
use crate::key::{PrivateKey, PublicKey};
use crate::oracle::sample::{NOW, certificate, spec, tree};
use crate::oracle::{self, sample};
use crate::plan::Found;
use crate::spec::{CertificateSpec, Content};
use crate::x509::name::Name;

const WITHIN: Within = Within {
    ca: Notice::CA,
    leaf: Notice::exactly(Duration::days(30)),
};

fn told(spec: &Spec, found: &Found, now: OffsetDateTime) -> Vec<(Code, String)> {
    let observed = &found[&spec.name];
    let findings = scrutiny(spec, observed, authorities(spec, found), WITHIN, now);
    findings
        .into_iter()
        .map(|finding| (finding.code, finding.text))
        .collect()
}

fn codes(name: &str, found: &Found, now: OffsetDateTime) -> Vec<Code> {
    let told = told(&spec(name), found, now).into_iter();
    told.map(|(code, _)| code).collect()
}

fn chain<'a>(found: &'a mut Found, name: &str) -> &'a mut Vec<Certificate> {
    match found.get_mut(name).unwrap() {
        Observed::Certificate { chain, .. } => chain,
        Observed::Kubeconfig(kubeconfig) => &mut kubeconfig.chain,
        other => panic!("{other:?}"),
    }
}

fn end(found: &mut Found, name: &str) -> OffsetDateTime {
    chain(found, name)[0].validity.not_after
}

#[test]
fn a_tree_of_ours_has_nothing_to_be_told_by_a_survey() {
    let specs = sample::specs();
    assert_eq!(survey(&specs, &tree(), WITHIN, NOW), []);
}

#[test]
fn what_ends_within_the_notice_is_told_to_the_second() {
    for (name, notice) in [
        ("apiserver", WITHIN.leaf.at_most),
        ("admin", WITHIN.leaf.at_most),
        ("ca", WITHIN.ca.at_most),
    ] {
        let mut found = tree();
        let end = end(&mut found, name);
        let second = Duration::seconds(1);
        assert_eq!(codes(name, &found, end - notice - second), [], "{name}");
        for now in [end - notice, end] {
            assert_eq!(codes(name, &found, now), [Code::ExpiresSoon], "{name}");
        }
        // What is over is told as that.
        assert_eq!(codes(name, &found, end + second), [], "{name}");
    }
}

#[test]
fn a_short_lived_leaf_is_due_in_its_last_third_and_within_a_stated_time_exactly() {
    let mut found = tree();
    let end = end(&mut found, "apiserver");
    let leaf = &mut chain(&mut found, "apiserver")[0];
    leaf.validity.not_before = end - Duration::days(3);
    let told = |leaf: Notice, now: OffsetDateTime| {
        let within = Within { leaf, ..WITHIN };
        let told = scrutiny(&spec("apiserver"), &found["apiserver"], &[], within, now);
        told.iter().map(|told| told.code).collect::<Vec<_>>()
    };
    let (day, second) = (Duration::days(1), Duration::seconds(1));
    // Once it is due, that is what is to be told.
    assert_eq!(told(Notice::LEAF, end - day - second), [Code::ShortLived]);
    assert_eq!(told(Notice::LEAF, end - day), [Code::ExpiresSoon]);
    let month = Notice::exactly(day * 30);
    assert_eq!(told(month, end - day * 3), [Code::ExpiresSoon]);
}

#[test]
fn a_leaf_that_a_run_a_day_may_miss_is_told_with_what_lasts_longer() {
    let within = Within {
        leaf: Notice::LEAF,
        ..WITHIN
    };
    let told = |spec: &Spec, found: &Found| {
        let told = survey(std::slice::from_ref(spec), found, within, NOW);
        let short = told
            .into_iter()
            .filter(|told| told.code == Code::ShortLived);
        short.map(|told| told.way_out).collect::<Vec<_>>()
    };
    let of = |name: &str, lasts: Duration| {
        let mut found = tree();
        let leaf = &mut chain(&mut found, name)[0].validity;
        (leaf.not_before, leaf.not_after) = (NOW - Duration::minutes(5), NOW + lasts);
        let told = survey(&[spec(name)], &found, within, NOW);
        told.into_iter().find(|told| told.code == Code::ShortLived)
    };
    for name in ["apiserver", "admin"] {
        assert_eq!(of(name, Duration::days(9)), None);
        let short = of(name, Duration::hours(40)).unwrap();
        assert_eq!(
            short.text,
            "lasts 40h, so that a run a day may come after its end"
        );
        let way_out =
            format!("say how long the new one is to last: 'certs renew {name} --validity 8760h'");
        assert_eq!(short.way_out, way_out);
    }
    // A CA says itself that it ends, and is seen to first.
    let mut found = tree();
    for name in ["ca", "apiserver"] {
        let leaf = &mut chain(&mut found, name)[0].validity;
        (leaf.not_before, leaf.not_after) = (NOW, NOW + Duration::days(8));
    }
    assert_eq!(told(&spec("ca"), &found), Vec::<String>::new());
    assert_eq!(told(&spec("apiserver"), &found), [AFTER_ITS_CA]);
    // What a kubelet keeps it renews at any hour.
    let mut kubelet = spec("apiserver");
    kubelet.name = "kubelet-server-current.pem".to_owned();
    kubelet.place = crate::spec::Place::File {
        root: Root::Kubelet,
        name: "kubelet-server-current.pem".to_owned(),
    };
    let served = found["apiserver"].clone();
    let mut found = tree();
    found.insert("apiserver".to_owned(), served.clone());
    assert_eq!(told(&spec("apiserver"), &found).len(), 1);
    found.insert(kubelet.name.clone(), served);
    assert_eq!(told(&kubelet, &found), Vec::<String>::new());
}

#[test]
fn the_way_out_of_a_ca_that_ends_soon_is_with_who_can_issue_it() {
    let mut found = tree();
    let now = end(&mut found, "ca");
    let way_out = |found: &Found| {
        let told = ending(&spec("ca"), &found["ca"], Notice::CA, now);
        told.expect("a finding").way_out
    };
    assert!(way_out(&found).starts_with("'certs renew ca' "));
    let mut elsewhere = found.clone();
    if let Some(Observed::Certificate { key, .. }) = elsewhere.get_mut("ca") {
        *key = None;
    }
    assert_eq!(way_out(&elsewhere), external(&spec("ca")));
    let other = chain(&mut found, "etcd-ca")[0].subject.clone();
    chain(&mut found, "ca")[0].issuer = other;
    assert_eq!(way_out(&found), anew(&spec("ca"), true));
    assert!(way_out(&found).contains("'certs csr ca' asks for it"));
    // Of what else is in its file `renew` cannot do anything; and a leaf is no CA.
    chain(&mut found, "ca")[0].validity.not_after = now + Duration::days(400);
    let mut other = chain(&mut found, "front-proxy-ca")[0].clone();
    other.validity.not_after = now;
    chain(&mut found, "ca").push(other);
    assert_eq!(ending(&spec("ca"), &found["ca"], Notice::CA, now), None);
    let leaf = ending(&spec("apiserver"), &found["apiserver"], Notice::CA, now);
    assert_eq!(leaf, None);
}

#[test]
fn a_renewed_ca_behind_its_former_certificate_is_told_where_that_one_is_due() {
    let mut found = tree();
    let end = end(&mut found, "ca");
    let (second, later) = (Duration::SECOND, end + Duration::days(1000));
    let mut renewed = chain(&mut found, "ca")[0].clone();
    renewed.validity.not_after = later;
    chain(&mut found, "ca").push(renewed.clone());
    let due = end - WITHIN.ca.at_most;
    let told = |found: &Found, now| codes("ca", found, now).contains(&Code::CaOrder);
    assert!(!told(&found, due - second));
    assert!(told(&found, due) && told(&found, end + second));
    // Not where it is no better, or is another's.
    assert!(!told(&found, later - WITHIN.ca.at_most));
    let with = |change: &dyn Fn(&mut Certificate)| {
        let (mut found, mut other) = (found.clone(), renewed.clone());
        change(&mut other);
        chain(&mut found, "ca")[1] = other;
        told(&found, due)
    };
    assert!(with(&|_| {}));
    let stranger = chain(&mut tree(), "etcd-ca")[0].clone();
    assert!(!with(&|ca| ca.validity.not_before = due + second));
    assert!(!with(&|ca| ca.issuer = stranger.subject.clone()));
    assert!(!with(&|ca| ca.subject = stranger.subject.clone()));
    assert!(!with(&|ca| ca.public_key = stranger.public_key.clone()));
    // First it is the one that signs.
    chain(&mut found, "ca").swap(0, 1);
    assert!(!told(&found, due));
}

#[test]
fn what_else_a_bundle_holds_is_told_of_by_name_when_it_ends() {
    let mut found = tree();
    let mut other = chain(&mut found, "etcd-ca")[0].clone();
    let end = end(&mut found, "ca");
    let second = Duration::seconds(1);
    other.validity.not_after = end - Duration::days(1000);
    let end = other.validity.not_after;
    chain(&mut found, "ca").push(other);
    let soon = end - WITHIN.ca.at_most;
    assert_eq!(codes("ca", &found, soon - second), []);
    for (now, verb) in [(soon, "ends"), (end, "ends"), (end + second, "ended")] {
        let [(code, text)] = &told(&spec("ca"), &found, now)[..] else {
            panic!("one finding at {now}");
        };
        assert_eq!(*code, Code::ExpiresSoon);
        let words = format!("holds \"CN=etcd-ca\", which {verb} on ");
        assert!(text.starts_with(&words), "{text}");
    }
}

#[test]
fn a_kubelet_s_own_files_are_the_kubelet_s_to_renew() {
    let mut found = tree();
    let now = end(&mut found, "kubelet");
    let way_out = |found: &Found| {
        let kubelet = spec("kubelet");
        let findings = scrutiny(&kubelet, &found["kubelet"], &[], WITHIN, now);
        findings[0].way_out.clone()
    };
    assert!(way_out(&found).starts_with("'certs renew kubelet' "));
    if let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("kubelet") {
        kubeconfig.referred = true;
    }
    assert!(way_out(&found).starts_with("see that the kubelet rotates it"));
}

#[test]
fn a_leaf_that_outlives_its_ca_is_told_until_both_end_soon() {
    let mut found = tree();
    let leaf = end(&mut found, "apiserver");
    let ca = leaf - Duration::days(100);
    chain(&mut found, "ca")[0].validity.not_after = ca;
    assert_eq!(codes("apiserver", &found, NOW), [Code::OutlivesCa]);
    let soon = told(&spec("apiserver"), &found, ca - Duration::days(1));
    assert_eq!(soon.len(), 1);
    let (code, text) = &soon[0];
    assert_eq!(*code, Code::ExpiresSoon);
    assert!(text.starts_with("ends with its CA on "), "{text}");
    // The CA is over, and the leaf by its own words is not.
    let after = ca + Duration::days(1);
    assert_eq!(codes("apiserver", &found, after), [Code::OutlivesCa]);
    chain(&mut found, "ca")[0].validity.not_after = leaf;
    assert_eq!(codes("apiserver", &found, NOW), []);
}

#[test]
fn the_end_is_the_earliest_of_a_way_and_the_latest_of_several() {
    let found = tree();
    let day = |days| NOW + Duration::days(days);
    let until = |certificate: &Certificate, end| {
        let mut certificate = certificate.clone();
        certificate.validity.not_after = end;
        certificate
    };
    // An intermediate below the root, and a leaf below that.
    let signed = |name: &str, issuer: Option<&str>, days| {
        let mut wanted: CertificateSpec = spec("ca").certificate().unwrap().clone();
        if issuer.is_some() {
            wanted.subject = Name::new(&[], name);
        }
        wanted.issuer = issuer.map(str::to_owned);
        wanted.validity = Duration::days(days);
        certificate(&wanted, name, &found, NOW)
    };
    let intermediate = |days| signed("intermediate", Some("ca"), days);
    let root = |days| signed("ca", None, days);
    let mut below = found.clone();
    below.insert(
        "ca".to_owned(),
        Observed::Certificate {
            chain: vec![intermediate(300)],
            access: sample::access(0o644),
            key: Some(sample::open(sample::key("intermediate"))),
        },
    );
    let apiserver = spec("apiserver");
    let leaf = certificate(apiserver.certificate().unwrap(), "apiserver", &below, NOW);
    let leaf = until(&leaf, day(200));
    let end = |intermediates: &[i64], roots: &[i64]| {
        let chain: Vec<_> = intermediates
            .iter()
            .map(|days| intermediate(*days))
            .collect();
        let roots: Vec<_> = roots.iter().map(|days| root(*days)).collect();
        effective_end(&leaf, &chain, &roots, NOW)
    };
    assert_eq!(end(&[300], &[400]), day(200));
    assert_eq!(end(&[100], &[400]), day(100));
    assert_eq!(end(&[300], &[50]), day(50));
    assert_eq!(end(&[100, 150], &[400]), day(150));
    assert_eq!(end(&[300], &[50, 60]), day(60));
    // Without a way it is what the leaf says.
    assert_eq!(end(&[], &[50]), day(200));
    assert_eq!(end(&[100], &[]), day(200));
}

/// A certificate that OpenSSL signed with this digest, below a CA of its own.
fn signed_with(digest: &str, curve_or_bits: &str) -> (Certificate, Certificate) {
    let pem = oracle::text(
        &format!(
            "d=$(mktemp -d); trap 'rm -rf $d' EXIT; cd $d\n\
             openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=old \
             -days 100 -{digest} 2>/dev/null\n\
             openssl req -new -newkey {curve_or_bits} -nodes -keyout l.key -out l.csr -subj /CN=x 2>/dev/null\n\
             openssl x509 -req -in l.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 -{digest} 2>/dev/null\n\
             cat ca.crt"
        ),
        b"",
    );
    let mut both = Certificate::from_pem(pem.as_bytes()).unwrap();
    let ca = both.pop().unwrap();
    (both.pop().unwrap(), ca)
}

#[test]
fn a_weak_hash_is_told_of_all_but_a_root() {
    for (digest, algorithm) in [
        ("sha1", Some("sha1WithRSAEncryption")),
        ("md5", Some("md5WithRSAEncryption")),
        ("sha256", None),
    ] {
        let (leaf, ca) = signed_with(digest, "rsa:2048");
        let mut found = tree();
        *chain(&mut found, "apiserver") = vec![leaf.clone()];
        let told = |found: &Found, name| {
            let told = told(&spec(name), found, leaf.validity.not_before);
            told.into_iter()
                .filter(|(code, _)| *code == Code::WeakHash)
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
        };
        let expected: Vec<String> = algorithm
            .map(|algorithm| format!("is signed with {algorithm}"))
            .into_iter()
            .collect();
        // Of a leaf it is told where its signature is held against its CA, and there alone.
        assert_eq!(told(&found, "apiserver"), [""; 0]);
        let authorities = chain(&mut found, "ca").clone();
        let now = leaf.validity.not_before;
        let judged = diff(
            &spec("apiserver"),
            &found["apiserver"],
            &authorities,
            &[0],
            now,
        );
        let judged: Vec<String> = judged
            .into_iter()
            .filter(|finding| finding.code == Code::WeakHash)
            .map(|finding| finding.text)
            .collect();
        assert_eq!(judged, expected);
        *chain(&mut found, "ca") = vec![ca.clone()];
        assert_eq!(told(&found, "ca"), [""; 0]);
        // An intermediate is no root.
        let mut intermediate = leaf.clone();
        found = tree();
        intermediate.basic_constraints = chain(&mut found, "ca")[0].basic_constraints;
        chain(&mut found, "apiserver").push(intermediate);
        let expected: Vec<String> = expected
            .iter()
            .map(|text| format!("holds an intermediate that {text}"))
            .collect();
        assert_eq!(told(&found, "apiserver"), expected);
    }
}

#[test]
fn an_rsa_key_of_less_than_2048_bits_is_told_of_a_leaf() {
    for (bits, told) in [(1024, true), (2047, true), (2048, false)] {
        let (leaf, _) = signed_with("sha256", &format!("rsa:{bits}"));
        let key: PublicKey = leaf.public_key;
        let mut found = tree();
        for name in ["apiserver", "ca"] {
            chain(&mut found, name)[0].public_key = key.clone();
        }
        let expected: &[Code] = if told { &[Code::WeakKey] } else { &[] };
        assert_eq!(codes("apiserver", &found, NOW), expected, "{bits}");
        assert_eq!(codes("ca", &found, NOW), [], "{bits}");
    }
}

#[test]
fn an_rsa_key_of_more_than_8192_bits_is_told_of_a_leaf() {
    let pem = include_bytes!("../../../tests/fixtures/rsa-16384.key");
    let key = PrivateKey::from_pem(pem, None).unwrap();
    let mut found = tree();
    for name in ["apiserver", "ca"] {
        chain(&mut found, name)[0].public_key = key.public_key().clone();
    }
    assert_eq!(codes("apiserver", &found, NOW), [Code::LargeKey]);
    assert_eq!(codes("ca", &found, NOW), []);
}

#[test]
fn basic_constraints_of_a_ca_are_critical_or_noted() {
    let mut found = tree();
    let constraints = &mut chain(&mut found, "ca")[0].basic_constraints;
    constraints.as_mut().unwrap().critical = false;
    assert_eq!(codes("ca", &found, NOW), [Code::BasicConstraints]);
    let mut found = tree();
    let mut constraints = chain(&mut found, "ca")[0].basic_constraints.unwrap();
    (constraints.ca, constraints.critical) = (false, false);
    chain(&mut found, "apiserver")[0].basic_constraints = Some(constraints);
    assert_eq!(codes("apiserver", &found, NOW), []);
}

#[test]
fn what_a_kubelet_made_itself_is_noted_where_kubelets_keep_it() {
    for (root, own, expected) in [
        (Root::Kubelet, true, &[Code::KubeletSelfSigned][..]),
        (Root::Kubelet, false, &[]),
        (Root::Pki, true, &[]),
    ] {
        let mut spec = spec("apiserver");
        spec.place = crate::spec::Place::Pair {
            root,
            base: "kubelet".to_owned(),
        };
        if let Content::Certificate(wanted) = &mut spec.content
            && own
        {
            wanted.issuer = None;
        }
        let codes: Vec<Code> = told(&spec, &tree(), NOW)
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, expected, "{root:?} {own}");
    }
}
