//! Pairs of which a kubeconfig has one file.

use super::*;
use crate::observed::{Parts, Source};

const NAME: &str = "apiserver-kubelet-client";

/// What is told of the pair, beside a kubeconfig that has its certificate and key there.
fn told(force: Force<'_>, [certificate, key]: [Source; 2]) -> Vec<Code> {
    let ground = Ground {
        kubeconfigs: vec![Parts {
            file: FileId::new(Root::Kubeconfig, "carol.conf"),
            entry: None,
            shown: "carol.conf".to_owned(),
            certificate,
            key,
            key_path: None,
        }],
        ..ground()
    };
    let (found, issuer) = (tree(), spec("ca"));
    let made = plan(
        &[spec(NAME)],
        &[issuer],
        &found,
        &ground,
        policy(force),
        NOW,
    );
    match made {
        Ok(plan) => plan.findings().map(|finding| finding.code).collect(),
        Err(refusal) => refusal.findings.iter().map(|found| found.code).collect(),
    }
}

#[test]
fn a_pair_is_made_anew_only_where_each_kubeconfig_has_both_of_its_files_or_none() {
    let place = spec(NAME).place;
    let certificate = || Source::File(place.public());
    let key = || Source::File(place.key());
    for (force, halved) in [(Force::Named, &[Code::HalvedPair][..]), (Force::No, &[])] {
        for half in [
            [certificate(), Source::Embedded],
            [certificate(), Source::Elsewhere],
            [Source::Embedded, key()],
        ] {
            assert_eq!(told(force, half), halved);
        }
    }
    for whole in [
        [certificate(), key()],
        [Source::Embedded, Source::Embedded],
        [Source::Elsewhere, Source::Elsewhere],
    ] {
        assert_eq!(told(Force::Named, whole), []);
    }
}
