//! The corpus of the fuzz targets, run through the same functions as under the fuzzer: what was once found stays found, and
//! no target rots.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use targets::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(name);
    let entries = fs::read_dir(&folder).expect("every target has a corpus");
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_input_of_the_corpus_is_answered() {
    for target in &TARGETS {
        let inputs = inputs(target.name);
        assert!(inputs.len() > 3, "{} has hardly a corpus", target.name);
        assert!(target.times > 0 && target.plus > 0);
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            let run = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(run.is_ok(), "{}", input.display());
        }
    }
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let expected: BTreeSet<String> = TARGETS.iter().map(|target| target.name.into()).collect();
    let programs: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(programs, expected);
    let corpora = fs::read_dir(fuzz().join("corpus")).unwrap();
    let corpora: BTreeSet<String> = corpora
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(corpora, expected);
    for name in expected {
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            program.contains(&format!("checked(\"{name}\", bytes)")),
            "{name}"
        );
    }
}
