//! A program that the tests need and that is missing is told, never passed over.

use std::ffi::OsStr;

mod common;
use common::{PACKAGES, find, offered, read, root, tool};

#[test]
fn a_missing_program_is_told_with_its_package() {
    for (program, package) in PACKAGES {
        let missing = find(program, OsStr::new("/nonexistent")).expect_err("nothing is there");
        assert_eq!(
            missing,
            format!("{program} is missing: install Debian's package {package} (tests/setup does)")
        );
    }
    find("unheard-of", OsStr::new("/usr/bin")).expect_err("it has no package");
}

#[test]
fn every_program_is_there_and_setup_installs_its_package() {
    let setup = read(&root().join("tests/setup"));
    let list = setup
        .lines()
        .find_map(|line| line.strip_prefix("packages=(")?.strip_suffix(')'))
        .expect("the list of packages");
    let listed: Vec<_> = list.split_whitespace().collect();
    // Debian is never without these.
    let essential = ["bash", "bsdutils", "tar", "util-linux"];
    for (program, package) in PACKAGES {
        assert!(
            listed.contains(&package) || essential.contains(&package),
            "tests/setup does not install {package}"
        );
        assert!(tool(program).is_file());
    }
}

#[test]
fn a_command_that_is_offered_and_that_the_program_does_not_take_is_noticed() {
    for good in [
        "'certs csr' made it",
        "'certs kubeconfig refresh'",
        "x: 'certs server apiserver --force', with",
        "it is 'certs sa'",
        "no command: certs sa sa",
    ] {
        assert_eq!(offered::refused(good), None, "{good}");
    }
    for bad in [
        "x: 'certs sa sa', with",
        "'certs chekc'",
        "'certs peer --subject /CN=a'",
    ] {
        assert!(offered::refused(bad).is_some(), "{bad}");
    }
}
