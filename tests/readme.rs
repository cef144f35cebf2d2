//! What README.md shows is what happens; the rules of its blocks stand in `common::shown`.

use std::path::Path;

mod common;
use common::shown::{Folder, blocks, mask};
use common::{read, root};

#[test]
fn what_the_readme_shows_is_what_happens() {
    let blocks = blocks(&read(&root().join("README.md")));
    assert!(!blocks.is_empty(), "README.md has no block to run");
    let folder = Folder::new("README.md");
    let faults: Vec<_> = blocks
        .iter()
        .filter_map(|block| folder.run(block).err())
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

const SAMPLE: &str = r#"# A title
```sh
mkdir made
```
```console
$ ls
made
$ echo one \
>   two; echo "2026-01-02 03:04:05 in $PWD, 2026-01-02T03:04:05Z"; echo serial deadbeef0123456789
one two
2027-11-12 13:14:15 in FOLDER, 2031-11-12T13:14:15Z
serial 00112233445566778899
$ seq 5; true
1
...
5
```
```sh no-run
exit 1
```
```yaml
kind: nothing
```
"#;

#[test]
fn the_blocks_of_a_text_are_found_and_run() {
    let found = blocks(SAMPLE);
    assert_eq!(found.len(), 2, "{found:#?}");
    let folder = Folder::new("README.md");
    for block in &found {
        folder.run(block).expect("the sample is right");
    }
    let certs = folder.shell(1, "command -v certs").expect("certs on PATH");
    assert!(certs.trim().ends_with("/bin/certs"), "{certs}");
}

#[test]
fn a_block_that_shows_what_does_not_happen_is_told_with_its_line() {
    for (right, wrong, words) in [
        ("mkdir made", "mkdir made; false", "README.md line 2"),
        ("\nmade\n", "\nmade\nmore\n", "README.md line 6: $ ls"),
        ("one two\n", "one  two\n", "README.md line 8"),
        ("...\n5", "...\n6", "README.md line 13: $ seq 5"),
        ("; true", "; false", "README.md line 13"),
        ("serial 0011", "number 0011", "serial HEX"),
    ] {
        let sample = SAMPLE.replacen(right, wrong, 1);
        assert_ne!(sample, SAMPLE, "{right}");
        let folder = Folder::new("README.md");
        let faults: Vec<_> = blocks(&sample)
            .iter()
            .filter_map(|block| folder.run(block).err())
            .collect();
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words}: {faults:#?}"
        );
    }
}

#[test]
fn only_what_differs_from_run_to_run_is_masked() {
    let folder = Path::new("/tmp/x");
    for (line, masked) in [
        (
            "valid until 2027-01-02 (365 days)",
            "valid until DATE (365 days)",
        ),
        ("2027-01-02T03:04:05Z", "DATETTIME"),
        ("ca  Nov 19, 2036 21:51 UTC", "ca  DATE TIME UTC"),
        ("Nov 1, 2036, May, 2036", "Nov 1, 2036, May, 2036"),
        ("/tmp/x/pki/ca.crt", "FOLDER/pki/ca.crt"),
        ("serial 4f:00:11:22:33:44:55:66", "serial HEX"),
        ("10.96.0.1 and fd00:10::99", "10.96.0.1 and fd00:10::99"),
        ("kubernetes.default.svc", "kubernetes.default.svc"),
        ("abcdefabcdefabcdef", "abcdefabcdefabcdef"),
    ] {
        assert_eq!(mask(line, folder), masked);
    }
}
