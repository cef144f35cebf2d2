//! kubeadm's answers and ours, joined: each case is answered once, or its verb is not made yet. The
//! names that kubeadm quotes in a kubeconfig have a fixture and a test of their own
//! (`kubeconfig-quoting.json`, `src/yaml/tests.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::case::Case;
use crate::common::{fixture, read, write};
use crate::{arguments, kubeconfigs, tree, values};

/// Our answer to a case.
pub struct Answer {
    pub case: &'static str,
    pub exit: i32,
    pub said: Vec<String>,
}

/// Cases of what is not made yet, with the reason.
const LATER: [(&str, &[&str]); 4] = [
    (
        "certs csr is not made yet",
        &["csr-existing-key", "csr-twice"],
    ),
    (
        "certs check is not made yet",
        &[
            "expiration-bad-output",
            "expiration-empty",
            "expiration-leaf-garbage",
            "expiration-missing-ca",
            "expiration-some-missing",
        ],
    ),
    (
        "certs renew is not made yet",
        &[
            "renew-all-external-etcd",
            "renew-ca",
            "renew-etcd-external-etcd",
            "renew-expired-ca",
            "renew-keyless-complete",
            "renew-keyless-fp-etcd",
            "renew-keyless-incomplete",
            "renew-kubeconfig-cafile",
            "renew-kubeconfig-garbage",
            "renew-kubeconfig-nocert",
            "renew-kubelet-conf",
            "renew-leaf-garbage",
            "renew-missing-ca",
            "renew-missing-cert",
            "renew-missing-leaf-key",
            "renew-mixed-flags",
            "renew-no-cn",
            "renew-no-eku",
            "renew-no-sub",
            "renew-unknown",
        ],
    ),
    (
        "no kubeconfig with a token is made",
        &["user-no-ca-key-token"],
    ),
];

/// Why this case is not answered yet.
fn later(case: &str) -> Option<&'static str> {
    LATER
        .iter()
        .find(|(_, cases)| cases.contains(&case))
        .map(|(reason, _)| *reason)
}

/// Every case that is run.
fn cases() -> impl Iterator<Item = &'static Case> {
    arguments::CASES
        .iter()
        .chain(tree::CASES)
        .chain(tree::CLOSED)
        .chain(kubeconfigs::CASES)
}

#[test]
fn every_case_that_kubeadm_was_asked_is_answered_once_and_shown_beside_its_answer() {
    let of_cases = cases().map(|case| Answer {
        case: case.name,
        exit: case.exit,
        said: case.said.iter().map(|line| (*line).to_owned()).collect(),
    });
    let mut ours = BTreeMap::new();
    for answer in values::answers().into_iter().chain(of_cases) {
        let said = answer.said.join("; ");
        let before = ours.insert(answer.case, format!("{}: {said}", answer.exit));
        assert_eq!(before, None, "{} is answered twice", answer.case);
    }
    let mut page = String::from(
        "# Every case, with kubeadm v1.36.2's answer and ours\n\n\
         Made from the tables in `tests/bad_input` and from `cases.txt`, where kubeadm's sentences are shortened: \
         `UPDATE_DOCS=1 cargo test --test bad_input`.\n\n\
         | case | kubeadm | certs |\n|---|---|---|\n",
    );
    let cases = read(&fixture("kubeadm/cases.txt"));
    let mut asked = BTreeSet::new();
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [_, name, exits, sentence] = fields[..] else {
            panic!("{line}");
        };
        assert!(asked.insert(name), "{name} stands twice in cases.txt");
        let answer = match (ours.remove(name), later(name)) {
            (Some(answer), None) => answer.replace('|', "/"),
            (None, Some(reason)) => format!("({reason})"),
            (Some(_), Some(_)) => panic!("{name} is answered, and said to be for later"),
            (None, None) => panic!("{name} is not answered"),
        };
        let _ = writeln!(page, "| {name} | {exits}: {sentence} | {answer} |");
    }
    let unasked = LATER
        .iter()
        .flat_map(|(_, cases)| *cases)
        .find(|case| !asked.contains(**case));
    assert_eq!(unasked, None, "no case of kubeadm's");
    // Ours alone: what is left.
    for (name, answer) in ours {
        let _ = writeln!(page, "| {name} | | {answer} |");
    }
    let path = fixture("kubeadm/answers.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        write(&path, &page);
        crate::common::set_mode(&path, 0o644);
    }
    assert_eq!(
        read(&path),
        page,
        "UPDATE_DOCS=1 cargo test --test bad_input writes it anew"
    );
}
