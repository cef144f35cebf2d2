//! What `certs import` takes from a directory that comes back: the CAs that were asked for, files
//! that nobody else may write, and dates that the tree's own would have to have.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;
use common::node::{FACTS, NODE, as_nobody, node, on, read_only, script, with_read_only};
use common::{
    CLUSTER, Finished, TempDir, certs, kubeconfig_data, listing, read, run, set_mode, text, tool,
};

/// Roots `ca` and `ev`, of ten years.
const ROOTS: &str = r"
for name in ca ev; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout $name.key -out $name.crt \
        -subj /CN=$name -addext keyUsage=critical,keyCertSign,cRLSign 2> /dev/null
done
";

/// `sign NAME DAYS [CA]`: what came back for a request, signed in the time of `$at`.
const SIGN: &str = r"
printf 'basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' > leaf.ext
sign() {
    ${at-} openssl x509 -req -days $2 -copy_extensions copyall -extfile leaf.ext -CAcreateserial \
        -CA ${3:-ca}.crt -CAkey ${3:-ca}.key -in req/$1.csr -out req/$1.crt 2> /dev/null
}
";

/// The requests of a node for `admin` and `apiserver` in `req`, each signed for `days` by `ca`, whose
/// certificate is beside them.
fn came_back(days: &str) -> TempDir {
    let place = TempDir::new();
    let verb = ["csr", "apiserver", "admin", "--csr-dir", "req"];
    node(place.path(), &[&verb[..], &CLUSTER].concat()).expect(0);
    let sign = format!("sign admin {days}; sign apiserver {days}; cp ca.crt req/ca.crt");
    script(place.path(), &format!("{ROOTS}{SIGN}{sign}"));
    place
}

fn told(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// SHA-256 of a certificate as OpenSSL tells it.
fn fingerprint(file: &Path) -> String {
    let print = ["x509", "-noout", "-fingerprint", "-sha256", "-in"];
    let told = run(Command::new(tool("openssl")).args(print).arg(file)).expect(0);
    let hex = told.stdout.trim().rsplit('=').next().expect("a value");
    hex.replace(':', "").to_lowercase()
}

/// Nothing is put in place, and this is told.
fn is_refused(place: &Path, words: &str) {
    let before = listing(&place.join("node"));
    let refused = node(place, &["import", "req"]).expect(4);
    assert!(refused.stderr.contains(words), "{words:?}: {refused}");
    assert_eq!(listing(&place.join("node")), before);
    assert!(!place.join("node/pki/ca.crt").exists());
}

/// What is there is as it should be.
fn only_others_lack(place: &Path) {
    let checked = told(&node(place, &["check", "-o", "json"]).expect(3));
    let mut findings = checked["findings"].as_array().expect("findings").iter();
    assert!(
        findings.all(|one| one["code"] == "absent" || one["severity"] == "note"),
        "{checked:#}"
    );
}

#[test]
fn a_ca_that_nothing_leads_to_is_refused_by_name_wherever_it_stands_in_the_file() {
    for join in ["ca.crt ev.crt", "ev.crt ca.crt"] {
        let place = came_back("365");
        script(place.path(), &format!("cat {join} > req/ca.crt"));
        let ev = fingerprint(&place.join("ev.crt"));
        let words = format!(
            "req/ca.crt holds \"CN=ev\" (SHA-256 {ev}), to which nothing leads that was asked for"
        );
        is_refused(place.path(), &words);
        let again = node(place.path(), &["import", "req", "-o", "json"]).expect(4);
        assert_eq!(told(&again)["findings"][0]["code"], "unrelated-ca");
    }
    // Nor is one leaf more an anchor for another CA.
    let place = came_back("365");
    let both = format!("{SIGN}sign apiserver 365 ev; cat ca.crt ev.crt > req/ca.crt");
    script(place.path(), &both);
    is_refused(place.path(), "to which nothing leads that was asked for");
}

#[test]
fn a_leaf_that_comes_behind_its_ca_is_put_first_in_its_place() {
    let place = came_back("365");
    let turned = "cat ca.crt req/apiserver.crt > both; cat both > req/apiserver.crt";
    script(place.path(), turned);
    node(place.path(), &["import", "req"]).expect(0);
    let subject = ["x509", "-noout", "-subject", "-in"];
    let first = place.join("node/pki/apiserver.crt");
    let told = run(Command::new(tool("openssl")).args(subject).arg(first)).expect(0);
    assert!(told.stdout.contains("kube-apiserver"), "{told}");
}

#[test]
fn an_anchor_is_told_with_its_fingerprint_and_each_file_with_the_one_that_it_came_in() {
    let place = came_back("365");
    let ca = fingerprint(&place.join("ca.crt"));
    let planned = node(place.path(), &["import", "req", "--dry-run"]).expect(0);
    let line = format!("new root CN=ca, SHA-256 {ca}");
    assert!(planned.stdout.contains(&line), "{planned}");
    assert!(planned.stdout.contains("from req/admin.crt"), "{planned}");
    let imported = told(&node(place.path(), &["import", "req", "-o", "json"]).expect(0));
    let items = imported["items"].as_array().expect("items");
    let item = |name: &str| items.iter().find(|item| item["name"] == name).expect(name);
    assert_eq!(item("ca")["from"], "req/ca.crt");
    assert_eq!(item("ca")["anchors"][0]["subject"], "CN=ca");
    assert_eq!(item("ca")["anchors"][0]["fingerprint"], ca.as_str());
    assert_eq!(item("admin")["from"], "req/admin.crt");
    assert!(item("admin").get("anchors").is_none());
    // Who reads what came back is told as of what is renewed, and a CA that is new here is nobody's yet.
    let processes = imported["processes"].as_array().expect("processes");
    let of = |name: &str| processes.iter().find(|one| one["name"] == name);
    assert_eq!(of("kubectl").expect("kubectl")["reads"][0], "admin");
    let manager = of("kube-controller-manager").expect("the manager");
    assert_eq!(manager["restart"][0], "ca");
    assert_eq!(imported["unknownReaders"], serde_json::json!([]));
    assert_eq!(imported["next"], serde_json::json!([]));
    // What is trusted already is no news.
    let again = node(place.path(), &["import", "req"]).expect(0);
    assert!(again.stdout.ends_with("nothing was written.\n"), "{again}");
    assert!(!again.stdout.contains("SHA-256"), "{again}");
}

#[test]
fn of_a_ca_that_was_asked_for_its_own_and_those_above_it_count() {
    let place = TempDir::new();
    let verb = ["csr", "ca", "--csr-dir", "req"];
    node(place.path(), &[&verb[..], &CLUSTER].concat()).expect(0);
    let sign = "openssl x509 -req -days 3000 -copy_extensions copyall -CAcreateserial -CA ca.crt -CAkey ca.key \
                -in req/ca.csr -out own.crt 2> /dev/null; cat ca.crt own.crt ev.crt > req/ca.crt";
    script(place.path(), &format!("{ROOTS}{sign}"));
    is_refused(place.path(), "holds \"CN=ev\"");
    // Without what is above it, it is no root.
    script(place.path(), "cat own.crt > req/ca.crt");
    let planned = node(place.path(), &["import", "req", "--dry-run"]).expect(0);
    let own = fingerprint(&place.join("own.crt"));
    let line = format!("new CA CN=kubernetes, SHA-256 {own}, below CN=ca, which did not come");
    let told: Vec<&str> = planned.stdout.split_whitespace().collect();
    assert!(told.join(" ").contains(&line), "{planned}");
    script(
        place.path(),
        "cat ca.crt own.crt ca.crt own.crt > req/ca.crt",
    );
    let imported = node(place.path(), &["import", "req"]).expect(0);
    let root = fingerprint(&place.join("ca.crt"));
    let line = format!("new root CN=ca, SHA-256 {root}");
    assert!(imported.stdout.contains(&line), "{imported}");
    let own = read(&place.join("own.crt")) + &read(&place.join("ca.crt"));
    assert_eq!(read(&place.join("node/pki/ca.crt")), own);
}

#[test]
fn what_others_may_write_is_not_taken() {
    let place = came_back("365");
    for mode in [0o777, 0o1777] {
        set_mode(&place.join("req"), mode);
        is_refused(place.path(), "req is a directory of mode");
    }
    set_mode(&place.join("req"), 0o755);
    for file in ["ca.crt", "admin.crt", "requests.json"] {
        let file = place.join("req").join(file);
        set_mode(&file, 0o666);
        let words = format!(
            "req/{} has the mode 0666: chmod it to 0644",
            file.file_name()
                .and_then(|name| name.to_str())
                .expect("a name")
        );
        is_refused(place.path(), &words);
        set_mode(&file, 0o644);
    }
    // Of a directory of somebody else's it is told, as it is of the tree's own.
    script(place.path(), "chown -R 65534 req");
    let imported = node(place.path(), &["import", "req"]).expect(3);
    let words = "req is a directory of user 65534";
    assert!(imported.stderr.contains(words), "{imported}");
    for file in ["ca.crt", "admin.crt", "apiserver.crt", "requests.json"] {
        let words = format!("req/{file} belongs to user 65534, who can put another in its place");
        assert!(imported.stderr.contains(&words), "{words}: {imported}");
    }
    // What is named needs no list.
    set_mode(&place.join("req/requests.json"), 0o666);
    let named = node(place.path(), &["import", "req", "admin"]).expect(3);
    assert!(!named.stderr.contains("requests.json"), "{named}");
}

#[test]
fn what_others_may_write_is_asked_for_no_second_time() {
    let place = TempDir::new();
    let verb = ["csr", "apiserver", "admin", "--csr-dir", "req"];
    let csr = || node(place.path(), &[&verb[..], &CLUSTER].concat());
    csr().expect(0);
    for file in ["admin.csr", "requests.json"] {
        let path = place.join("req").join(file);
        set_mode(&path, 0o666);
        let refused = csr().expect(4);
        let words = format!("req/{file} has the mode 0666: chmod it to 0644");
        assert!(refused.stderr.contains(&words), "{refused}");
        set_mode(&path, 0o644);
        script(place.path(), &format!("chown 65534 req/{file}"));
        let told = csr().expect(3);
        let words = format!("req/{file} belongs to user 65534");
        assert!(told.stderr.contains(&words), "{told}");
        script(place.path(), &format!("chown 0 req/{file}"));
        csr().expect(0);
    }
}

#[test]
fn dates_are_held_against_the_rules_of_a_leaf_that_is_there() {
    let place = came_back("20000");
    let long = node(place.path(), &["import", "req", "admin"]).expect(3);
    assert!(
        long.stderr
            .contains("warning: req/admin.crt says that it ends on"),
        "{long}"
    );
    assert!(long.stderr.contains("its CA ends on"), "{long}");
    let checked = node(place.path(), &["check", "-o", "json"]);
    assert!(checked.stdout.contains("outlives-ca"), "{checked}");

    // In the last third of its time.
    let place = came_back("365");
    let at = format!("at='{} -f -20h'", tool("faketime").display());
    let lines = format!("{at}{SIGN}for name in admin apiserver; do sign $name 1; done");
    script(place.path(), &lines);
    let short = node(place.path(), &["import", "req"]).expect(3);
    for words in [
        "warning: req/apiserver.crt ends on",
        "warning: req/admin.crt ends on",
        "have its CA issue it again",
    ] {
        assert!(short.stderr.contains(words), "{words}: {short}");
    }
    assert!(!short.stdout.contains("expires-with-ca"), "{short}");
    // Nobody is sent to a CA's key that is not here.
    let checked = node(place.path(), &["check"]).expect(3);
    let words = "'certs csr apiserver' asks the CA's owner for it";
    assert!(
        checked.stderr.contains(words) || checked.stdout.contains(words),
        "{checked}"
    );
    for here in ["--force", "certs renew"] {
        assert!(!format!("{checked}").contains(here), "{checked}");
    }
    // Where it is, it is what renews.
    fs::copy(place.join("ca.key"), place.join("node/pki/ca.key")).expect("copy");
    set_mode(&place.join("node/pki/ca.key"), 0o600);
    let checked = node(place.path(), &["check"]).expect(3);
    assert!(
        format!("{checked}").contains("'certs renew apiserver' renews it"),
        "{checked}"
    );
}

#[test]
fn without_its_key_or_with_one_that_is_encrypted_a_ca_is_not_asked_for() {
    let place = TempDir::new();
    let tree = ["ca", "ca", "-q", "--kubernetes-dir", "node"];
    on(place.path(), &tree).expect(0);
    let key = place.join("node/pki/ca.key");
    let csr = ["csr", "ca", "--csr-dir", "req"];
    node(place.path(), &csr).expect(0);
    fs::remove_dir_all(place.join("req")).expect("remove");
    fs::remove_file(place.join("node/pki/ca.csr")).expect("remove");
    script(
        place.path(),
        "openssl pkcs8 -topk8 -in node/pki/ca.key -out locked -passout pass:secret; mv locked node/pki/ca.key; \
         chmod 600 node/pki/ca.key",
    );
    let refused = node(place.path(), &csr).expect(4);
    assert!(refused.stderr.contains("ca.key is encrypted"), "{refused}");
    fs::remove_file(&key).expect("remove");
    let refused = node(place.path(), &csr).expect(4);
    let words = "ca.crt stands without ca.key, with which a CA is asked for: run this where that key is, or move \
                 ca.crt away to ask for a CA with a new one";
    assert!(refused.stderr.contains(words), "{refused}");
    let refused = node(place.path(), &[&csr[..], &["-o", "json"]].concat()).expect(4);
    assert_eq!(told(&refused)["findings"][0]["code"], "missing-key");
    assert!(!place.join("req").exists());
}

#[test]
fn no_certificate_is_put_beside_a_ca_key_that_it_cannot_be_held_against() {
    let place = TempDir::new();
    let verb = ["csr", "ca", "--csr-dir", "req"];
    node(place.path(), &[&verb[..], &CLUSTER].concat()).expect(0);
    script(
        place.path(),
        &format!(
            "{ROOTS}cp ev.crt req/ca.crt; rm node/pki/ca.csr
             openssl pkcs8 -topk8 -in node/pki/ca.key -out locked -passout pass:secret; mv locked node/pki/ca.key
             chmod 600 node/pki/ca.key"
        ),
    );
    is_refused(
        place.path(),
        "cannot be held against ca.key, which is encrypted",
    );
}

#[test]
fn of_a_ca_that_came_back_and_may_not_sign_that_alone_is_told() {
    let place = TempDir::new();
    on(
        place.path(),
        &[&["all", "-q", "--kubernetes-dir", "node"], &CLUSTER[..]].concat(),
    )
    .expect(0);
    node(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
    for (extensions, words) in [
        (
            "basicConstraints=critical,CA:FALSE",
            "is not a CA: its basic constraints do not say CA:TRUE",
        ),
        (
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign",
            "may not sign: its key usage lacks keyCertSign",
        ),
    ] {
        let sign = format!(
            "identifier=$(openssl x509 -in node/pki/ca.crt -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :')
             printf '{extensions}\nsubjectKeyIdentifier='$identifier'\nauthorityKeyIdentifier=keyid\n' > ca.ext
             openssl x509 -req -days 3000 -extfile ca.ext -CAcreateserial -CA ca.crt -CAkey ca.key \
                 -in req/ca.csr -out own.crt 2> /dev/null
             cat own.crt ca.crt > req/ca.crt"
        );
        script(place.path(), &format!("{ROOTS}{sign}"));
        let refused = told(&node(place.path(), &["import", "req", "-o", "json"]).expect(4));
        let findings = refused["findings"].as_array().expect("findings").iter();
        let findings: Vec<_> = findings
            .map(|one| [&one["severity"], &one["code"], &one["text"]])
            .filter(|one| one[0] != "note")
            .collect();
        assert_eq!(
            findings,
            [[&Value::from("error"), &"not-a-ca".into(), &words.into()]]
        );
    }
}

#[test]
fn on_a_new_node_a_ca_that_is_being_replaced_is_trusted_where_its_operator_put_it() {
    // A trust file of two CAs: what came back was signed by the new one, `ca`; `ev` is the former.
    let place = came_back("365");
    script(place.path(), "cat ca.crt ev.crt > req/ca.crt");
    is_refused(
        place.path(),
        "to which nothing leads that was asked for: take it out, or place ca.crt yourself if the cluster is to \
         trust that CA too",
    );
    script(
        place.path(),
        "cp req/ca.crt node/pki/ca.crt; chmod 644 node/pki/ca.crt",
    );
    for came in ["cat ca.crt ev.crt", "cat ca.crt", "cat ev.crt"] {
        script(
            place.path(),
            &format!("{came} > req/ca.crt; cp -a node before"),
        );
        node(place.path(), &["import", "req"]).expect(0);
        let both = read(&place.join("ca.crt")) + &read(&place.join("ev.crt"));
        assert_eq!(read(&place.join("node/pki/ca.crt")), both);
        let trusted = kubeconfig_data(&place.join("node/admin.conf"), "certificate-authority-data");
        assert_eq!(String::from_utf8_lossy(&trusted), both);
        only_others_lack(place.path());
        script(place.path(), "rm -r node; mv before node");
    }
    // What the former one signed is as good.
    script(place.path(), &format!("{SIGN}sign admin 365 ev"));
    node(place.path(), &["import", "req"]).expect(0);
    only_others_lack(place.path());
}

/// `cross WHO NAME BY [DAYS]`: a certificate of `int`'s or `ca`'s key, by another CA.
const CROSS: &str = r"
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' > ca.ext
[ -f int.key ] || openssl ecparam -name prime256v1 -genkey -noout -out int.key
cross() {
    openssl req -new -key $1.key -subj /CN=$1 | openssl x509 -req -days ${4:-2000} -extfile ca.ext -CAcreateserial \
        -CA $3.crt -CAkey $3.key -out $2.crt 2> /dev/null
}
";

#[test]
fn of_an_intermediate_with_two_issuers_the_way_to_one_root_counts_and_the_other_is_placed_by_hand()
{
    let place = came_back("365");
    let sign = "cross int int ca; cross int again ca; cross int other ev 1999; sign admin 365 int; sign apiserver 365 int";
    script(place.path(), &format!("{CROSS}{SIGN}{sign}"));
    let crossed = fingerprint(&place.join("other.crt"));
    let words = format!(
        "req/ca.crt holds a further certificate of \"CN=int\" (SHA-256 {crossed}), by \"CN=ev\", which is not above \
         what was asked for: take it out, or place ca.crt yourself"
    );
    for file in [
        "int.crt other.crt ca.crt",
        "int.crt ca.crt other.crt ev.crt",
    ] {
        script(place.path(), &format!("cat {file} > req/ca.crt"));
        is_refused(place.path(), &words);
    }
    // One that the same root signed is another certificate, and no other anchor.
    script(
        place.path(),
        "cat int.crt again.crt ca.crt > req/ca.crt; cp -a node before",
    );
    node(place.path(), &["import", "req"]).expect(0);
    assert_eq!(
        read(&place.join("node/pki/ca.crt")),
        read(&place.join("req/ca.crt"))
    );
    only_others_lack(place.path());
    script(
        place.path(),
        "rm -r node; mv before node
         cat int.crt other.crt ca.crt ev.crt > node/pki/ca.crt; chmod 644 node/pki/ca.crt; rm req/ca.crt",
    );
    node(place.path(), &["import", "req"]).expect(0);
    only_others_lack(place.path());
    let leaf = read(&place.join("node/pki/apiserver.crt"));
    let chain = read(&place.join("req/apiserver.crt")) + &read(&place.join("int.crt"));
    assert_eq!(leaf, chain);
    let verify =
        "openssl verify -CAfile ca.crt -untrusted node/pki/apiserver.crt node/pki/apiserver.crt
                  openssl verify -CAfile ev.crt -untrusted other.crt node/pki/apiserver.crt";
    script(place.path(), verify);
}

#[test]
fn what_came_back_may_lie_where_nobody_writes() {
    let place = came_back("365");
    // A directory of root's, and a tree of one's own.
    let theirs = "chmod 755 req; chown -R 65534:65534 node; cp -a node before";
    script(place.path(), theirs);
    set_mode(place.path(), 0o755);
    let import = [&["import", "req"][..], &NODE].concat();
    as_nobody(place.path(), &import).expect(0);
    assert!(place.join("node/pki/apiserver.crt").exists());
    // A medium that nobody writes.
    script(
        place.path(),
        "rm -rf node; mv before node; chown -R 0:0 node",
    );
    with_read_only(place.path(), "req", &import).expect(0);
    only_others_lack(place.path());
}

#[test]
fn what_came_back_on_a_medium_without_locks_is_read_where_nobody_can_write_it() {
    let place = came_back("365");
    let import = certs(&[&["import", "req"][..], &NODE].concat());
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-o", "trace", "-P", text(&place.join("req"))]);
    strace.args(["-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]);
    strace.arg(import.get_program()).args(import.get_args());
    let refused = run(strace.current_dir(place.path())).expect(1);
    let words = "lock req: no record locks available: choose a directory on a local file system";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(!place.join("node/pki/apiserver.crt").exists());
    run(read_only("req", &strace).current_dir(place.path())).expect(0);
    assert!(place.join("node/pki/apiserver.crt").exists());
    only_others_lack(place.path());
}

#[test]
fn half_of_an_interrupted_run_is_not_imported_and_a_run_that_writes_is_waited_for() {
    let place = came_back("365");
    let mut flock = Command::new(tool("flock"));
    let import = certs(&[&["import", "req", "--lock-timeout", "0s"][..], &NODE].concat());
    flock.args(["--exclusive", "req"]).arg(import.get_program());
    let busy = run(flock.args(import.get_args()).current_dir(place.path())).expect(1);
    let words = "another program holds the lock on req (process ";
    assert!(busy.stderr.contains(words), "{busy}");
    // A reader keeps none out.
    let mut flock = Command::new(tool("flock"));
    flock.args(["--shared", "req"]).arg(import.get_program());
    let dry = import.get_args().chain(["--dry-run".as_ref()]);
    run(flock.args(dry).current_dir(place.path())).expect(0);
    // `sign` was killed when it was decided.
    script(place.path(), "mkdir m; cp -a req/. m; rm m/*.crt");
    let tree = ["all", "-q", "--kubernetes-dir", "machine"];
    on(place.path(), &[&tree[..], &CLUSTER].concat()).expect(0);
    let sign = [
        &["sign", "m", "--kubernetes-dir", "machine"][..],
        &FACTS[..],
    ]
    .concat();
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-o", "trace", "-e", "trace=renameat2", "-e"]);
    strace.arg("inject=renameat2:signal=KILL:when=1");
    let inner = certs(&sign);
    strace.arg(inner.get_program()).args(inner.get_args());
    run(strace.current_dir(place.path()));
    assert!(place.join("m/.certs-journal").exists());
    script(place.path(), "cp -a m closed");
    let closed = [&["import", "closed"][..], &NODE].concat();
    let refused = with_read_only(place.path(), "closed", &closed).expect(1);
    let words = "closed/.certs-journal tells of a run that was interrupted, and is to be completed first: closed is on \
                 a read-only file system: choose another directory for the requests";
    assert!(refused.stderr.contains(words), "{refused}");
    let imported = node(place.path(), &["import", "m"]).expect(0);
    assert!(imported.stdout.contains("m/admin.crt"), "{imported}");
    only_others_lack(place.path());
}

/// `widened NAME EXTENSION…`: what a CA made of a request, with these extensions in place of those asked for.
const WIDENED: &str = r"
widened() {
    name=$1
    shift
    printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature subjectKeyIdentifier=hash \
        authorityKeyIdentifier=keyid $@ > own.ext
    openssl x509 -req -days 365 -extfile own.ext -CAcreateserial -CA ca.crt -CAkey ca.key -in req/$name.csr \
        -out req/$name.crt 2> /dev/null
}
SANS=DNS:cp1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
SANS=subjectAltName=$SANS,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:10.0.0.10
";

#[test]
fn what_was_asked_for_decides_and_not_what_is_in_its_place() {
    let place = came_back("365");
    node(place.path(), &["import", "req"]).expect(0);
    let more = ["--apiserver-cert-extra-sans", "new.example.com"];
    let verb = ["csr", "apiserver", "--csr-dir", "req"];
    node(place.path(), &[&verb[..], &FACTS, &more].concat()).expect(0);
    let before = listing(&place.join("node"));
    let lacks = "req/apiserver.crt lacks the SAN new.example.com: have its CA issue it again";
    // What is there from the time before has the former names.
    let refused = |verb: &[&str], words: &str| {
        let refused = node(place.path(), verb).expect(4);
        assert!(refused.stderr.contains(words), "{refused}");
        assert_eq!(listing(&place.join("node")), before);
    };
    refused(&["import", "req"], lacks);
    refused(&[&["import", "req"], &FACTS[..]].concat(), lacks);
    // The request beside the certificate will do, if the same key signed it.
    script(place.path(), "mv node/pki/apiserver.csr kept");
    let refused = node(place.path(), &["import", "req"]).expect(4);
    assert!(refused.stderr.contains(lacks), "{refused}");
    script(
        place.path(),
        "cp req/apiserver.csr own; openssl req -new -key ca.key -subj /CN=kube-apiserver -addext subjectAltName=DNS:cp1 \
         -out req/apiserver.csr",
    );
    let kept = node(place.path(), &["import", "req"]).expect(0);
    assert!(kept.stdout.contains("Everything is as wanted"), "{kept}");
    script(
        place.path(),
        &format!(
            "mv own req/apiserver.csr; mv kept node/pki/apiserver.csr; {SIGN}sign apiserver 365"
        ),
    );
    // What facts tell, and nobody asked for, its CA cannot give.
    let other = ["--apiserver-cert-extra-sans", "other.example.com"];
    let stated = [&["import", "req"], &FACTS[..], &other].concat();
    let told = node(place.path(), &stated).expect(4);
    let words = "req/apiserver.crt lacks the SAN other.example.com: 'certs csr apiserver', with the same facts, asks for it";
    assert!(told.stderr.contains(words), "{told}");
    let imported = node(place.path(), &["import", "req"]).expect(0);
    assert!(imported.stdout.contains("Put in place"), "{imported}");
    assert_eq!(imported.stderr, "");
    only_others_lack(place.path());
}

#[test]
fn what_a_ca_added_is_told_by_name_and_never_wanted_of_the_next_one() {
    let place = came_back("365");
    script(
        place.path(),
        &format!(
            "{WIDENED}widened apiserver \"$SANS,DNS:*.evil.com,URI:spiffe://x\" \
                 extendedKeyUsage=serverAuth,clientAuth,codeSigning
             widened admin subjectAltName=DNS:evil.com extendedKeyUsage=clientAuth,serverAuth"
        ),
    );
    let widened = [
        ("apiserver", "SAN *.evil.com"),
        ("apiserver", "SAN URI:spiffe://x"),
        ("apiserver", "extended key usage clientAuth"),
        ("apiserver", "extended key usage 1.3.6.1.5.5.7.3.3"),
        ("admin", "SAN evil.com"),
        ("admin", "extended key usage serverAuth"),
    ];
    let imported = node(place.path(), &["import", "req"]).expect(3);
    for (name, what) in widened {
        let words = format!(
            "warning: req/{name}.crt has the {what}, which is not wanted: have its CA issue it again"
        );
        assert!(imported.stderr.contains(&words), "{words}: {imported}");
    }
    // In its place too, as far as the profile says it; a server's further names may be anybody's.
    let checked = node(place.path(), &["check"]).expect(3);
    for ((name, what), file) in widened[2..]
        .iter()
        .zip(["pki/apiserver.crt"; 2].iter().chain(&["admin.conf"; 2]))
    {
        let words = format!(
            "node/{file} has the {what}, which is not wanted: 'certs csr {name}' asks the CA's owner for it"
        );
        assert!(checked.stdout.contains(&words), "{words}: {checked}");
    }
    // The next request asks for what was asked for before.
    let verb = ["csr", "apiserver", "admin", "--csr-dir", "next"];
    let asked = node(place.path(), &verb);
    assert!(asked.status.success(), "{asked}");
    assert!(!read(&place.join("next/requests.json")).contains("evil"));
    let shown = "openssl req -in next/apiserver.csr -noout -text | grep -v evil | grep -c 'DNS:cp1, .*10.0.0.10'";
    script(place.path(), shown);
    // And what its CA issues again is taken.
    script(
        place.path(),
        &format!("{SIGN}for name in admin apiserver; do sign $name 365; done"),
    );
    let imported = node(place.path(), &["import", "req", "apiserver", "admin"]).expect(0);
    assert!(imported.stdout.contains("Put in place"), "{imported}");
    only_others_lack(place.path());
}

#[test]
fn requests_go_to_a_directory_of_their_own_that_nobody_else_may_write() {
    let place = TempDir::new();
    let csr = |folder: &str| {
        let verb = ["csr", "apiserver", "admin", "--csr-dir", folder];
        node(place.path(), &[&verb[..], &FACTS].concat())
    };
    // Before there is one, and after.
    for _ in 0..2 {
        for folder in ["node/pki", "node", "node/pki/etcd"] {
            let refused = csr(folder).expect(2);
            let words = format!(
                "--csr-dir: {folder} is a directory of the tree, where keys lie: name another one, which is handed out"
            );
            assert!(refused.stderr.contains(&words), "{refused}");
            assert!(!place.join("node/admin.conf").exists());
        }
        script(place.path(), "mkdir -p node/pki/etcd req");
    }
    for mode in [0o777, 0o1777] {
        set_mode(&place.join("req"), mode);
        let refused = csr("req").expect(4);
        let words = format!("req is a directory of mode {mode:04o}: chmod it to 0755");
        assert!(refused.stderr.contains(&words), "{refused}");
        assert!(!place.join("node/admin.conf").exists());
    }
    script(place.path(), "chmod 755 req; chown 65534 req");
    let told = csr("req").expect(3);
    let words = "req is a directory of user 65534";
    assert!(told.stderr.contains(words), "{told}");
    script(place.path(), "chown 0 req");
    csr("req").expect(0);
}

#[test]
fn a_ca_that_came_back_alone_is_imported_by_its_name() {
    let place = came_back("365");
    node(place.path(), &["import", "req"]).expect(0);
    script(place.path(), "mkdir back; cp ca.crt back");
    let refused = node(place.path(), &["import", "back"]).expect(2);
    let words = "back holds no certificate that came back: one is called NAME.crt; a CA is imported by its name alone: \
                 give it behind the directory, as in 'ca'";
    assert!(refused.stderr.contains(words), "{refused}");
    node(place.path(), &["import", "back", "ca"]).expect(0);
}

#[test]
fn a_key_that_a_kubeconfig_named_and_holds_now_is_told_and_one_that_it_held_is_not() {
    let place = TempDir::new();
    let facts = [&CLUSTER[..], &["--kubernetes-dir", "node"]].concat();
    on(place.path(), &[&["all"][..], &facts].concat()).expect(0);
    script(
        place.path(),
        "cp -a node ca; rm node/pki/ca.key node/pki/etcd/ca.key node/pki/front-proxy-ca.key",
    );
    let csr = ["csr", "admin", "scheduler", "--csr-dir", "req"];
    node(place.path(), &csr).expect(0);
    on(place.path(), &["sign", "req", "--kubernetes-dir", "ca"]).expect(0);
    script(
        place.path(),
        "sed -n 's/^ *client-key-data: //p' node/admin.conf | base64 -d > node/pki/admin.key; chmod 600 node/pki/admin.key
         sed -i \"s#client-key-data:.*#client-key: $PWD/node/pki/admin.key#\" node/admin.conf",
    );
    let told = node(place.path(), &["import", "req"]).expect(0);
    let words = "node/pki/admin.key, which admin.conf named and does not need any more";
    assert!(told.stdout.contains(words), "{told}");
    assert_eq!(told.stdout.matches("Delete the key").count(), 1, "{told}");
    assert!(read(&place.join("node/admin.conf")).contains("client-key-data: "));
}

#[test]
fn what_came_back_for_another_key_is_told_once() {
    for other in [
        "$key -out node/pki/apiserver.key",
        "sed -i \"s#client-key-data:.*#client-key-data: $($key | base64 -w0)#\" node/admin.conf",
    ] {
        let place = came_back("365");
        let key = "key='openssl ecparam -name prime256v1 -genkey -noout'";
        let before = node(place.path(), &["import", "req"]).expect(0);
        assert!(!before.stderr.contains("is not for"), "{before}");
        script(place.path(), &format!("{key}; {other}"));
        let refused = node(place.path(), &["import", "req"]).expect(4);
        assert_eq!(refused.stderr.matches("error: ").count(), 1, "{refused}");
        assert!(refused.stderr.contains("is not for"), "{refused}");
    }
}

/// The requests of a new node for these in `req`, signed by the CAs of `ca`, whose certificates are beside them.
fn signed(names: &[&str], more: &[&str]) -> TempDir {
    let place = TempDir::new();
    let all = ["all", "-q", "--kubernetes-dir", "ca"];
    on(place.path(), &[&all[..], &CLUSTER].concat()).expect(0);
    let csr = [&["csr"], names, &["--csr-dir", "req"], &FACTS, more].concat();
    node(place.path(), &csr).expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", "ca"];
    on(place.path(), &[&sign[..], &FACTS].concat()).expect(0);
    place
}

/// `client CA NAME SERIAL`: a client's certificate as it is asked for without keyEncipherment.
const CLIENT: &str = r"
printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
    extendedKeyUsage=clientAuth subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > client.ext
client() {
    openssl x509 -req -days 365 -extfile client.ext -CA $1.crt -CAkey $1.key -set_serial $3 \
        -in req/$2.csr -out req/$2.crt 2> /dev/null
}
serial=0x1234567890abcdef1234567890abcdef
";

/// What is told of these codes.
fn warned(finished: &Finished, codes: &[&str]) -> Vec<String> {
    let report = told(finished);
    let findings = report["findings"].as_array().expect("findings").iter();
    let findings = findings.filter(|one| codes.iter().any(|code| one["code"] == *code));
    let line = |one: &Value| format!("{} {}", one["code"], one["text"]).replace('"', "");
    let mut lines: Vec<String> = findings.map(line).collect();
    lines.sort();
    lines
}

#[test]
fn what_check_warns_of_between_two_files_is_told_of_the_one_that_came_back() {
    let codes = ["same-ca-name", "same-serial", "shared-ca"];
    let names = ["front-proxy-client", "admin", "scheduler"];
    let own = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout own.key -out own.crt \
                 -subj /CN=kubernetes -addext keyUsage=critical,keyCertSign,cRLSign 2> /dev/null";
    for (lines, expected) in [
        ("", &[][..]),
        (
            "for of in front-proxy-client admin; do client ca/pki/ca $of $serial; done; cp ca/pki/ca.crt req/front-proxy-ca.crt",
            &[
                "same-serial has the serial number 1234567890abcdef1234567890abcdef, as has front-proxy-client.crt",
                "shared-ca is the CA of ca.crt too",
            ],
        ),
        (
            "client own front-proxy-client $serial; client ca/pki/ca admin $serial; cp own.crt req/front-proxy-ca.crt",
            &["same-ca-name has the subject of ca.crt, \\CN=kubernetes\\, and another key"],
        ),
    ] {
        let place = signed(&names, &["--key-algorithm", "ECDSA-P256"]);
        script(place.path(), &format!("{CLIENT}{own}; {lines}"));
        let exit = if expected.is_empty() { 0 } else { 3 };
        let imported = node(place.path(), &["import", "req", "-o", "json"]).expect(exit);
        assert_eq!(warned(&imported, &codes), expected);
        for one in told(&imported)["findings"].as_array().expect("findings") {
            let file = one["file"].as_str().expect("a file");
            assert!(
                file.starts_with("req/") || one["severity"] == "note",
                "{one}"
            );
        }
        let checked = node(place.path(), &["check", "-o", "json"]).expect(3);
        assert_eq!(warned(&checked, &codes), expected);
    }
}

#[test]
fn of_what_is_there_and_what_came_back_the_latter_has_the_number_of_the_other() {
    let place = signed(&["admin", "scheduler"], &["--key-algorithm", "ECDSA-P256"]);
    let lines = "client ca/pki/ca scheduler $serial; client ca/pki/ca admin $serial";
    script(place.path(), &format!("{CLIENT}{lines}"));
    node(place.path(), &["import", "req", "scheduler"]).expect(0);
    let imported = node(place.path(), &["import", "req", "admin"]).expect(3);
    let words = "req/admin.crt has the serial number 1234567890abcdef1234567890abcdef, as has scheduler.conf: \
                 have its CA issue it again";
    assert!(imported.stderr.contains(words), "{imported}");
    assert!(
        !imported.stderr.contains("scheduler.conf has"),
        "{imported}"
    );
}

#[test]
fn where_a_ca_cannot_be_read_or_did_not_come_that_alone_is_told() {
    let names = ["apiserver", "admin", "scheduler", "front-proxy-client"];
    let place = signed(&names, &["--key-algorithm", "ECDSA-P256"]);
    let whole = read(&place.join("req/ca.crt"));
    for (lines, words) in [
        (
            "sed -i '1s/^/\\xef\\xbb\\xbf/' req/ca.crt",
            "req/ca.crt cannot be used: ",
        ),
        (
            "head -c 200 req/ca.crt > cut; cat cut > req/ca.crt",
            "req/ca.crt cannot be used: ",
        ),
        (
            "rm req/ca.crt",
            "node/pki/ca.crt did not come back, and is not here",
        ),
        (
            "mkdir -p node/pki; echo x > node/pki/ca.crt",
            "node/pki/ca.crt cannot be used: ",
        ),
    ] {
        common::write(&place.join("req/ca.crt"), &whole);
        script(place.path(), lines);
        let refused = node(place.path(), &["import", "req"]).expect(4);
        assert_eq!(refused.stderr.matches("error: ").count(), 1, "{refused}");
        assert!(refused.stderr.contains(words), "{refused}");
    }
    // That hides nothing of what came back itself.
    script(
        place.path(),
        "rm node/pki/ca.crt req/scheduler.crt; cp req/apiserver.crt req/admin.crt",
    );
    let refused = node(place.path(), &["import", "req"]).expect(4);
    for words in [
        "req/scheduler.crt did not come back",
        "req/admin.crt is not for the key in admin.conf",
    ] {
        assert!(refused.stderr.contains(words), "{refused}");
    }
}

#[test]
fn of_a_ca_whose_key_is_weak_that_alone_is_told() {
    let place = signed(&["front-proxy-client"], &["--key-algorithm", "ECDSA-P256"]);
    let weak =
        "openssl req -x509 -newkey rsa:1024 -nodes -days 3650 -keyout weak.key -out weak.crt \
                 -subj /CN=front-proxy-ca -addext keyUsage=critical,keyCertSign,cRLSign 2> /dev/null
                client weak front-proxy-client $serial";
    script(
        place.path(),
        &format!("{CLIENT}{weak}; cat weak.crt > req/front-proxy-ca.crt"),
    );
    let refused = node(place.path(), &["import", "req"]).expect(4);
    assert_eq!(refused.stderr.matches("error: ").count(), 1, "{refused}");
    let words = "has a key that is neither RSA of 2048 to 8192 bits";
    assert!(refused.stderr.contains(words), "{refused}");
    // One beside it is told all the same, and one alone that signed nothing is no further one of itself.
    script(place.path(), "cat ca/pki/ca.crt >> req/front-proxy-ca.crt");
    let refused = node(place.path(), &["import", "req"]).expect(4);
    let words = "holds \"CN=kubernetes\" (SHA-256 ";
    assert!(refused.stderr.contains(words), "{refused}");
    script(place.path(), "cat ca/pki/ca.crt > req/front-proxy-ca.crt");
    let refused = node(place.path(), &["import", "req"]).expect(4);
    assert!(
        refused
            .stderr
            .contains("to which nothing leads that was asked for"),
        "{refused}"
    );
    assert!(
        !refused.stderr.contains("a further certificate"),
        "{refused}"
    );
}

#[test]
fn a_client_of_an_rsa_key_needs_no_key_encipherment() {
    let place = signed(&["admin"], &["--key-algorithm", "RSA-2048"]);
    script(
        place.path(),
        &format!("{CLIENT}client ca/pki/ca admin $serial"),
    );
    node(place.path(), &["import", "req"]).expect(0);
    node(place.path(), &["check"]).expect(0);
}

#[test]
fn what_a_ca_gave_for_another_time_and_what_has_another_kind_of_key_is_told_before_it_is_written() {
    let codes = ["absent", "key-algorithm", "validity"];
    let place = signed(&["apiserver", "admin"], &["--key-algorithm", "ECDSA-P256"]);
    script(place.path(), "cp -a node kept");
    for (stated, of_file, of_kubeconfig) in [
        (
            "certificateValidityPeriod: 8760h\nencryptionAlgorithm: ECDSA-P256",
            "",
            "",
        ),
        (
            "certificateValidityPeriod: 1000h\nencryptionAlgorithm: RSA-3072",
            "move apiserver.crt and apiserver.key away",
            "move admin.conf away",
        ),
    ] {
        let lines = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration";
        script(
            place.path(),
            &format!("rm -rf node; cp -a kept node; printf '{lines}\n{stated}\n' > stated.yaml"),
        );
        let stated = [&["--config", "stated.yaml"], &FACTS[..]].concat();
        let exit = if of_file.is_empty() { 0 } else { 3 };
        let import = [&["import", "req", "-o", "json"], &stated[..]].concat();
        let before = node(place.path(), &[&import[..], &["--dry-run"]].concat()).expect(exit);
        let imported = node(place.path(), &import).expect(exit);
        let warned_of = warned(&imported, &codes);
        assert_eq!(warned(&before, &codes), warned_of);
        let check = [&["check", "-o", "json"], &stated[..]].concat();
        let checked = warned(&node(place.path(), &check).expect(3), &codes);
        let (absent, of_those): (Vec<_>, Vec<_>) = checked
            .into_iter()
            .partition(|one| one.starts_with("absent"));
        assert_eq!(warned_of, of_those);
        assert!(!absent.is_empty());
        // A kubeconfig that begins with its CA may have been issued for any time.
        let counts = if of_file.is_empty() { 0..=0 } else { 3..=4 };
        assert!(counts.contains(&warned_of.len()), "{imported}");
        for one in told(&imported)["findings"].as_array().expect("findings") {
            let key = one["name"].as_str().map(|name| match name {
                "admin" => of_kubeconfig,
                _ => of_file,
            });
            let (file, way_out) = (one["file"].as_str(), one["wayOut"].as_str());
            match one["code"].as_str() {
                Some("validity") => assert_eq!(way_out, Some("have its CA issue it again")),
                Some("key-algorithm") => assert!(way_out.unwrap().contains(key.unwrap()), "{one}"),
                _ => continue,
            }
            assert!(file.is_some_and(|file| file.starts_with("req/")), "{one}");
        }
    }
}

#[test]
fn what_was_asked_for_too_and_has_no_key_here_is_told_to_lack() {
    let names = ["apiserver", "apiserver-kubelet-client"];
    let place = signed(&names, &["--key-algorithm", "ECDSA-P256"]);
    script(
        place.path(),
        "rm node/pki/apiserver-kubelet-client.*; cp -a node kept; cp -a req bare; rm bare/requests.json",
    );
    // Given all it is an error, told once.
    let all = node(place.path(), &["import", "req"]).expect(4);
    let lines = all.stderr.lines();
    assert_eq!(
        lines.filter(|line| line.starts_with("error")).count(),
        1,
        "{all}"
    );
    let words = "apiserver-kubelet-client.crt is not there";
    let imported = node(place.path(), &["import", "req", "apiserver"]).expect(3);
    assert!(imported.stderr.contains(words), "{imported}");
    let checked = node(place.path(), &["check"]).expect(3);
    assert!(checked.stdout.contains(words), "{checked}");
    // Of what was not asked for with it nothing is told.
    assert!(!imported.stderr.contains("scheduler"), "{imported}");
    script(place.path(), "rm -r node; mv kept node");
    let alone = node(place.path(), &["import", "bare", "apiserver"]).expect(0);
    assert_eq!(alone.stderr, "");
}
