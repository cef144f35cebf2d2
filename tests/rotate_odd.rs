//! `certs rotate` where a tree is not as the textbook has it, and what other verbs tell of one that was rotated.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

mod common;
use common::base::Base;
use common::rotation::{STAGES, WHEN, rotate};
use common::{Finished, TempDir, at, certs, run, text};

/// A verb over the tree in `k`, when all of it is done.
fn over(place: &TempDir, verb: &[&str]) -> Finished {
    let mut command = certs(verb);
    command.args(["--kubernetes-dir", text(&place.join("k"))]);
    run(&mut at(WHEN, "022", &command))
}

/// All stages.
fn through(place: &TempDir, what: &str) {
    for (stage, flags) in &STAGES[1..] {
        rotate(place, &[&[what, stage], *flags].concat()).expect(0);
    }
}

#[test]
fn a_dry_run_of_a_renewal_tells_the_file_that_signs_by_the_name_that_the_ca_has_now() {
    let place = Base::Ours.copy();
    through(&place, "ca");
    let told = over(&place, &["renew", "ca", "--dry-run"]).expect(0);
    for file in ["k/pki/ca.crt", "k/pki/ca-signing.crt"] {
        let path = text(&place.join(file)).to_owned();
        let mut lines = told.stdout.lines().map(str::trim_start);
        let line = lines.find(|line| line.starts_with(&path));
        assert!(line.expect(file).ends_with(" CN=kubernetes-2"), "{told}");
    }
}
