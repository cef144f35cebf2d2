//! How each verb ends: a line for every exit code that its help lists, and for no other; and the same
//! told in every form that its `--output` has.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::{BTreeMap, BTreeSet};

use certs::cli::Cli;
use clap::CommandFactory;
use serde_json::Value;

mod common;
use common::lines::{ends, made, shell};
use common::{each, fixture, read};

const BUSY: &str = "another program holds the lock on ";
const STRANGER: &str = "belongs to user 65534, who can put another in its place";

/// A verb, its exit code, the lines of a shell that end with it, and what is said. `$K` and `$N` name the
/// tree and the node of `common::lines`, `$F` states the node, `$E` the kind of its keys.
type Line = (&'static str, i32, &'static str, &'static str);

const LINES: &[Line] = &[
    ("all", 0, "certs all $K $F $E", "nothing was written"),
    (
        "all",
        1,
        "flock k/pki certs all $K $F $E --lock-timeout 0s",
        BUSY,
    ),
    ("all", 2, "certs all $K --node-name a_b", "--node-name"),
    (
        "all",
        3,
        "chown 65534 k/pki/ca.crt; certs all $K $F $E",
        STRANGER,
    ),
    (
        "all",
        4,
        "rm k/pki/apiserver.key; certs all $K $F $E",
        "refused",
    ),
    ("ca", 0, "certs ca $K $E", "nothing was written"),
    ("ca", 1, "flock k/pki certs ca $K --lock-timeout 0s", BUSY),
    ("ca", 2, "certs ca root $K", "knows no \"root\""),
    (
        "ca",
        3,
        "chown 65534 k/pki/ca.crt; certs ca $K $E",
        STRANGER,
    ),
    ("ca", 4, "echo > k/pki/ca.crt; certs ca $K $E", "refused"),
    (
        "check",
        0,
        "certs check $K --kubelet-dir l",
        "nothing is wrong",
    ),
    (
        "check",
        1,
        "certs check $K --kubelet-dir l --output-file none/o",
        "write none/o",
    ),
    (
        "check",
        2,
        "certs check --kubernetes-dir none --kubelet-dir l",
        "nothing to look at in none",
    ),
    (
        "check",
        3,
        "chown 65534 k/pki/ca.crt; certs check $K --kubelet-dir l",
        STRANGER,
    ),
    (
        "check",
        4,
        "rm k/pki/apiserver.key; certs check $K --kubelet-dir l",
        "apiserver.key",
    ),
    ("client", 0, "certs client $K $E", "nothing was written"),
    (
        "client",
        1,
        "flock k/pki certs client $K --lock-timeout 0s",
        BUSY,
    ),
    (
        "client",
        2,
        "certs client a b --common-name a $K",
        "--common-name goes with one NAME",
    ),
    (
        "client",
        3,
        "chown 65534 k/pki/ca.crt; certs client $K $E",
        STRANGER,
    ),
    (
        "client",
        4,
        "cp k/pki/{sa,front-proxy-client}.key; certs client $K $E",
        "refused",
    ),
    ("completion", 0, "certs completion bash", "_certs()"),
    (
        "completion",
        1,
        ">/dev/full certs completion bash",
        "write standard output",
    ),
    (
        "completion",
        2,
        "certs completion tcsh",
        "invalid value 'tcsh'",
    ),
    (
        "csr",
        0,
        "certs csr admin $K $F --csr-dir req",
        "Have the requests in req signed",
    ),
    (
        "csr",
        1,
        "flock k/pki certs csr $K $F --csr-dir req --lock-timeout 0s",
        BUSY,
    ),
    (
        "csr",
        2,
        "certs csr alice $K",
        "there is no certificate \"alice\"",
    ),
    (
        "csr",
        3,
        "chown 65534 k/pki/ca.crt; certs csr $K $F --csr-dir req",
        STRANGER,
    ),
    (
        "csr",
        4,
        "cp k/pki/{sa,apiserver}.key; certs csr apiserver $K $F --csr-dir req",
        "refused",
    ),
    ("export bundle", 0, "certs export bundle $K", "pki/ca.crt"),
    (
        "export bundle",
        1,
        "cat k/pki/ca.key >> k/pki/ca.crt; certs export bundle $K",
        "holds a private key",
    ),
    (
        "export bundle",
        2,
        "certs export bundle --kubernetes-dir none",
        "no certificate in none/pki is called NAME.crt",
    ),
    (
        "export bundle",
        3,
        "chown 65534 k/pki/ca.crt; certs export bundle $K",
        STRANGER,
    ),
    (
        "export bundle",
        4,
        "chmod 666 k/pki/ca.crt; certs export bundle $K",
        "refused",
    ),
    (
        "export pkcs12",
        0,
        "certs export pkcs12 admin $K --password-file password",
        "0",
    ),
    (
        "export pkcs12",
        1,
        "certs export pkcs12 admin $K --password-file password --output-file none/o",
        "none/o",
    ),
    (
        "export pkcs12",
        2,
        "certs export pkcs12 zoe $K --password-file password",
        "\"zoe\" is no profile",
    ),
    (
        "export pkcs12",
        3,
        "chown 65534 k/pki/ca.crt; certs export pkcs12 admin $K --password-file password",
        STRANGER,
    ),
    (
        "export pkcs12",
        4,
        "cp k/pki/{sa,apiserver}.key; certs export pkcs12 apiserver $K --password-file password",
        "refused",
    ),
    (
        "export secret",
        0,
        "certs export secret apiserver $K",
        "kind: Secret",
    ),
    (
        "export secret",
        1,
        "rm k/pki/ca.key; certs export secret --cluster-api prod $K",
        "ca: its key is not here, or cannot be read by this user",
    ),
    (
        "export secret",
        2,
        "certs export secret zoe $K",
        "\"zoe\" is no profile",
    ),
    (
        "export secret",
        3,
        "chown 65534 k/pki/ca.crt; certs export secret apiserver $K",
        STRANGER,
    ),
    (
        "export secret",
        4,
        "cp k/pki/{sa,apiserver}.key; certs export secret apiserver $K",
        "refused",
    ),
    ("flags", 0, "certs flags etcd $K $F", "--trusted-ca-file="),
    (
        "flags",
        1,
        "</ certs flags etcd $K $F --config -",
        "read standard input: Is a directory",
    ),
    (
        "flags",
        2,
        "certs flags kube-dns $K $F",
        "invalid value 'kube-dns'",
    ),
    ("import", 0, "certs import csr $N $F", "n/pki/apiserver.crt"),
    (
        "import",
        1,
        "flock n/pki certs import csr $N $F --lock-timeout 0s",
        BUSY,
    ),
    (
        "import",
        2,
        "certs import none $N $F",
        "there is no file or directory none",
    ),
    (
        "import",
        3,
        "chown 65534 csr/admin.crt; certs import csr $N $F",
        STRANGER,
    ),
    (
        "import",
        4,
        "chmod 666 csr/admin.crt; certs import csr $N $F",
        "refused",
    ),
    (
        "kubeconfig",
        0,
        "certs kubeconfig $K $F $E",
        "nothing was written",
    ),
    (
        "kubeconfig",
        1,
        "flock k certs kubeconfig $K $F --lock-timeout 0s",
        BUSY,
    ),
    (
        "kubeconfig",
        2,
        "certs kubeconfig a b $K --common-name a",
        "--common-name goes with one NAME",
    ),
    (
        "kubeconfig",
        3,
        "chown 65534 k/pki/ca.crt; certs kubeconfig $K $F $E",
        STRANGER,
    ),
    (
        "kubeconfig",
        4,
        "chmod 644 k/admin.conf; certs kubeconfig $K $F $E",
        "refused",
    ),
    (
        "kubeconfig bootstrap-kubelet",
        0,
        "certs kubeconfig bootstrap-kubelet $K --token-file token $A",
        "Made:",
    ),
    (
        "kubeconfig bootstrap-kubelet",
        1,
        "flock k certs kubeconfig bootstrap-kubelet $K --token-file token $A --lock-timeout 0s",
        BUSY,
    ),
    (
        "kubeconfig bootstrap-kubelet",
        2,
        "certs kubeconfig bootstrap-kubelet $K --token-file none $A",
        "there is no such file",
    ),
    (
        "kubeconfig bootstrap-kubelet",
        3,
        "chown 65534 k/pki/ca.crt; certs kubeconfig bootstrap-kubelet $K --token-file token $A",
        STRANGER,
    ),
    (
        "kubeconfig bootstrap-kubelet",
        4,
        "cp k/{admin,bootstrap-kubelet}.conf; certs kubeconfig bootstrap-kubelet $K --token-file token $A",
        "is there, for another token, server or CA: run the same command with --force to replace it",
    ),
    (
        "kubeconfig refresh",
        0,
        "certs kubeconfig refresh $K a.conf",
        "Up to date:",
    ),
    (
        "kubeconfig refresh",
        1,
        "flock k/pki certs kubeconfig refresh $K a.conf",
        "another run is writing in k/pki: run the same command again when it has ended",
    ),
    (
        "kubeconfig refresh",
        2,
        "certs kubeconfig refresh $K none.conf",
        "there is no file none.conf",
    ),
    (
        "kubeconfig refresh",
        3,
        "chown 65534 k/pki/ca.crt; certs kubeconfig refresh $K a.conf",
        STRANGER,
    ),
    (
        "kubeconfig refresh",
        4,
        "certs kubeconfig refresh $K token",
        "token cannot be refreshed: ",
    ),
    ("peer", 0, "certs peer $K $F $E", "nothing was written"),
    (
        "peer",
        1,
        "flock k/pki certs peer $K $F --lock-timeout 0s",
        BUSY,
    ),
    (
        "peer",
        2,
        "certs peer etcd-server $K $F",
        "is made by 'certs server', not by 'certs peer'",
    ),
    (
        "peer",
        3,
        "chown 65534 k/pki/etcd/ca.crt; certs peer $K $F $E",
        STRANGER,
    ),
    (
        "peer",
        4,
        "rm k/pki/etcd/peer.key; certs peer $K $F $E",
        "refused",
    ),
    ("renew", 0, "certs renew $K", "Nothing is due"),
    (
        "renew",
        1,
        "certs renew scheduler $K --exec 'exit 7' -q",
        "--exec",
    ),
    ("renew", 2, "certs renew zoe $K", "there is no \"zoe\""),
    (
        "renew",
        3,
        "rm k/pki/front-proxy-ca.key; certs renew front-proxy-client $K",
        "must be issued, and the key of its CA is not here",
    ),
    (
        "renew",
        4,
        "cp k/pki/{sa,apiserver}.key; certs renew apiserver $K",
        "refused",
    ),
    (
        "rollback",
        0,
        "certs renew scheduler $K -q; certs rollback $K",
        "Put back:",
    ),
    (
        "rollback",
        1,
        "certs renew scheduler $K -q; flock k certs rollback $K --lock-timeout 0s",
        BUSY,
    ),
    (
        "rollback",
        2,
        "certs rollback $K --lock-timeout=-1s",
        "--lock-timeout: is negative",
    ),
    (
        "rollback",
        3,
        "rm k/pki/front-proxy-client.crt; certs client $K $E --force -q; certs rollback $K",
        "warning: ",
    ),
    (
        "rollback",
        4,
        "certs rollback $K",
        "holds nothing that could be put back",
    ),
    ("rotate", 0, "certs rotate status $K", "ca: start"),
    (
        "rotate",
        1,
        "flock k/pki certs rotate ca trust $K --lock-timeout 0s",
        BUSY,
    ),
    ("rotate", 2, "certs rotate ca issue $K", "--restarted"),
    (
        "rotate",
        3,
        "chown 65534 k/pki/ca.crt; certs rotate ca trust $K",
        STRANGER,
    ),
    (
        "rotate",
        4,
        "certs rotate ca issue --restarted $K",
        "'certs rotate ca trust' comes next",
    ),
    ("sa", 0, "certs sa $K $E", "nothing was written"),
    ("sa", 1, "flock k/pki certs sa $K --lock-timeout 0s", BUSY),
    (
        "sa",
        2,
        "certs sa $K --key-algorithm DSA",
        "--key-algorithm",
    ),
    (
        "sa",
        3,
        "chown 65534 k/pki/sa.pub; certs sa $K $E",
        STRANGER,
    ),
    ("sa", 4, "rm k/pki/sa.key; certs sa $K $E", "refused"),
    ("server", 0, "certs server $K $F $E", "nothing was written"),
    (
        "server",
        1,
        "flock k/pki certs server $K $F --lock-timeout 0s",
        BUSY,
    ),
    (
        "server",
        2,
        "certs server etcd-peer $K $F",
        "is made by 'certs peer', not by 'certs server'",
    ),
    (
        "server",
        3,
        "certs server $K $F --key-algorithm RSA-2048",
        "warning: ",
    ),
    (
        "server",
        4,
        "certs server $K $F $E --apiserver-cert-extra-sans more.example",
        "refused",
    ),
    (
        "show",
        0,
        "certs show k/pki/apiserver.crt $K",
        "CN=kube-apiserver",
    ),
    (
        "show",
        1,
        "</ certs show - $K",
        "read standard input: Is a directory",
    ),
    (
        "show",
        2,
        "certs show token $K",
        "token holds no certificate, request or key, and is no kubeconfig: ",
    ),
    ("sign", 0, "certs sign asked $K $F", "asked/apiserver.crt"),
    (
        "sign",
        1,
        "flock asked certs sign asked $K $F --lock-timeout 0s",
        BUSY,
    ),
    (
        "sign",
        2,
        "certs sign k/pki $K $F",
        "holds no request: one is called NAME.csr",
    ),
    (
        "sign",
        3,
        "chown 65534 asked/admin.csr; certs sign asked $K $F",
        STRANGER,
    ),
    (
        "sign",
        4,
        "chmod 666 asked/admin.csr; certs sign asked $K $F",
        "refused",
    ),
];

/// What the program takes, and the values of its `--output`, by its words: every verb that does something.
fn verbs() -> BTreeMap<String, Vec<String>> {
    fn add(command: &clap::Command, words: &str, all: &mut BTreeMap<String, Vec<String>>) {
        for inner in command.get_subcommands() {
            add(inner, format!("{words} {}", inner.get_name()).trim(), all);
        }
        if command.is_subcommand_required_set() {
            return;
        }
        let output = command.get_arguments().find(|one| one.get_id() == "output");
        let values = output.map_or_else(Vec::new, clap::Arg::get_possible_values);
        let values = values.iter().map(|value| value.get_name().to_owned());
        all.insert(words.to_owned(), values.collect());
    }
    let mut all = BTreeMap::new();
    add(&Cli::command(), "", &mut all);
    all
}

#[test]
fn every_exit_code_that_a_help_lists_has_a_line_and_no_other_has() {
    for verb in verbs().into_keys() {
        let help = read(&fixture(&format!("help/{}.txt", verb.replace(' ', "-"))));
        let (_, codes) = help.split_once("\nExit codes:\n").expect("exit codes");
        let listed: BTreeSet<i32> = codes
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once("  ")?.0.parse().ok())
            .collect();
        // What nobody could give is no way to another exit code.
        assert_eq!(
            help.contains("--fail-on <"),
            codes.contains("--fail-on"),
            "{verb}"
        );
        let of_verb = LINES.iter().filter(|line| line.0 == verb);
        let shown: BTreeSet<i32> = of_verb.map(|line| line.1).collect();
        assert_eq!(shown, listed, "{verb}");
    }
    assert!(LINES.iter().all(|line| verbs().contains_key(line.0)));
}

#[test]
fn each_line_ends_so_and_says_why() {
    each(LINES.iter(), |(verb, code, lines, words)| {
        ends(lines, *code, words).map_err(|error| format!("{verb}: {error}"))
    });
}

/// What of a verb's output is lost is told; that nobody reads on is no error.
#[test]
fn a_report_that_cannot_be_written_is_an_error_of_every_verb() {
    let help = [
        ("--help", 0, "certs --help", ""),
        ("--version", 0, "certs --version", ""),
        ("help", 0, "certs help renew", ""),
    ];
    let lines = LINES.iter().filter(|line| line.1 == 0).chain(&help);
    each(lines, |(verb, _, lines, _)| {
        let wrong = |error| format!("{verb}: {error}");
        let silent = shell(made().path(), lines).expect(0).stdout.is_empty();
        let (code, words) = if silent {
            (0, "")
        } else {
            (1, "error: write standard output: ")
        };
        for lost in [">/dev/full", "1</dev/null"] {
            ends(&format!("{{ {lines}; }} {lost}"), code, words).map_err(wrong)?;
        }
        ends(&format!("set -o pipefail; {{ {lines}; }} | true"), 0, "").map_err(wrong)?;
        ends(&format!("{{ {lines}; }} >/dev/null"), 0, "").map_err(wrong)
    });
}

/// The shell's limit of a file's size sends a signal that would end the run where it is.
#[test]
fn a_file_beyond_the_limit_of_sizes_is_an_error_and_what_was_begun_of_it_goes() {
    let words = "file too large";
    for line in [
        "certs check $K --kubelet-dir l --output-file r",
        "certs renew --all $K --kubelet-dir none",
        "certs csr admin $K $F --csr-dir new",
        "certs export bundle $K --output-file r",
        "certs kubeconfig refresh a.conf $K",
    ] {
        let place = made();
        shell(place.path(), "certs renew ca $K --kubelet-dir none").expect(0);
        // A folder's time tells that something was in it.
        let files = || {
            shell(place.path(), "find . -type f -exec sha256sum {} + | sort")
                .expect(0)
                .stdout
        };
        let before = files();
        let ended = shell(place.path(), &format!("ulimit -f 0; {line}")).expect(1);
        assert!(ended.stderr.contains(words), "{line}: {ended}");
        assert_eq!(files(), before, "{line}");
        shell(place.path(), &format!("ulimit -f 1000; {line}")).expect(0);
    }
}

/// What the program was started with, what it starts has.
#[test]
fn the_limit_of_sizes_ends_what_exec_starts() {
    let place = made();
    let line = "certs renew admin $K --kubelet-dir none --exec 'ulimit -f 0; echo x > x'";
    let ended = shell(place.path(), line).expect(1);
    assert!(
        ended.stderr.contains("--exec was ended by the signal 25"),
        "{ended}"
    );
    let line = "certs renew admin $K --kubelet-dir none --exec 'echo x > x'";
    shell(place.path(), line).expect(0);
}

/// The fields of a report, whatever their values.
fn shape(value: &Value, path: &str, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let path = format!("{path}.{name}");
                shape(inner, &path, fields);
                fields.insert(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| shape(inner, path, fields)),
        _ => {}
    }
}

/// What a report for programs must be, whose line ends with `code`.
fn held(report: &Value, code: i32) -> Result<(), String> {
    let told = report.get("exitCode").and_then(Value::as_i64);
    // What is in a file is no run, and has no end.
    let none = report.get("parts").is_some();
    if report.is_object() && (none || told == Some(code.into())) {
        return Ok(());
    }
    Err(format!("exitCode is {told:?}"))
}

#[test]
fn every_form_of_a_report_tells_each_end_alike() {
    let verbs = verbs();
    let forms = |verb: &str| &verbs[verb];
    let told = LINES
        .iter()
        .filter(|line| line.0 != "flags" && !forms(line.0).is_empty());
    each(told, |(verb, code, lines, words)| {
        let mut shapes = BTreeMap::new();
        for form in forms(verb).iter().filter(|form| *form != "text") {
            let finished = shell(made().path(), &format!("{} --output {form}", loud(lines)));
            let wrong = |why: String| Err(format!("{verb}: {form}: {why}: {finished}"));
            if finished.status.code() != Some(*code) {
                return wrong(format!("expected {code}"));
            }
            // What stops a run is told in words, on standard error.
            if finished.stderr.starts_with("error: ") && finished.stdout.is_empty() {
                if !finished.stderr.contains(words) {
                    return wrong(format!("expected {words:?}"));
                }
                continue;
            }
            let parsed = match form.as_str() {
                "json" => serde_json::from_str(&finished.stdout).map_err(|error| error.to_string()),
                "yaml" => serde_yaml::from_str(&finished.stdout).map_err(|error| error.to_string()),
                "prometheus" if finished.stdout.contains("\nx509_cert_not_after{") => continue,
                _ => Err("no such form".to_owned()),
            };
            let held = parsed.and_then(|report: Value| held(&report, *code).map(|()| report));
            let mut fields = BTreeSet::new();
            match held {
                Ok(report) => shape(&report, "", &mut fields),
                Err(why) => return wrong(why),
            }
            shapes.insert(form, fields);
        }
        let mut shapes = shapes.into_values();
        let first = shapes.next();
        if shapes.all(|shape| Some(&shape) == first.as_ref()) {
            Ok(())
        } else {
            Err(format!("{verb} {code}: the forms differ in their fields"))
        }
    });
}

/// Without the `-q` that goes with text alone.
fn loud(lines: &str) -> &str {
    lines.strip_suffix(" -q").unwrap_or(lines)
}

/// A form of `certs flags`, and a line of it.
const FLAGS: [(&str, &str, &str); 4] = [
    ("args", "etcd", "--cert-file="),
    ("config", "kubelet", "kind: KubeletConfiguration\n"),
    ("env", "etcd", "ETCD_CERT_FILE="),
    ("yaml", "etcd", "- --cert-file="),
];

#[test]
fn flags_are_printed_in_every_form_for_programs_to_read() {
    let forms: Vec<&str> = FLAGS.iter().map(|(form, ..)| *form).collect();
    assert_eq!(verbs()["flags"], forms);
    let place = made();
    for (form, component, words) in FLAGS {
        let line = format!("certs flags {component} $K $F --output {form}");
        let finished = shell(place.path(), &line).expect(0);
        let said = finished.stdout;
        let starts = |line: &str| line.starts_with(words.trim_end());
        assert!(said.lines().any(starts), "{form}: {said}");
        match form {
            "args" => assert!(said.lines().all(|line| line.starts_with("--")), "{said}"),
            "env" => assert!(said.lines().all(|line| line.starts_with("ETCD_")), "{said}"),
            _ => {
                let read: Value = serde_yaml::from_str(&said).expect("YAML");
                assert!(!read.is_null(), "{said}");
            }
        }
    }
}
