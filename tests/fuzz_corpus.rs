//! The corpus of the fuzz targets, run through the same functions as under the fuzzer: what was once found stays found, and
//! no target rots.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certs::der;

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use targets::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(name);
    let entries = fs::read_dir(&folder).expect("every target has a corpus");
    let path = |entry: std::io::Result<fs::DirEntry>| entry.expect("the corpus is readable").path();
    entries.map(path).collect()
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
fn the_journals_of_the_corpus_are_of_the_form_that_is_written() {
    let finished = |name: &str| {
        let bytes = fs::read(fuzz().join("corpus/journal").join(name)).unwrap();
        targets::finished(&bytes)
    };
    assert_eq!((finished("whole"), finished("torn")), (4, 0));
    let removals = (finished("removed"), finished("removed-by-another-mark"));
    assert_eq!(removals, (5, 0));
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

/// Half of the largest file that is read: enough to tell, and no more to wait for.
const LARGE: usize = 1 << 19;
/// Far more than any takes without optimization, far less than what grows with the square.
const LONGEST: Duration = Duration::from_secs(12);

/// As many copies as fit, each with its number.
fn many(head: &str, copy: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = head.to_owned();
    for number in 0.. {
        let next = copy(number);
        if text.len() + next.len() > LARGE {
            break;
        }
        text.push_str(&next);
    }
    text.into_bytes()
}

/// A certificate of the corpus with other extensions.
fn extended(extensions: &[Vec<u8>]) -> Vec<u8> {
    let whole =
        fs::read(fuzz().join("corpus/certificate/ecdsa-apiserver")).expect("it is of the corpus");
    let members = der::sequence_members(&whole).expect("it is DER");
    let fields = der::children(members[0].content).expect("it is DER");
    let mut body: Vec<&[u8]> = fields[..7].iter().map(|field| field.raw).collect();
    let list = der::tlv(0xa3, &der::tlv(der::SEQUENCE, &extensions.concat()));
    body.push(&list);
    der::sequence(&[&der::sequence(&body), members[1].raw, members[2].raw])
}

fn extension(arcs: &[u64], value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(arcs), &der::tlv(der::OCTET_STRING, value)])
}

/// Certificates with very many of one thing.
fn large_certificates() -> [(&'static str, &'static str, Vec<u8>); 3] {
    let distinct: Vec<_> = (0..30_000)
        .map(|number| extension(&[2, 5, 999, number], &[]))
        .collect();
    let names: Vec<u8> = (0..30_000_u32)
        .flat_map(|number| der::tlv(0x82, format!("n{number}.example").as_bytes()))
        .collect();
    let usages: Vec<u8> = (0..30_000)
        .flat_map(|number| der::oid(&[1, 3, 999, number]))
        .collect();
    [
        ("certificate", "extensions", extended(&distinct)),
        (
            "certificate",
            "SANs",
            extended(&[extension(&[2, 5, 29, 17], &der::tlv(der::SEQUENCE, &names))]),
        ),
        (
            "certificate",
            "usages",
            extended(&[extension(
                &[2, 5, 29, 37],
                &der::tlv(der::SEQUENCE, &usages),
            )]),
        ),
    ]
}

/// Large files that make a reader with a loop in a loop work for minutes.
fn large() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    let digest = "0".repeat(64);
    let journal = "certs journal 1 list\ntransaction {id}\nsequence 7\ncommand all\ntime 0\nbackup keep\nroot pki {pki}\n";
    vec![
        (
            "pem",
            "blocks",
            many("", |_| {
                "-----BEGIN PUBLIC KEY-----\nAAEC\n-----END PUBLIC KEY-----\n".into()
            }),
        ),
        (
            "pem",
            "a block without end",
            many("-----BEGIN PUBLIC KEY-----\n", |_| "AAEC\n".into()),
        ),
        (
            "subject",
            "RDNs",
            many("CN=a", |number| format!(",OU={number}")),
        ),
        (
            "subject",
            "values of one RDN",
            many("CN=a", |number| format!("+OU={number}")),
        ),
        (
            "kubeadm",
            "bad SANs",
            many(&format!("{CLUSTER}apiServer:\n  certSANs:\n"), |_| {
                "  - _\n".into()
            }),
        ),
        (
            "kubeadm",
            "good SANs",
            many(&format!("{CLUSTER}apiServer:\n  certSANs:\n"), |number| {
                format!("  - n{number}\n")
            }),
        ),
        (
            "kubeadm",
            "unknown fields",
            many(CLUSTER, |number| format!("a{number}: \n")),
        ),
        (
            "kubeadm",
            "documents",
            many("", |_| format!("{CLUSTER}---\n")),
        ),
        (
            "kubeconfig",
            "users",
            many("kind: Config\nusers:\n", |number| {
                format!("- {{name: u{number}}}\n")
            }),
        ),
        (
            "kubeconfig",
            "keys",
            many("kind: Config\n", |number| format!("k{number}: \n")),
        ),
        (
            "kubeconfig",
            "one text",
            many("kind: Config\nk: ", |_| "x y ".into()),
        ),
        (
            "kubeconfig",
            "anchors",
            many("kind: Config\n", |number| {
                format!("k{number}: &a{number} x\nl{number}: *a{number}\n")
            }),
        ),
        (
            "journal",
            "files",
            many(journal, |number| {
                format!("file pki a{number}.crt 644 - - {digest} -\n")
            }),
        ),
    ]
}

/// Inventories with very many of one thing.
fn large_inventories() -> [(&'static str, &'static str, Vec<u8>); 6] {
    const INVENTORY: &str = "apiVersion: certs/v1\nkind: Inventory\nnodes:\n";
    [
        (
            "inventory",
            "good nodes",
            many(INVENTORY, |number| {
                let [a, b, c] = [number >> 16, number >> 8 & 255, number & 255];
                format!(
                    "- {{name: n{number}, addresses: [10.{a}.{b}.{c}, a{number}], roles: [etcd]}}\n"
                )
            }),
        ),
        (
            "inventory",
            "bad nodes",
            many(INVENTORY, |_| {
                "- {name: _, addresses: [_], roles: [_]}\n".into()
            }),
        ),
        (
            "inventory",
            "unknown fields",
            many(INVENTORY, |number| format!("- {{a{number}: }}\n")),
        ),
        (
            "inventory",
            "lines of a table",
            many("name,addresses,roles\n", |number| {
                let [a, b, c] = [number >> 16, number >> 8 & 255, number & 255];
                format!("n{number},10.{a}.{b}.{c},worker\n")
            }),
        ),
        (
            "inventory",
            "quotes",
            many("name,addresses,roles\n\"", |_| "\"\"\n".into()),
        ),
        (
            "inventory",
            "groups within groups",
            [
                many(
                    "{\"_meta\": {}, \"etcd\": {\"children\": [\"0\"]}",
                    |number| {
                        format!(
                            ",\n\"{number}\": {{\"children\": [\"{}\", \"0\"]}}",
                            number + 1
                        )
                    },
                ),
                b"}".to_vec(),
            ]
            .concat(),
        ),
    ]
}

/// How long this thread has had a processor: what else the machine does is not counted.
fn worked() -> Duration {
    let path = "/proc/thread-self/schedstat";
    let counted = fs::read_to_string(path).expect("Linux counts it (CONFIG_SCHED_INFO)");
    let nanoseconds = counted.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.expect("its first field is the time in nanoseconds"))
}

#[test]
fn a_large_file_takes_no_time_that_grows_with_its_square() {
    let mut slow = Vec::new();
    for (name, what, bytes) in large()
        .into_iter()
        .chain(large_certificates())
        .chain(large_inventories())
    {
        assert!(bytes.len() <= LARGE, "{name}: {what}");
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        let begin = worked();
        (target.run)(&bytes);
        let took = worked().checked_sub(begin).expect("work only grows");
        if took > LONGEST {
            slow.push(format!("{name}: {what}: {took:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
