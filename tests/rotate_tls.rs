//! Who follows whom at each stage of `certs rotate`, as OpenSSL, curl, kubectl and GnuTLS see it.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

mod common;
use common::rotation::{KINDS, Kind, STAGES, WHEN, stages};
use common::tree::{CAS, LEAVES, Leaf};
use common::{
    Finished, Server, TempDir, all, at, each, kubeconfig_data, read, run, text, tool, venv, write,
};

const START: usize = 0;
const TRUST: usize = 1;
const ISSUE: usize = 2;
const DROP: usize = 3;

/// A name in the API server's certificate.
const HOST: &str = "kubernetes.default";

/// A client that trusts what admin.conf does at a stage (down), and the API server at a stage (across).
const SERVERS: [[bool; 4]; 4] = [
    // The server of `issue` sends the new CA signed by the old one.
    [true, true, true, false],
    [true, true, true, true],
    [true, true, true, true],
    [false, false, true, true],
];

/// The same server of `issue`, if it sent its certificate alone.
const ALONE: [bool; 4] = [false, true, true, true];

/// A client's certificate (down), and a server that trusts what ca.crt holds at a stage (across).
const CLIENTS: [(Sent, [bool; 4]); 3] = [
    (Sent::Former, [true, true, true, false]),
    (Sent::New, [false, true, true, true]),
    (Sent::NewWithChain, [true, true, true, true]),
];

/// A leaf of a stage (down), and the file of its CA at a stage (across).
const VERIFIED: [[bool; 4]; 4] = [
    [true, true, true, false],
    [true, true, true, false],
    [false, true, true, true],
    [false, true, true, true],
];

/// A server of TLS 1.3 may end the connection before its client has read why.
const IN_TIME: [&str; 1] = ["-no_tls1_3"];

/// What a client shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// Signed by the former CA.
    Former,
    /// Signed by the new CA.
    New,
    /// With the new CA signed by the former one behind it.
    NewWithChain,
}

/// Those that have a client certificate of the cluster's CA.
const IDENTITIES: [&str; 2] = ["admin.conf", "pki/apiserver-kubelet-client"];

/// What comes of it when kubectl goes to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// It does not follow the server.
    Astray,
    /// The server takes its certificate.
    Known,
    /// The server does not follow its certificate.
    Refused,
}

/// kubectl with the admin.conf of a stage (down), and the API server of a stage (across).
const KUBECTL: [[Met; 4]; 4] = [
    [Met::Known, Met::Known, Met::Known, Met::Astray],
    [Met::Known, Met::Known, Met::Known, Met::Refused],
    [Met::Refused, Met::Known, Met::Known, Met::Known],
    [Met::Astray, Met::Astray, Met::Known, Met::Known],
];

/// A tree at each stage.
struct Rotated {
    stages: [TempDir; 4],
    when: i64,
}

impl Rotated {
    /// One of a kind, made once.
    fn of(kind: &Kind) -> &'static Self {
        static MADE: [OnceLock<Rotated>; KINDS.len()] = [const { OnceLock::new() }; KINDS.len()];
        let index = KINDS.iter().position(|one| one == kind);
        MADE[index.expect("one of KINDS")].get_or_init(|| {
            let stages = kind.stages(&["ca", "etcd-ca", "front-proxy-ca"]);
            Self::extracted(stages, WHEN)
        })
    }

    fn extracted(stages: [TempDir; 4], when: i64) -> Self {
        let rotated = Self { stages, when };
        for stage in 0..STAGES.len() {
            rotated.extract(stage);
        }
        rotated
    }

    /// Every certificate by itself, what stands behind it, and its key, as files for programs that read nothing else.
    fn extract(&self, stage: usize) {
        let place = &self.stages[stage];
        fs::create_dir(place.join("x")).expect("make a folder");
        for leaf in &LEAVES {
            let (certificates, key) = if leaf.place.contains('/') {
                let file = |end| read(&place.join(&format!("k/{}.{end}", leaf.place)));
                (file("crt"), file("key"))
            } else {
                let kubeconfig = place.join("k").join(leaf.place);
                let data = |field| {
                    String::from_utf8(kubeconfig_data(&kubeconfig, field)).expect("PEM is text")
                };
                (data("client-certificate-data"), data("client-key-data"))
            };
            let end = "-----END CERTIFICATE-----\n";
            let (first, behind) = certificates.split_once(end).expect("a certificate");
            write(&self.file(stage, leaf.place, "leaf"), [first, end].concat());
            write(&self.file(stage, leaf.place, "behind"), behind);
            write(&self.file(stage, leaf.place, "key"), key);
        }
        let trusted = kubeconfig_data(&place.join("k/admin.conf"), "certificate-authority-data");
        write(&self.trusted(stage), trusted);
    }

    fn file(&self, stage: usize, leaf: &str, part: &str) -> PathBuf {
        let name = leaf.replace('/', "-");
        self.stages[stage].join(&format!("x/{name}.{part}"))
    }

    /// What admin.conf trusts.
    fn trusted(&self, stage: usize) -> PathBuf {
        self.stages[stage].join("x/trusted")
    }

    /// A file of the tree.
    fn placed(&self, stage: usize, ca: &str) -> PathBuf {
        self.stages[stage].join("k").join(ca)
    }

    /// The API server of a stage, which asks its clients for a certificate and takes one of whom its ca.crt trusts.
    fn serve(&self, stage: usize, chain: bool, more: &[&str]) -> (Server, u16) {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let own = |part| self.file(stage, "pki/apiserver", part);
        let mut command = openssl("s_server", self.when);
        command.args(["-accept", "127.0.0.1:0", "-www"]);
        command.arg("-cert").arg(own("leaf"));
        command.arg("-key").arg(own("key"));
        if chain && !read(&own("behind")).is_empty() {
            command.arg("-cert_chain").arg(own("behind"));
        }
        command.args(["-verify", "5", "-verify_return_error", "-verifyCAfile"]);
        command.arg(self.placed(stage, CAS[0]));
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        command.args(more);
        let log = self.stages[stage].join(&format!("x/{number}.log"));
        let mut server = Server::start(&command, &log);
        let mut port = None;
        server.wait(Duration::from_mins(1), "port", |said| {
            let line = said.lines().find_map(|line| line.strip_prefix("ACCEPT "));
            port = line.and_then(|line| line.rsplit_once(':')?.1.trim().parse().ok());
            port.is_some()
        });
        (server, port.expect("a port"))
    }

    /// The files of a client's certificate, of its key, and of what it sends behind.
    fn sent(&self, sent: Sent, identity: &str) -> [PathBuf; 3] {
        let stage = if sent == Sent::Former { START } else { ISSUE };
        let behind = self.file(ISSUE, "pki/apiserver", "behind");
        [
            self.file(stage, identity, "leaf"),
            self.file(stage, identity, "key"),
            if sent == Sent::NewWithChain {
                behind
            } else {
                self.file(stage, identity, "behind")
            },
        ]
    }
}

/// An OpenSSL command that trusts nothing of the machine's. A server under faketime would outlive that.
fn openssl(command: &str, when: i64) -> Command {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args([command, "-no-CAfile", "-no-CApath", "-no-CAstore"]);
    openssl.arg("-attime").arg(when.to_string());
    openssl
}

/// A client.
#[derive(Clone, Copy, Debug)]
enum Client {
    Curl,
    OpenSsl,
}

const BOTH: [Client; 2] = [Client::Curl, Client::OpenSsl];

impl Client {
    /// What it says of the page that OpenSSL's server gives.
    fn fetch(self, port: u16, trusted: &Path, shown: Option<&[PathBuf; 3]>) -> Finished {
        match self {
            Self::Curl => {
                let mut curl = Command::new(tool("curl"));
                curl.args(["-q", "--silent", "--show-error", "--noproxy", "*"]);
                curl.args(["--include", "--resolve"]);
                curl.arg(format!("{HOST}:{port}:127.0.0.1"));
                curl.arg("--cacert").arg(trusted);
                if let Some([certificate, key, behind]) = shown {
                    let both = certificate.with_extension("sent");
                    write(&both, [read(certificate), read(behind)].concat());
                    curl.arg("--cert").arg(both).arg("--key").arg(key);
                }
                curl.arg(format!("https://{HOST}:{port}/"));
                run(&mut at(WHEN, "022", &curl))
            }
            Self::OpenSsl => {
                let mut client = openssl("s_client", WHEN);
                client.arg("-quiet").arg("-verify_return_error");
                client.arg("-connect").arg(format!("127.0.0.1:{port}"));
                client.args(["-servername", HOST, "-verify_hostname", HOST]);
                client.arg("-verifyCAfile").arg(trusted);
                if let Some([certificate, key, behind]) = shown {
                    client.arg("-cert").arg(certificate).arg("-key").arg(key);
                    if !read(behind).is_empty() {
                        client.arg("-cert_chain").arg(behind);
                    }
                }
                let request = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | \"$0\" \"$@\"";
                let mut shell = Command::new("sh");
                shell.args(["-c", request]).arg(client.get_program());
                run(shell.args(client.get_args()))
            }
        }
    }
}

/// Whether the page came; a refusal has to give the reason.
fn fetched(said: &Finished, refusals: &[&str]) -> Result<bool, String> {
    let came = said.stdout.starts_with("HTTP/1.0 200 ");
    let refused = refusals.iter().any(|words| said.stderr.contains(words));
    if came != said.status.success() || came == refused {
        return Err(format!("neither served nor refused\n{said}"));
    }
    Ok(came)
}

/// How clients say that they do not know the server's CA.
const UNKNOWN: [&str; 2] = [
    "unable to get local issuer certificate",
    "self-signed certificate in certificate chain",
];

/// How they are told that the server does not know theirs.
const REFUSED: [&str; 1] = ["alert unknown ca"];

#[test]
fn a_client_follows_the_server_of_each_stage_as_the_table_says() {
    each(KINDS.iter(), |kind| {
        let rotated = Rotated::of(kind);
        let mut wrong = Vec::new();
        let mut hold = |port, client: usize, expected: bool, server: &str| {
            for program in BOTH {
                let said = program.fetch(port, &rotated.trusted(client), None);
                if fetched(&said, &UNKNOWN) != Ok(expected) {
                    let client = STAGES[client].0;
                    wrong.push(format!(
                        "{kind:?}: {client} at {server}, not {expected}: {said}"
                    ));
                }
            }
        };
        for (stage, (name, _)) in STAGES.iter().enumerate() {
            let (_server, port) = rotated.serve(stage, true, &[]);
            for (client, row) in SERVERS.iter().enumerate() {
                hold(port, client, row[stage], name);
            }
        }
        let (_server, port) = rotated.serve(ISSUE, false, &[]);
        for (client, expected) in ALONE.into_iter().enumerate() {
            hold(port, client, expected, "issue without its chain");
        }
        told(&wrong)
    });
}

#[test]
fn a_server_of_each_stage_takes_client_certificates_as_the_table_says() {
    each(KINDS.iter(), |kind| {
        let rotated = Rotated::of(kind);
        let mut wrong = Vec::new();
        for (stage, (name, _)) in STAGES.iter().enumerate() {
            let (_server, port) = rotated.serve(stage, true, &IN_TIME);
            for (sent, row) in CLIENTS {
                for identity in IDENTITIES {
                    let shown = rotated.sent(sent, identity);
                    for program in BOTH {
                        let said = program.fetch(port, &rotated.trusted(TRUST), Some(&shown));
                        // The page has the client's certificate.
                        let known = said.stdout.contains(&read(&shown[0]));
                        if fetched(&said, &REFUSED) != Ok(row[stage]) || known != row[stage] {
                            wrong.push(format!(
                                "{kind:?}: {identity}, {sent:?}, at {name}, not {}: {said}",
                                row[stage]
                            ));
                        }
                    }
                }
            }
        }
        told(&wrong)
    });
}

#[test]
fn kubectl_with_the_kubeconfig_of_each_stage_meets_the_server_of_each_as_the_table_says() {
    let start = TempDir::new();
    // No clock but the machine's is kubectl's.
    run(&mut all(&start.join("k"), &[])).expect(0);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let rotated = Rotated::extracted(stages(start, now, &["ca"], &[]), now);
    let mut wrong = Vec::new();
    for (server, (name, _)) in STAGES.iter().enumerate() {
        let (_server, port) = rotated.serve(server, true, &IN_TIME);
        for (stage, row) in KUBECTL.iter().enumerate() {
            let place = &rotated.stages[stage];
            let mut kubectl = Command::new(venv("kubectl"));
            kubectl.env("HOME", place.path());
            for name in ["KUBECONFIG", "HTTPS_PROXY", "https_proxy"] {
                kubectl.env_remove(name);
            }
            kubectl.arg("--kubeconfig").arg(place.join("k/admin.conf"));
            kubectl.arg(format!("--server=https://127.0.0.1:{port}"));
            kubectl.arg(format!("--tls-server-name={HOST}"));
            let said = run(kubectl.args(["get", "--raw", "/healthz"]));
            let sent = read(&rotated.file(stage, "admin.conf", "leaf"));
            let met = if said.stdout.contains(&sent) {
                Some(Met::Known)
            } else if said
                .stderr
                .contains("remote error: tls: unknown certificate authority")
            {
                Some(Met::Refused)
            } else if said
                .stderr
                .contains("certificate signed by unknown authority")
            {
                Some(Met::Astray)
            } else {
                None
            };
            if met != Some(row[server]) {
                let (stage, expected) = (STAGES[stage].0, row[server]);
                wrong.push(format!("{stage} at {name}, not {expected:?}: {said}"));
            }
        }
    }
    told(&wrong).unwrap_or_else(|wrong| panic!("{wrong}"));
}

/// Verifies a certificate, whose path comes last, below what is in `trusted`.
fn judges(trusted: &Path, untrusted: Option<&Path>) -> [Command; 2] {
    let mut openssl = openssl("verify", WHEN);
    openssl.arg("-x509_strict").arg("-CAfile").arg(trusted);
    if let Some(untrusted) = untrusted {
        openssl.arg("-untrusted").arg(untrusted);
    }
    let mut gnutls = Command::new(tool("certtool"));
    gnutls.args(["--verify", "--load-ca-certificate"]);
    gnutls.arg(trusted).arg("--infile");
    [openssl, gnutls]
}

/// Runs it for each file, in one clock's process; all of them come to this verdict.
fn come_to(verdict: bool, judge: &Command, files: &[PathBuf]) -> Result<(), String> {
    let each = "IFS='\n'; for file in $FILES; do if \"$0\" \"$@\" \"$file\"; \
        then echo verdict: true; else echo verdict: false; fi; done";
    let mut shell = Command::new("sh");
    let files: Vec<&str> = files.iter().map(|file| text(file)).collect();
    shell.args(["-c", each]).arg(judge.get_program());
    shell.args(judge.get_args()).env("FILES", files.join("\n"));
    let said = run(&mut at(WHEN, "022", &shell));
    let line = format!("verdict: {verdict}");
    if said.stdout.lines().filter(|told| *told == line).count() == files.len() {
        return Ok(());
    }
    Err(format!("not {verdict} for all\n{said}"))
}

#[test]
fn each_leaf_is_verified_by_the_bundles_of_its_stage_and_of_those_beside_it() {
    each(KINDS.iter(), |kind| {
        let rotated = Rotated::of(kind);
        let mut wrong = Vec::new();
        for (stage, row) in VERIFIED.iter().enumerate() {
            for (bundle, expected) in row.iter().enumerate() {
                for ca in CAS {
                    let leaves = LEAVES.iter().filter(|leaf| leaf.issuer == ca);
                    let leaf = |leaf: &Leaf| rotated.file(stage, leaf.place, "leaf");
                    let leaves: Vec<PathBuf> = leaves.map(leaf).collect();
                    for judge in judges(&rotated.placed(bundle, ca), None) {
                        let told = come_to(*expected, &judge, &leaves);
                        let of = |stage: usize| STAGES[stage].0;
                        let place = format!(
                            "{kind:?}: leaves of {} by {ca} of {}",
                            of(stage),
                            of(bundle)
                        );
                        wrong.extend(told.err().map(|reason| format!("{place}: {reason}")));
                    }
                }
            }
        }
        told(&wrong)
    });
}

#[test]
fn the_chain_that_the_server_sends_leads_to_the_former_ca_for_every_judge() {
    for kind in &KINDS {
        let rotated = Rotated::of(kind);
        let part = |part| rotated.file(ISSUE, "pki/apiserver", part);
        let whole = rotated.placed(ISSUE, "pki/apiserver.crt");
        let former = rotated.placed(START, CAS[0]);
        let [openssl, gnutls] = judges(&former, Some(&part("behind")));
        come_to(true, &openssl, &[part("leaf")]).expect("OpenSSL follows it");
        come_to(true, &gnutls, &[whole]).expect("GnuTLS follows it");
        // It goes with the former CA.
        assert_eq!(read(&rotated.file(DROP, "pki/apiserver", "behind")), "");
    }
}

/// All that was wrong, together.
fn told(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n"))
}
