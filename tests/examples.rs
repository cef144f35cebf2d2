//! Every example does what it says: each is run in an empty folder, with the program under test as
//! `certs` on PATH, and OpenSSL looks at what it made.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;
use common::{
    Finished, TempDir, at, binary, kubeconfig_data, listing, read, root, run, text, tool, write,
};

/// 2026-03-01, whatever the date is: examples with dates in them run at this time.
const NOW: i64 = 1_772_323_200;
const DAY: i64 = 86_400;

#[test]
fn a_control_plane_from_a_kubeadm_file_serves_the_names_of_the_file() {
    let work = Work::new();
    let finished = work
        .example("control-plane-from-kubeadm-file/run.sh")
        .expect(0);
    assert!(finished.stdout.contains("This was a dry run"), "{finished}");
    let dry = finished
        .stdout
        .find("This was a dry run")
        .expect("the dry run comes first");
    let made = finished.stdout.find("Made:").expect("the run comes next");
    assert!(dry < made, "{finished}");
    let apiserver = work.pki("apiserver.crt");
    for name in [
        ["-verify_hostname", "api.example.com"],
        ["-verify_hostname", "api-internal.example.com"],
        ["-verify_hostname", "kubernetes.default.svc.cluster.example"],
        ["-verify_ip", "192.0.2.10"],
        ["-verify_ip", "10.96.0.1"],
        ["-verify_ip", "10.0.0.10"],
    ] {
        verify(&work.pki("ca.crt"), &apiserver, "sslserver", &name).expect(0);
    }
    let stranger = ["-verify_hostname", "api.example.org"];
    verify(&work.pki("ca.crt"), &apiserver, "sslserver", &stranger).expect_failure("mismatch");
    verify(
        &work.pki("etcd/ca.crt"),
        &work.pki("etcd/server.crt"),
        "sslserver",
        &[],
    )
    .expect(0);
    verify(
        &work.pki("front-proxy-ca.crt"),
        &work.pki("front-proxy-client.crt"),
        "sslclient",
        &[],
    )
    .expect(0);
}

#[test]
fn a_second_control_plane_shares_the_cas_and_has_its_own_leaves() {
    let work = Work::new();
    work.example("second-control-plane/run.sh").expect(0);
    let (first, second) = (work.path("k8s/cp1/pki"), work.path("k8s/cp2/pki"));
    let shared = [
        "ca.crt",
        "ca.key",
        "etcd/ca.crt",
        "etcd/ca.key",
        "front-proxy-ca.crt",
        "front-proxy-ca.key",
        "sa.key",
        "sa.pub",
    ];
    for name in files(&first) {
        let same = read(&first.join(&name)) == read(&second.join(&name));
        assert_eq!(same, shared.contains(&text(&name)), "{}", name.display());
    }
    assert_eq!(files(&first), files(&second));
    let names = ["-verify_hostname", "cp2", "-verify_ip", "10.0.0.11"];
    verify(
        &first.join("ca.crt"),
        &second.join("apiserver.crt"),
        "sslserver",
        &names,
    )
    .expect(0);
    verify(
        &first.join("etcd/ca.crt"),
        &second.join("etcd/peer.crt"),
        "sslserver",
        &names,
    )
    .expect(0);
    let other = ["-verify_hostname", "cp1"];
    verify(
        &first.join("ca.crt"),
        &second.join("apiserver.crt"),
        "sslserver",
        &other,
    )
    .expect_failure("mismatch");
}

#[test]
fn a_pipeline_makes_keeps_warns_and_stops() {
    let work = Work::new();
    let pipeline = |days: i64| {
        let command = work.command("ci-provisioning.sh");
        run(&mut at(NOW + days * DAY, "022", &command))
    };
    let first = pipeline(0).expect(0).stdout;
    assert_eq!(
        first,
        "result: changed\n15 certificates, the first ends on 2027-03-01\n"
    );
    let second = pipeline(1).expect(0).stdout;
    assert_eq!(
        second,
        "result: unchanged\n15 certificates, the first ends on 2027-03-01\n"
    );
    let late = pipeline(340).expect(1);
    assert!(
        late.stderr.contains("end within thirty days: apiserver, "),
        "{late}"
    );
    fs::remove_file(work.pki("ca.crt")).expect("remove a file");
    let refused = pipeline(1).expect(4);
    assert!(refused.stdout.is_empty(), "{refused}");
}

#[test]
fn a_corporate_ca_has_its_long_name_and_signs() {
    let work = Work::new();
    work.example("corporate-ca.sh").expect(0);
    let name = "C=CN, ST=Guangdong, L=Shenzhen, O=Example, OU=Platform, OU=PKI, CN=kubernetes";
    let of = |file: &str, what: &str| {
        let command = [
            "x509",
            "-noout",
            what,
            "-nameopt",
            "sep_comma_plus_space,sname",
            "-in",
        ];
        openssl(&command, &[&work.pki(file)]).expect(0).stdout
    };
    assert_eq!(of("ca.crt", "-subject").trim(), format!("subject={name}"));
    assert_eq!(
        of("apiserver.crt", "-issuer").trim(),
        format!("issuer={name}")
    );
    verify(
        &work.pki("ca.crt"),
        &work.pki("apiserver.crt"),
        "sslserver",
        &[],
    )
    .expect(0);
}

#[test]
fn one_ca_stands_in_three_places_and_signs_all() {
    let work = Work::new();
    work.example("one-ca-for-everything.sh").expect(0);
    for place in ["etcd/ca", "front-proxy-ca"] {
        for ending in ["crt", "key"] {
            let (one, other) = (format!("ca.{ending}"), format!("{place}.{ending}"));
            assert_eq!(read(&work.pki(&one)), read(&work.pki(&other)), "{other}");
        }
    }
    for (leaf, purpose) in [
        ("apiserver", "sslserver"),
        ("etcd/peer", "sslserver"),
        ("etcd/server", "sslserver"),
        ("front-proxy-client", "sslclient"),
    ] {
        verify(
            &work.pki("ca.crt"),
            &work.pki(&format!("{leaf}.crt")),
            purpose,
            &[],
        )
        .expect(0);
    }
}

#[test]
fn one_certificate_is_made_anew_and_nothing_else() {
    let work = Work::new();
    let finished = work.example("regenerate-one-certificate.sh").expect(0);
    assert!(
        finished.stderr.contains("lacks the SAN api.example.com"),
        "{finished}"
    );
    let name = ["-verify_hostname", "api.example.com"];
    verify(
        &work.pki("ca.crt"),
        &work.pki("apiserver.crt"),
        "sslserver",
        &name,
    )
    .expect(0);
    let backups = work.pki(".certs-backup");
    let replaced: BTreeSet<OsString> = files(&backups)
        .iter()
        .map(|path| path.file_name().expect("a file has a name").to_owned())
        .collect();
    // The backup keeps the journal of its run beside what was replaced.
    let expected = ["apiserver.crt", "apiserver.key", "journal"];
    assert_eq!(replaced, expected.map(OsString::from).into());
}

#[test]
fn etcds_own_user_reads_its_pairs_and_no_other_key() {
    let work = Work::new();
    let mut command = work.command("etcd-own-user.sh");
    let finished = run(command.env("ETCD_USER", "nobody"));
    if !work.is_roots() {
        // Nobody but root gives files away, and that is what the example has to say.
        finished.expect(1).expect_failure("run as root");
        return;
    }
    finished.expect(0);
    let theirs = |file: &PathBuf| {
        fs::metadata(work.path("k8s").join(file))
            .expect("a file that was listed")
            .uid()
            == NOBODY
    };
    let owned: Vec<PathBuf> = files(&work.path("k8s"))
        .into_iter()
        .filter(theirs)
        .collect();
    let pairs = ["peer.crt", "peer.key", "server.crt", "server.key"];
    assert_eq!(owned, pairs.map(|name| Path::new("pki/etcd").join(name)));
    verify(
        &work.pki("etcd/ca.crt"),
        &work.pki("etcd/server.crt"),
        "sslserver",
        &[],
    )
    .expect(0);
    verify(
        &work.pki("etcd/ca.crt"),
        &work.pki("etcd/peer.crt"),
        "sslclient",
        &[],
    )
    .expect(0);
}

#[test]
fn etcds_own_user_asks_for_root() {
    let work = Work::new();
    let script = read(&root().join("examples/etcd-own-user.sh"));
    let shell = ["sh", "-c", &script, "etcd-own-user.sh"];
    let mut command = if work.is_roots() {
        let mut command = Command::new(tool("setpriv"));
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .args(shell);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(&shell[1..]);
        command
    };
    run(&mut command).expect(1).expect_failure("run as root");
}

#[test]
fn a_user_has_its_name_and_its_groups_in_both_places() {
    let work = Work::new();
    work.example("user-with-groups.sh").expect(0);
    let kubeconfig = work.path("k8s/alice.conf");
    write(
        &work.path("embedded.crt"),
        kubeconfig_data(&kubeconfig, "client-certificate-data"),
    );
    for certificate in [work.pki("alice.crt"), work.path("embedded.crt")] {
        let subject = ["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in"];
        let subject = openssl(&subject, &[&certificate]).expect(0).stdout;
        assert_eq!(subject.trim(), "subject=CN=alice@example.com,O=ops+O=dev");
        verify(&work.pki("ca.crt"), &certificate, "sslclient", &[]).expect(0);
    }
    assert!(read(&kubeconfig).contains("server: https://api.example.com:6443\n"));
}

#[test]
fn the_timer_s_units_are_sound_and_their_commands_renew_and_write_metrics() {
    let units = root().join("examples/systemd");
    let work = Work::new();
    let program = work.folder.join("bin/certs");
    let service = read(&units.join("certs-renew.service"));
    // systemd looks whether the program is there.
    let copies = work.path("units");
    fs::create_dir(&copies).expect("make a folder");
    let known = service.replace("/usr/local/bin/certs", text(&program));
    write(&copies.join("certs-renew.service"), known);
    write(
        &copies.join("certs-renew.timer"),
        read(&units.join("certs-renew.timer")),
    );
    let mut verify = Command::new(tool("systemd-analyze"));
    verify.args(["verify", "--man=no"]);
    let files = ["certs-renew.service", "certs-renew.timer"].map(|name| copies.join(name));
    let said = run(verify.args(&files)).expect(0);
    assert_eq!(said.stderr, "", "{said}");
    // The commands, over a tree of which all is due.
    let tree = work.path("k8s");
    run(&mut at(NOW, "022", &common::all(&tree, &[]))).expect(0);
    let metrics = work.path("certs.prom");
    let of = |key: &str| {
        let line = service.lines().find_map(|line| line.strip_prefix(key));
        let line = line.unwrap_or_else(|| panic!("no {key}"));
        let line = line.trim_start_matches('-').replace("/usr/local/bin/", "");
        line.replace("logger -t certs", "echo").replace(
            "/var/lib/prometheus/node-exporter/certs.prom",
            text(&metrics),
        ) + &format!(" --kubernetes-dir {}", text(&tree))
    };
    let sh = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("PATH", &work.path);
        run(&mut at(NOW + 350 * DAY, "022", &command))
    };
    let said = sh(&of("ExecStart=")).expect(0);
    let words = "to be restarted: kubelet kube-controller-manager kube-scheduler";
    assert!(said.stderr.contains(words), "{said}");
    sh(&of("ExecStopPost=")).expect(0);
    assert!(read(&metrics).contains("x509_cert_not_after{"), "metrics");
    // What it may write is what is written.
    for place in [
        "/etc/kubernetes",
        "/var/lib/kubelet/pki",
        "/var/lib/prometheus/node-exporter",
    ] {
        let allowed = service.lines().any(|line| {
            line.strip_prefix("ReadWritePaths=")
                .is_some_and(|path| path.trim_start_matches('-') == place)
        });
        assert!(allowed, "{place}");
    }
}

#[test]
fn every_example_is_listed() {
    let listed = read(&root().join("examples/README.md"));
    let scripts: Vec<PathBuf> = files(&root().join("examples"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "sh"))
        .collect();
    assert_eq!(
        scripts.len(),
        // One has its tests in a file of its own.
        8 + 1,
        "a new example needs a test here: {scripts:?}"
    );
    for script in scripts {
        assert!(
            listed.contains(&format!("]({})", script.display())),
            "{}",
            script.display()
        );
    }
    // What is no script of its own.
    for folder in ["ansible/README.md", "kubernetes-csr/README.md", "systemd"] {
        assert!(listed.contains(&format!("]({folder})")), "{folder}");
    }
}

/// The number of the user `nobody`.
const NOBODY: u32 = 65_534;

/// An empty folder to work in.
struct Work {
    folder: TempDir,
    path: OsString,
}

impl Work {
    fn new() -> Self {
        let folder = TempDir::new();
        let programs = folder.join("bin");
        fs::create_dir(&programs).expect("make a folder");
        fs::create_dir(folder.join("work")).expect("make a folder");
        std::os::unix::fs::symlink(binary(), programs.join("certs")).expect("link the program");
        let mut folders = vec![programs];
        folders.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let path = std::env::join_paths(folders).expect("a PATH");
        Self { folder, path }
    }

    /// Whether the test runs as root.
    fn is_roots(&self) -> bool {
        fs::metadata(self.folder.path()).expect("the folder").uid() == 0
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join("work").join(path)
    }

    fn pki(&self, path: &str) -> PathBuf {
        self.path("k8s/pki").join(path)
    }

    fn command(&self, example: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg(root().join("examples").join(example));
        command.current_dir(self.folder.join("work"));
        command.env("PATH", &self.path).env("LC_ALL", "C.UTF-8");
        command
    }

    fn example(&self, example: &str) -> Finished {
        run(&mut self.command(example))
    }
}

/// Every file below the folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = listing(folder);
    files.retain(|path| folder.join(path).is_file());
    files
}

fn openssl(arguments: &[&str], files: &[&Path]) -> Finished {
    run(Command::new(tool("openssl")).args(arguments).args(files))
}

/// `openssl verify -x509_strict`
fn verify(ca: &Path, certificate: &Path, purpose: &str, more: &[&str]) -> Finished {
    let fixed = ["verify", "-x509_strict", "-purpose", purpose];
    let arguments: Vec<&str> = fixed.iter().chain(more).copied().collect();
    openssl(&arguments, &[Path::new("-CAfile"), ca, certificate])
}
