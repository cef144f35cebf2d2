//! The playbook that rotates, of `examples/ansible`, by a real Ansible over three real members of etcd, which
//! something starts again wherever they end, as a kubelet does.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::json;

mod common;
use common::ansible::{ansible, changes, prepare};
use common::members::{Members, NAMES};
use common::snapshot::{same, snapshot};
use common::{Finished, Server, binary, mode, read, root, set_mode, text, tool, write};

const WELL: Duration = Duration::from_secs(90);

/// Starts the member again and again, and leaves the process id of each in a file. None outlives this.
const SUPERVISOR: &str =
    "while :; do setpriv --pdeathsig KILL \"$@\" & echo $! > \"$0\"; wait $! || :; done";

#[test]
fn a_second_run_changes_nothing_and_one_that_was_stopped_is_gone_on_with() {
    let site = Site::new();
    let mut servers: Vec<_> = (0..3).map(|number| site.start(number)).collect();
    for (number, server) in servers.iter_mut().enumerate() {
        site.members.wait(number, server);
    }

    let before = site.snapshots();
    site.run("etcd-ca", "back", &[])
        .expect_failure("one of trust, issue, drop");
    site.run("etcd-ca", "trust", &["--check"]).expect(0);
    site.is_as(&before);

    // It stops at the first that fails, and what was not proved is no ground for the next stage.
    write(&site.folder("down/m2"), "");
    let said = site.run("etcd-ca", "trust", &["-vvv", "--diff"]);
    let said = said.expect_failure("NO MORE HOSTS LEFT");
    assert_eq!(site.restarted(), ["m1 etcd"]);
    for number in 0..3 {
        let key = site.members.pki(number).join("ca-next.key");
        assert_eq!(mode(&key), 0o600);
        let first = site.members.pki(0).join("ca-next.key");
        assert_eq!(read(&key), read(&first));
    }
    // However much is told, no key is.
    let key = Base64::encode_string(read(&site.members.pki(0).join("ca-next.key")).as_bytes());
    for hidden in ["PRIVATE KEY", &key[8..80]] {
        assert!(!said.stdout.contains(hidden), "{said}");
    }
    let before = site.snapshots();
    let early = site
        .run("etcd-ca", "issue", &[])
        .expect_failure("Prove it (etcd)");
    assert!(!early.stdout.contains("PLAY [Run the stage]"), "{early}");
    site.is_as(&before);
    fs::remove_file(site.folder("down/m2")).expect("remove a file");

    assert_eq!(
        changes(&site.run("etcd-ca", "trust", &[]).expect(0)),
        counts([0, 1, 1])
    );
    assert_eq!(site.restarted(), ["m2 etcd", "m3 etcd"]);
    let before = site.snapshots();
    assert_eq!(
        changes(&site.run("etcd-ca", "trust", &[]).expect(0)),
        counts([0; 3])
    );
    site.is_as(&before);

    assert_eq!(
        changes(&site.run("etcd-ca", "issue", &[]).expect(0)),
        counts([1; 3])
    );
    assert_eq!(site.restarted(), [""; 0]);

    // What this one calls for is told once: the CA that it was about is gone.
    write(&site.folder("down/m2"), "");
    site.run("etcd-ca", "drop", &[])
        .expect_failure("NO MORE HOSTS LEFT");
    assert_eq!(site.restarted(), ["m1 etcd"]);
    fs::remove_file(site.folder("down/m2")).expect("remove a file");
    assert_eq!(
        changes(&site.run("etcd-ca", "drop", &[]).expect(0)),
        counts([0, 1, 1])
    );
    assert_eq!(site.restarted(), ["m2 etcd", "m3 etcd"]);
    assert_eq!(
        changes(&site.run("etcd-ca", "drop", &[]).expect(0)),
        counts([0; 3])
    );
    for number in 0..3 {
        let authority = read(&site.members.pki(number).join("ca.crt"));
        assert_eq!(authority.matches("BEGIN CERTIFICATE").count(), 1);
        assert_eq!(authority, read(&site.members.pki(0).join("ca.crt")));
        assert!(!site.members.tree(number).join(".rotating").exists());
        site.members
            .ctl(2 - number, number, &["endpoint", "health"])
            .expect(0);
    }
}

#[test]
fn what_cannot_be_done_on_all_nodes_is_refused_before_the_first_is_changed() {
    let site = Site::new();
    let place = |number: usize, file: &str| site.members.tree(number).join("pki").join(file);
    let refused_with = |more: &[&str], what: &str, stage: &str, words: &str| {
        let before = site.snapshots();
        let said = site.run(what, stage, more).expect_failure(words);
        assert!(!said.stdout.contains("PLAY [Run the stage]"), "{said}");
        site.is_as(&before);
    };
    let refused = |what: &str, stage: &str, words: &str| refused_with(&[], what, stage, words);
    refused_with(&["--limit", "m1"], "etcd-ca", "trust", "without --limit");
    refused("kubelet", "trust", "one of ca, etcd-ca, front-proxy-ca, sa");
    refused("etcd-ca", "back", "one of trust, issue, drop");
    refused("etcd-ca", "issue", "'certs rotate etcd-ca trust");

    let key = place(1, "front-proxy-ca.key");
    let own = read(&key);
    fs::remove_file(&key).expect("remove a file");
    refused(
        "front-proxy-ca",
        "trust",
        "must be made elsewhere and handed out",
    );
    write(&key, own);

    let authority = place(2, "etcd/ca.crt");
    let own = read(&authority);
    write(&authority, read(&place(2, "front-proxy-ca.crt")));
    refused("etcd-ca", "trust", "nothing in common in etcd/ca.crt");
    write(&authority, own);

    for (number, name) in [(0, "a"), (1, "b")] {
        write(&place(number, "etcd/ca-next.key"), name);
    }
    refused("etcd-ca", "trust", "several etcd/ca-next.key");
    for number in [0, 1] {
        fs::remove_file(place(number, "etcd/ca-next.key")).expect("remove a file");
    }
}

/// A CA that is made after a step back is called as the one before, so that a member which knows that one proves nothing.
#[test]
fn a_step_back_that_was_ended_is_gone_on_with_before_another_ca_is_made() {
    let site = Site::new();
    let mut servers: Vec<_> = (0..3).map(|number| site.start(number)).collect();
    for (number, server) in servers.iter_mut().enumerate() {
        site.members.wait(number, server);
    }
    site.run("etcd-ca", "trust", &[]).expect(0);
    site.restarted();
    write(&site.folder("down/m2"), "");
    site.run("etcd-ca", "back-to-start", &[])
        .expect_failure("NO MORE HOSTS LEFT");
    assert_eq!(site.restarted(), ["m1 etcd"]);
    let before = site.snapshots();
    for (what, stage) in [("etcd-ca", "trust"), ("etcd-ca", "drop"), ("sa", "trust")] {
        let refused = site.run(what, stage, &[]);
        refused.expect_failure("what=etcd-ca stage=back-to-start was ended before");
        site.is_as(&before);
    }
    fs::remove_file(site.folder("down/m2")).expect("remove a file");
    site.run("etcd-ca", "back-to-start", &[]).expect(0);
    assert_eq!(site.restarted(), ["m2 etcd", "m3 etcd"]);
    for stage in ["trust", "issue"] {
        site.run("etcd-ca", stage, &[]).expect(0);
    }
    for number in 0..3 {
        site.members
            .ctl(2 - number, number, &["endpoint", "health"])
            .expect(0);
    }
}

/// No process of theirs runs here, so that nothing is restarted.
#[test]
fn what_only_a_person_can_do_is_told_and_waited_for() {
    let site = Site::new();
    for stage in ["trust", "issue"] {
        let said = site.run("sa", stage, &[]).expect(0);
        let told = said
            .stdout
            .contains("Wait until no token of the key that signs no more is good");
        assert_eq!(told, stage == "issue", "{said}");
    }
    let before = site.snapshots();
    let waiting = site.run("sa", "drop", &[]);
    waiting.expect_failure("are to be made anew. Then say done=true");
    site.is_as(&before);
    site.run("sa", "drop", &["--extra-vars", "done=true"])
        .expect(0);
    let public = |number| read(&site.members.tree(number).join("pki/sa.pub"));
    assert_eq!(public(0).matches("BEGIN PUBLIC KEY").count(), 1);
    assert_eq!([public(1), public(2)], [public(0), public(0)]);
    assert_eq!(site.restarted(), [""; 0]);
}

fn counts(of: [u32; 3]) -> BTreeMap<String, u32> {
    NAMES.map(str::to_owned).into_iter().zip(of).collect()
}

struct Site {
    members: Members,
}

impl Site {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let members = Members::kubeadms(count, "ecdsa-p256");
        prepare(&members.folder);
        let site = Self { members };
        for name in ["bin", "down"] {
            fs::create_dir(site.folder(name)).expect("make a folder");
        }
        // A process is found on its own node alone.
        let pgrep = site.folder("bin/pgrep");
        write(&pgrep, "#!/bin/sh\nexec cat \"$HERE/$NODE.pid\"\n");
        set_mode(&pgrep, 0o755);
        let mut hosts = "[all:vars]\nansible_connection=local\nansible_become=false\n\
            ansible_python_interpreter=/usr/bin/python3\n[kube_control_plane:children]\netcd\n[etcd]\n"
            .to_owned();
        for (number, name) in NAMES.iter().enumerate() {
            let endpoint = site.members.endpoint(number);
            hosts.extend([name, " endpoint=", &endpoint, "\n"]);
            let etc = site.folder(&format!("roots/{name}/etc"));
            fs::create_dir_all(&etc).expect("make a folder");
            symlink(site.members.tree(number), etc.join("kubernetes")).expect("make a link");
        }
        write(&site.folder("hosts.ini"), hosts);
        site
    }

    fn folder(&self, path: &str) -> std::path::PathBuf {
        self.members.folder.join(path)
    }

    fn start(&self, number: usize) -> Server {
        let member = self.members.command(number);
        let mut shell = Command::new(tool("bash"));
        shell.args(["-c", SUPERVISOR]);
        shell.arg(self.folder(&format!("{}.pid", NAMES[number])));
        shell.arg(member.get_program()).args(member.get_args());
        for (name, value) in member.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        shell.current_dir(self.members.folder.path());
        Server::start(&shell, &self.members.log(number))
    }

    /// A run of the playbook, by whom no API server is to be seen.
    fn run(&self, what: &str, stage: &str, more: &[&str]) -> Finished {
        let id = |of: &str| common::run(Command::new("id").arg(of)).expect(0).stdout;
        let here = text(self.members.folder.path());
        let node = "{{ inventory_hostname }}";
        // It ends before it is seen to be well.
        let restart = format!(
            "test ! -e '{here}/down/{node}' || exit 1\nold=$(cat '{here}/{node}.pid')\nkill \"$old\"\n\
             while kill -0 \"$old\" 2>/dev/null; do sleep 0.1; done\n\
             echo '{node} {{{{ certs_component }}}}' >> '{here}/log'"
        );
        let search = std::env::var("PATH").expect("a path");
        let variables = json!({
            "what": what,
            "stage": stage,
            "certs_command": binary(),
            "certs_root": format!("{here}/roots/{node}"),
            "certs_owner": id("-un").trim(),
            "certs_group": id("-gn").trim(),
            "certs_environment": {
                "HERE": here,
                "NODE": node,
                "PATH": format!("{here}/bin:{search}"),
                "ETCD_ENDPOINT": "https://{{ endpoint }}",
                "ETCD_HOST_PORT": "{{ endpoint }}",
            },
            "certs_runs_command": "test '{{ certs_component }}' = etcd",
            "certs_restart_command": restart,
            "certs_wait_retries": WELL.as_secs() * 2,
            "certs_wait_seconds": 0.5,
        })
        .to_string();
        let playbook = root().join("examples/ansible/rotate.yml");
        let arguments = [text(&playbook), "--extra-vars", &variables];
        ansible(
            &self.members.folder,
            "ansible-playbook",
            &[&arguments, more].concat(),
        )
    }

    /// What was restarted since this was asked last.
    fn restarted(&self) -> Vec<String> {
        let log = self.folder("log");
        let said = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        said.lines().map(str::to_owned).collect()
    }

    fn snapshots(&self) -> Vec<common::snapshot::Snapshot> {
        (0..3)
            .map(|number| snapshot(&self.members.tree(number)))
            .collect()
    }

    #[track_caller]
    fn is_as(&self, before: &[common::snapshot::Snapshot]) {
        for (number, before) in before.iter().enumerate() {
            same(before, &self.members.tree(number));
        }
    }
}
