//! `certs kubeconfig refresh`: the CA certificates of kubeconfigs that were handed out.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

mod common;
use common::public::{Public, nobody};
use common::{
    Finished, TempDir, certs, kubeconfig_data, mode, read, run, set_mode, signed_by_itself, struck,
    text, tool, tree_of_all, write,
};

const NOBODY: u32 = 65534;

fn refresh(place: &Path, arguments: &[&str]) -> Finished {
    run(&mut command(place, arguments))
}

fn command(place: &Path, arguments: &[&str]) -> Command {
    let mut command = certs(&["kubeconfig", "refresh", "--kubernetes-dir", text(place)]);
    command.args(arguments);
    command
}

/// A new CA beside that of the tree: its certificate.
fn more_trust(place: &Path) -> String {
    let aside = TempDir::new();
    let (key, certificate) = (aside.join("n.key"), aside.join("n.crt"));
    let named = ["-days", "900", "-subj", "/CN=next"];
    signed_by_itself([&key, &certificate], &named);
    let bundle = read(&place.join("pki/ca.crt")) + &read(&certificate);
    write(&place.join("pki/ca.crt"), &bundle);
    set_mode(&place.join("pki/ca.crt"), 0o644);
    bundle
}

/// A tree, and a kubeconfig of alice's with a comment that only a text keeps.
fn handed_out() -> (TempDir, PathBuf) {
    let place = tree_of_all();
    let config = place.join("handed");
    fs::create_dir(&config).expect("make a folder");
    let config = config.join("config");
    let admin = read(&place.join("admin.conf"));
    write(&config, format!("# alice's\n{admin}extra: \"kept\"\n"));
    set_mode(&config, 0o640);
    (place, config)
}

fn trust(kubeconfig: &Path) -> String {
    let bytes = kubeconfig_data(kubeconfig, "certificate-authority-data");
    String::from_utf8(bytes).expect("PEM")
}

fn codes(finished: &Finished) -> Vec<String> {
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let code = |found: &Value| found["code"].as_str().expect("a code").to_owned();
    findings.iter().map(code).collect()
}

#[test]
fn the_ca_data_alone_is_exchanged_and_the_former_file_kept() {
    let (place, config) = handed_out();
    let before = read(&config);
    let unchanged = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(unchanged.stdout.starts_with("Up to date:"), "{unchanged}");
    let bundle = more_trust(place.path());
    let dry = refresh(place.path(), &[text(&config), "--dry-run"]).expect(0);
    assert!(dry.stdout.contains("Would refresh:"), "{dry}");
    assert_eq!(read(&config), before);
    let done = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(done.stdout.starts_with("Refreshed:"), "{done}");
    assert_eq!(trust(&config), bundle);
    let without = |text: &str| -> Vec<String> {
        let other = |line: &&str| !line.contains("certificate-authority-data");
        text.lines().filter(other).map(str::to_owned).collect()
    };
    assert_eq!(without(&read(&config)), without(&before));
    assert_eq!(mode(&config), 0o640);
    let former = place.join("handed/.config.certs-backup");
    assert_eq!((read(&former), mode(&former)), (before.clone(), 0o600));
    // Nothing else is left, then or later.
    let again = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(again.stdout.starts_with("Up to date:"), "{again}");
    more_trust(place.path());
    refresh(place.path(), &[text(&config)]).expect(0);
    assert_eq!(read(&former), before);
    assert_eq!(trust(&place.join("handed/.config.certs-backup.1")), bundle);
    assert_eq!(common::listing(&place.join("handed")).len(), 3);
}

#[test]
fn ca_data_that_cannot_be_decoded_is_replaced_as_what_is_no_certificate() {
    for broken in ["LS0", "AAAA", ">-\n      LS0tLS1\n      CRUdJTg=="] {
        let (place, config) = handed_out();
        let bundle = trust(&config);
        let text_of = read(&config);
        let lines =
            text_of.lines().map(
                |line| match line.split_once("certificate-authority-data: ") {
                    Some((before, _)) => format!("{before}certificate-authority-data: {broken}\n"),
                    None => format!("{line}\n"),
                },
            );
        let damaged: String = lines.collect();
        assert_ne!(damaged, text_of);
        write(&config, &damaged);
        let done = refresh(place.path(), &[text(&config)]).expect(0);
        assert!(done.stdout.contains("Refreshed:"), "{broken}: {done}");
        assert_eq!(trust(&config), bundle, "{broken}");
    }
    // Of one that has none nothing is out of date.
    let (place, config) = handed_out();
    let text_of = read(&config);
    let none = |line: &&str| !line.contains("certificate-authority-data");
    let lines: Vec<&str> = text_of.lines().filter(none).collect();
    write(&config, lines.join("\n"));
    let done = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(done.stdout.contains("Left as it is"), "{done}");
}

#[test]
fn a_copy_is_for_its_owner_alone_and_an_open_file_is_told() {
    let (place, config) = handed_out();
    for (number, mode_there) in [0o666, 0o644, 0o600, 0o400].into_iter().enumerate() {
        set_mode(&config, mode_there);
        more_trust(place.path());
        let done = refresh(place.path(), &[text(&config)]).expect(0);
        let told = done.stdout.contains("is open to others");
        assert_eq!(told, mode_there & 0o037 != 0, "{done}");
        assert_eq!(mode(&config), mode_there);
        let ending = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let copy = place.join(&format!("handed/.config.certs-backup{ending}"));
        assert_eq!(mode(&copy), mode_there & 0o600);
    }
}

/// With CA certificates an entry that is to verify nobody would fail, and one of http is not served.
#[test]
fn an_entry_that_verifies_no_server_is_left_and_told() {
    let field = "    certificate-authority-data: ";
    let insecure = "    insecure-skip-tls-verify: true\n";
    let (skips, plain) = ("insecure-skip-tls-verify", "its server is no https URL");
    let (place, config) = handed_out();
    let handed = read(&config);
    let bundle = more_trust(place.path());
    let line = handed.lines().find(|line| line.starts_with(field));
    let data = format!("{}\n", line.expect("CA data"));
    let other = format!("- cluster:\n{data}    server: https://10.0.0.10:6443\n  name: other\n");
    for (text_of, why) in [
        (handed.replace(&data, &format!("{data}{insecure}")), skips),
        (handed.replace(&data, insecure), skips),
        (handed.replace("https:", "http:"), plain),
        (handed.replace("https:", "http:").replace(&data, ""), plain),
    ] {
        assert_ne!(text_of, handed);
        write(&config, &text_of);
        let said = refresh(place.path(), &[text(&config)]).expect(0);
        let told =
            format!("verifies no server for kubernetes ({why}), and that entry was left as it is");
        assert!(said.stdout.contains(&told), "{said}");
        assert!(said.stdout.contains("Left as it is:"), "{said}");
        assert_eq!(read(&config), text_of);
        // Another entry beside it is brought up to date.
        let both = text_of.replacen("clusters:\n", &format!("clusters:\n{other}"), 1);
        write(&config, &both);
        let said = refresh(place.path(), &[text(&config)]).expect(0);
        assert!(
            said.stdout.contains(&told) && said.stdout.contains("Refreshed:"),
            "{said}"
        );
        let left = text_of.matches(&data).count();
        assert_eq!(read(&config).matches(&data).count(), left, "{said}");
        assert_ne!(read(&config), both);
    }
    // What is verified, by whichever word, is not told of.
    for verified in [
        handed.clone(),
        handed.replace(
            &data,
            &format!("{data}    insecure-skip-tls-verify: false\n"),
        ),
        handed.replace("https://", ""),
    ] {
        write(&config, &verified);
        let said = refresh(place.path(), &[text(&config)]).expect(0);
        assert!(!said.stdout.contains("verifies no server"), "{said}");
        assert_eq!(trust(&config), bundle);
    }
    // One of another cluster stays another's.
    let elsewhere = handed
        .replace("https://10.0.0.10", "http://10.0.0.11")
        .replace(&data, "");
    write(&config, elsewhere);
    refresh(place.path(), &[text(&config)]).expect(4);
}

#[test]
fn a_file_that_has_another_in_its_place_at_each_look_ends_the_run() {
    let (place, config) = handed_out();
    more_trust(place.path());
    let former = read(&config);
    let mut inner = certs(&["kubeconfig", "refresh", "--kubernetes-dir", "..", "config"]);
    inner.current_dir(place.join("handed"));
    // Once it is read, no name is that of the file that the program has open.
    let mut never = struck(
        &inner,
        "newfstatat:error=ENOENT:when=4+",
        Some(Path::new("config")),
    );
    let ended = run(never.current_dir(place.join("handed"))).expect(1);
    let words = "replace config: another program replaces it again and again: run the same command again when it has ended";
    assert!(ended.stderr.contains(words), "{ended}");
    assert_eq!(read(&config), former);
    assert_eq!(common::listing(&place.join("handed")).len(), 1);
    run(&mut inner).expect(0);
}

#[test]
fn what_is_kept_beside_a_kubeconfig_of_the_tree_is_judged_by_its_mode_alone() {
    let place = tree_of_all();
    let check = || {
        let mut command = certs(&["check", "--output", "json", "--kubernetes-dir"]);
        command.args([text(place.path()), "--kubelet-dir", "none"]);
        let finished = run(&mut command);
        let told: Value = serde_json::from_str(&finished.stdout).expect("a report");
        let told = told["findings"].as_array().expect("findings").clone();
        let of_copy = told.into_iter().filter(|told| {
            let file = told["file"].as_str().unwrap_or_default();
            file.contains(".carol.conf.")
        });
        let codes = of_copy.map(|told| told["code"].as_str().expect("a code").to_owned());
        codes.collect::<Vec<_>>()
    };
    let carol = place.join("carol.conf");
    fs::copy(place.join("admin.conf"), &carol).expect("copy");
    set_mode(&carol, 0o600);
    for _ in 0..2 {
        more_trust(place.path());
        refresh(place.path(), &[text(&carol)]).expect(0);
    }
    let kept = [".carol.conf.certs-backup", ".carol.conf.certs-backup.1"];
    let kept = kept.map(|name| place.join(name));
    assert!(kept.iter().all(|kept| kept.exists()));
    assert!(check().is_empty(), "{:?}", check());
    set_mode(&kept[0], 0o644);
    assert_eq!(check(), ["key-mode"]);
    // What only looks like one is judged as any other.
    fs::rename(&kept[1], place.join(".carol.conf.certs-backup.x")).expect("rename");
    assert!(
        check().contains(&"kubeconfig-trust-missing".to_owned()),
        "{:?}",
        check()
    );
}

#[test]
fn one_file_by_two_names_is_refreshed_once() {
    let (place, config) = handed_out();
    more_trust(place.path());
    let again = place.join("handed/../handed/config");
    let done = refresh(place.path(), &[text(&config), text(&config), text(&again)]).expect(0);
    assert_eq!(done.stdout.matches("was ").count(), 1, "{done}");
    assert_eq!(common::listing(&place.join("handed")).len(), 2);
}

#[test]
fn two_names_of_one_file_are_two_files_afterwards_and_both_refreshed() {
    let (place, config) = handed_out();
    set_mode(&config, 0o644);
    let other = place.join("handed/other");
    fs::hard_link(&config, &other).expect("link");
    let (former, bundle) = (read(&config), more_trust(place.path()));
    // One of them alone: the other stays as it is, which is told, and nobody reads less of it than before.
    let done = refresh(place.path(), &["--dry-run", text(&config)]).expect(0);
    assert!(done.stdout.contains("has other names"), "{done}");
    let done = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(done.stdout.contains("had other names"), "{done}");
    assert_eq!(trust(&config), bundle);
    assert_eq!((read(&other), mode(&other)), (former.clone(), 0o644));
    let copy = place.join("handed/.config.certs-backup");
    assert_eq!((read(&copy), mode(&copy)), (former.clone(), 0o600));
    // Both.
    fs::remove_file(&config).expect("remove");
    fs::hard_link(&other, &config).expect("link");
    let done = refresh(place.path(), &[text(&config), text(&other)]).expect(0);
    assert_eq!(done.stdout.matches("was ").count(), 2, "{done}");
    for name in [&config, &other] {
        assert_eq!((trust(name), mode(name)), (bundle.clone(), 0o644));
        assert_eq!(name.metadata().expect("there").nlink(), 1);
    }
    let copies = [
        "handed/.config.certs-backup.1",
        "handed/.other.certs-backup",
    ];
    for copy in copies.map(|name| place.join(name)) {
        assert_eq!((read(&copy), mode(&copy)), (former.clone(), 0o600));
    }
    assert_eq!(common::listing(&place.join("handed")).len(), 5);
}

#[test]
fn many_runs_over_one_file_at_once_all_end_well_and_keep_one_copy() {
    let (place, config) = handed_out();
    set_mode(&config, 0o644);
    let (former, bundle) = (read(&config), more_trust(place.path()));
    let runs: Vec<_> = (0..20)
        .map(|_| {
            let mut command = command(place.path(), &[text(&config)]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("starts")
        })
        .collect();
    let mut refreshed = 0;
    for run in runs {
        let done = run.wait_with_output().expect("ends");
        let [out, err] =
            [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(done.status.code(), Some(0), "{out}{err}");
        assert!(
            out.contains("Refreshed:") || out.contains("Up to date:"),
            "{out}"
        );
        refreshed += usize::from(out.contains("Refreshed:"));
    }
    assert_eq!(refreshed, 1);
    assert_eq!(trust(&config), bundle);
    let copy = place.join("handed/.config.certs-backup");
    assert_eq!((read(&copy), mode(&copy)), (former, 0o600));
    assert_eq!(common::listing(&place.join("handed")).len(), 2);
}

#[test]
fn what_others_put_in_its_place_meanwhile_is_looked_at_again() {
    for (change, code, words) in [
        ("sed s/alice/Alice/ config > new", 0, "Refreshed:"),
        (
            "echo rubbish > new",
            1,
            "config was changed meanwhile, and cannot be refreshed: ",
        ),
        (
            "cp config new; sleep 15",
            1,
            "another program holds its lock",
        ),
    ] {
        let (place, config) = handed_out();
        let bundle = more_trust(place.path());
        // With the lock in hand, so that the run has read what was there and waits.
        let script = format!("echo held; read -r line; sleep 4; {change}; mv new config");
        let mut other = Command::new(tool("flock"))
            .args(["config", "sh", "-c", &script])
            .current_dir(place.join("handed"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("flock starts");
        let mut held = [0; 4];
        let stdout = other.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(stdout, &mut held).expect("the lock");
        drop(other.stdin.take());
        let done = refresh(place.path(), &[text(&config)]).expect(code);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(words), "{done}");
        other.wait().expect("flock ends");
        let copy = place.join("handed/.config.certs-backup");
        assert_eq!(copy.exists(), code == 0, "{done}");
        if code == 0 {
            assert_eq!(trust(&config), bundle);
            assert!(read(&config).starts_with("# Alice's"), "{done}");
            assert!(read(&copy).starts_with("# Alice's"), "{done}");
        }
    }
}

#[test]
fn what_others_change_again_and_again_is_left_to_them() {
    let (place, config) = handed_out();
    let bundle = more_trust(place.path());
    let folder = place.join("handed");
    write(&folder.join("go"), "");
    let mut other = Command::new("sh")
        .args([
            "-c",
            "while [ -e go ]; do echo '#' >> config; sleep 0.02; done",
        ])
        .current_dir(&folder)
        .spawn()
        .expect("starts");
    // So long that each time the file is another when its lock is to be had.
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-o", text(&place.join("trace")), "-P", text(&config)]);
    strace.args(["-e", "trace=flock", "-e", "inject=flock:delay_enter=300000"]);
    let inner = command(place.path(), &[text(&config)]);
    let done = run(strace.arg(inner.get_program()).args(inner.get_args()));
    fs::remove_file(folder.join("go")).expect("remove a file");
    other.wait().expect("ends");
    let words = format!(
        "error: {} was changed again and again: run the same command again\n",
        config.display()
    );
    assert_eq!(done.expect(1).stderr, words);
    assert_ne!(trust(&config), bundle);
    assert_eq!(common::listing(&folder).len(), 1);
    refresh(place.path(), &[text(&config)]).expect(0);
    assert_eq!(trust(&config), bundle);
}

#[test]
fn an_entry_without_ca_certificates_is_told_and_left_as_it_is() {
    let (place, config) = handed_out();
    let text_there = read(&config);
    let start = text_there
        .find("certificate-authority-data:")
        .expect("the field");
    let end = start + text_there[start..].find('\n').expect("a line");
    write(
        &config,
        [
            &text_there[..start],
            "tls-server-name: kubernetes",
            &text_there[end..],
        ]
        .concat(),
    );
    let before = read(&config);
    let done = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(
        done.stdout
            .contains("has no CA certificates for kubernetes"),
        "{done}"
    );
    assert!(done.stdout.contains("Left as it is:"), "{done}");
    assert!(!done.stdout.contains("Up to date:"), "{done}");
    assert_eq!(read(&config), before);
}

#[test]
fn another_cluster_s_is_refused_and_no_other_is_written() {
    let (place, config) = handed_out();
    let before = read(&config);
    let other = TempDir::new();
    let mut all = common::all(other.path(), &["--apiserver-bind-port", "7443"]);
    run(&mut all).expect(0);
    more_trust(place.path());
    let foreign = other.join("admin.conf");
    let report = refresh(
        place.path(),
        &[text(&config), text(&foreign), "--output", "json"],
    );
    assert_eq!(codes(&report.expect(4)), ["kubeconfig-foreign"]);
    assert_eq!(read(&config), before);
    // One that points here and trusts a CA of before is this cluster's.
    let moved = read(&foreign).replace("https://10.0.0.10:7443", "https://api.example.com:6443");
    write(&foreign, moved);
    let endpoint = ["--control-plane-endpoint", "api.example.com:6443"];
    let facts = ["--apiserver-advertise-address", "10.0.0.10"];
    refresh(place.path(), &[text(&foreign)]).expect(4);
    let refused = refresh(place.path(), &[&[text(&foreign)][..], &facts].concat());
    refused.expect(2);
    refresh(place.path(), &[&[text(&foreign)][..], &endpoint].concat()).expect(0);
    assert_eq!(trust(&foreign), read(&place.join("pki/ca.crt")));
}

#[test]
fn of_several_clusters_only_this_one_is_touched() {
    let (place, config) = handed_out();
    let foreign = TempDir::new();
    run(&mut common::all(foreign.path(), &[])).expect(0);
    let data = |config: &Path| {
        let text = read(config);
        let line = text.lines().find(|line| line.contains("authority-data"));
        line.expect("a line").trim().to_owned()
    };
    let theirs = data(&foreign.join("admin.conf"));
    let entry = format!(
        "clusters:\n- cluster:\n    {theirs}\n    server: https://10.9.9.9:6443\n  name: other\n"
    );
    write(&config, read(&config).replace("clusters:\n", &entry));
    let bundle = more_trust(place.path());
    refresh(place.path(), &[text(&config)]).expect(0);
    let now = read(&config);
    assert!(now.contains(&theirs) && now.contains("# alice's"), "{now}");
    assert_eq!(now.matches("authority-data").count(), 2);
    let ours = <base64ct::Base64 as base64ct::Encoding>::encode_string(bundle.as_bytes());
    assert!(now.contains(&ours));
}

#[test]
fn what_cannot_be_kept_as_text_is_written_anew_and_said() {
    let (place, config) = handed_out();
    // A block of several lines, which Go's decoder reads too.
    let text_of = read(&config);
    let line = text_of
        .lines()
        .find(|line| line.contains("authority-data"))
        .expect("the data");
    let (field, data) = line.split_once(": ").expect("a field");
    let (head, tail) = data.split_at(100);
    let block = format!("{field}: |-\n      {head}\n      {tail}");
    write(&config, text_of.replace(line, &block));
    more_trust(place.path());
    let done = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(done.stdout.contains("comments are lost"), "{done}");
    assert_eq!(trust(&config), read(&place.join("pki/ca.crt")));
}

#[test]
fn one_that_names_its_ca_file_is_left_as_it_is() {
    let (place, config) = handed_out();
    let named = read(&config);
    let line = named.lines().find(|line| line.contains("authority-data"));
    let named = named.replace(line.expect("a line"), "    certificate-authority: ca.crt");
    write(&config, &named);
    let file = place.join("handed/ca.crt");
    let told = |wrong: &str| {
        let left = refresh(place.path(), &[text(&config)]).expect(3);
        let words = format!("names the file {} for the CA certificates", text(&file));
        assert!(left.stderr.contains(&words), "{left}");
        assert!(left.stderr.contains(wrong), "{left}");
        assert!(left.stdout.starts_with("Left as it is:"), "{left}");
        assert_eq!(read(&config), named);
    };
    told("which is not there");
    write(&file, "garbage");
    told("which cannot be read");
    // What is no file is others' business.
    fs::remove_file(&file).expect("remove");
    fs::create_dir(&file).expect("make a folder");
    told(
        "which is a directory, not a file: put the cluster's CA certificates into the kubeconfig as certificate-authority-data, or name",
    );
    fs::remove_dir(&file).expect("remove");
    fs::copy(place.join("pki/ca.crt"), &file).expect("copy");
    let current = refresh(place.path(), &[text(&config)]).expect(0);
    assert!(current.stdout.starts_with("Up to date:"), "{current}");
    let bundle = more_trust(place.path());
    told("which holds others");
    let told = refresh(place.path(), &[text(&config), "--output", "json"]).expect(3);
    assert_eq!(codes(&told), ["kubeconfig-trust-file"]);
    let report: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(
        (&report["result"], &report["files"][0]["step"]),
        (&"unchanged".into(), &"leave".into())
    );
    refresh(place.path(), &[text(&config), "--fail-on", "error"]).expect(0);
    write(&file, bundle);
    refresh(place.path(), &[text(&config)]).expect(0);
    assert_eq!(read(&config), named);
}

#[test]
fn an_intermediate_leaves_the_trust_only_where_the_server_sends_it() {
    let (place, config) = handed_out();
    let recipe = "set -e; cd \"$1\"; \
        ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }; \
        ec root; ec middle; ca=basicConstraints=critical,CA:TRUE; \
        openssl req -x509 -new -key root.key -subj /CN=root -days 900 -out root.crt; \
        openssl req -new -key middle.key -subj /CN=kubernetes -out middle.csr; \
        openssl x509 -req -in middle.csr -CA root.crt -CAkey root.key -CAcreateserial -days 900 \
        -extfile <(echo $ca) -out middle.crt";
    let aside = TempDir::new();
    let mut bash = Command::new(tool("bash"));
    run(bash.args(["-c", recipe, "bash", text(aside.path())])).expect(0);
    let (root, middle) = (
        read(&aside.join("root.crt")),
        read(&aside.join("middle.crt")),
    );
    let bundle = format!("{middle}{root}");
    let ca = read(&place.join("pki/ca.crt"));
    fs::remove_file(place.join("pki/ca.key")).expect("remove a file");
    write(&place.join("pki/ca.crt"), format!("{ca}{bundle}"));
    refresh(place.path(), &[text(&config)]).expect(0);
    assert_eq!(trust(&config), format!("{ca}{bundle}"));
    let leaf = place.join("pki/apiserver.crt");
    write(&leaf, format!("{}{middle}", read(&leaf)));
    refresh(place.path(), &[text(&config)]).expect(0);
    assert_eq!(trust(&config), format!("{ca}{root}"));
}

#[test]
fn what_is_no_kubeconfig_no_file_or_a_link_is_told() {
    let (place, config) = handed_out();
    more_trust(place.path());
    let link = place.join("handed/link");
    symlink(&config, &link).expect("make a link");
    for (file, code, words) in [
        (place.join("pki/ca.crt"), 4, "is no kubeconfig"),
        (place.join("none"), 2, "there is no file"),
        (place.join("none/none"), 2, "there is no file"),
        (place.join("handed"), 1, "is a directory"),
        (link, 1, "is a symbolic link"),
        (PathBuf::from("/"), 1, "is a directory"),
    ] {
        let told = refresh(place.path(), &[text(&file)]).expect(code);
        assert!(told.stderr.contains(words), "{told}");
    }
    let told = refresh(&place.join("elsewhere"), &[text(&config)]).expect(2);
    assert!(told.stderr.contains("--kubernetes-dir"), "{told}");
    refresh(place.path(), &[]).expect(2);
    let both = ["--quiet", "--output", "json", text(&config)];
    refresh(place.path(), &both).expect(2);
}

#[test]
fn a_ca_that_is_not_as_it_should_be_is_handed_out_to_nobody() {
    let (place, config) = handed_out();
    let before = read(&config);
    more_trust(place.path());
    set_mode(&place.join("pki/ca.crt"), 0o666);
    let report = refresh(place.path(), &[text(&config), "--output", "json"]).expect(4);
    assert_eq!(codes(&report), ["writable-by-others"]);
    assert_eq!(read(&config), before);
}

#[test]
fn while_another_run_writes_nothing_is_handed_out() {
    let (place, config) = handed_out();
    more_trust(place.path());
    let inner = command(place.path(), &[text(&config)]);
    let mut flock = Command::new(tool("flock"));
    flock.arg(place.join("pki")).arg(inner.get_program());
    flock.args(inner.get_args());
    let told = run(&mut flock).expect(1);
    assert!(told.stderr.contains("another run is writing"), "{told}");
}

#[test]
fn owner_and_group_stay_whoever_runs_it() {
    let public = Public::new();
    let place = public.0.join("k");
    run(&mut common::all(&place, &[])).expect(0);
    let handed = place.join("handed");
    let config = handed.join("config");
    fs::create_dir(&handed).expect("make a folder");
    fs::copy(place.join("admin.conf"), &config).expect("copy a file");
    set_mode(&config, 0o640);
    more_trust(&place);
    chown(&config, Some(NOBODY), Some(NOBODY)).expect("change the owner");
    refresh(&place, &[text(&config)]).expect(0);
    let found = fs::metadata(&config).expect("a file");
    let owner = (found.uid(), found.gid(), found.mode() & 0o7777);
    assert_eq!(owner, (NOBODY, NOBODY, 0o640));
    // In a folder of its own nobody may replace what is nobody's, and nothing of root's.
    more_trust(&place);
    chown(&handed, Some(NOBODY), Some(NOBODY)).expect("change the owner");
    let mut inner = Command::new(public.0.join("certs"));
    inner.args(command(&place, &[text(&config)]).get_args());
    run(&mut nobody(&inner)).expect(0);
    assert_eq!(trust(&config), read(&place.join("pki/ca.crt")));
    more_trust(&place);
    chown(&config, Some(0), Some(0)).expect("change the owner");
    set_mode(&config, 0o644);
    let before = read(&config);
    let told = run(&mut nobody(&inner)).expect(1);
    assert!(told.stderr.contains("only root can give files"), "{told}");
    assert_eq!(read(&config), before);
    // Nor does root follow a folder that is a link of nobody's.
    let link = place.join("link");
    symlink(&handed, &link).expect("make a link");
    lchown(&link, Some(NOBODY), Some(NOBODY)).expect("change the owner");
    let told = refresh(&place, &[text(&link.join("config"))]).expect(1);
    assert!(told.stderr.contains("is a symbolic link of user"), "{told}");
}

/// What a killed run leaves: a file that was to be the new one, and a second name of the former one, which
/// is what is kept of it then.
#[test]
fn what_a_killed_run_left_goes_and_nothing_else_does() {
    let (place, config) = handed_out();
    let folder = place.join("handed");
    let (dead, lives) = ("0123456789abcdef", "fedcba9876543210");
    let left = folder.join(format!(".config.{dead}"));
    write(&left, "half a key");
    set_mode(&left, 0o600);
    write(&folder.join(".config.certs-backup"), "an earlier copy");
    let second = folder.join(".config.certs-backup.1");
    fs::hard_link(&config, &second).expect("link");
    let before = read(&config);
    let held = folder.join(format!(".config.{lives}"));
    write(&held, "of a run that lives");
    let others = [
        format!(".config.{dead}0"),
        ".config.0123456789ABCDEF".to_owned(),
        ".configs.0123456789abcdef".to_owned(),
        "config.0123456789abcdef".to_owned(),
    ];
    for name in &others {
        write(&folder.join(name), "another's");
    }
    symlink("config", folder.join(".config.00000000000000aa")).expect("link");
    fs::create_dir(folder.join(".config.00000000000000bb")).expect("make a folder");
    let stranger = folder.join(".config.00000000000000cc");
    write(&stranger, "of somebody else");
    chown(&stranger, Some(4242), Some(4242)).expect("give away");
    more_trust(place.path());
    let mut flock = Command::new(tool("flock"));
    let inner = command(place.path(), &[text(&config)]);
    flock.arg(&held).arg(inner.get_program());
    flock.args(inner.get_args());
    run(&mut flock).expect(0);
    let mut expected: Vec<String> = others.to_vec();
    expected.extend(["aa", "bb", "cc"].map(|end| format!(".config.00000000000000{end}")));
    expected
        .extend([".config.certs-backup", ".config.certs-backup.1", "config"].map(str::to_owned));
    expected.push(format!(".config.{lives}"));
    expected.sort();
    let mut found: Vec<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(
        read(&folder.join(".config.certs-backup")),
        "an earlier copy"
    );
    assert_eq!((read(&second), mode(&second)), (before, 0o600));
    assert_eq!(trust(&config), read(&place.join("pki/ca.crt")));
}
