//! What somebody who holds the medium between a node and its CA can do with it: nothing that the node did not ask
//! for is trusted, signed or put in place in silence.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;

mod common;
use common::node::{FACTS, node, on, script};
use common::{CLUSTER, Finished, TempDir, listing, read, write};

/// A control plane whose API server's certificate was asked for in `req`, and signed.
fn signed() -> TempDir {
    let place = TempDir::new();
    let facts = [&CLUSTER[..], &["--kubernetes-dir", "node"]].concat();
    on(place.path(), &[&["all", "-q"][..], &facts].concat()).expect(0);
    fs::create_dir(place.join("kubelet")).expect("make a folder");
    let csr = ["csr", "apiserver", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", "node"];
    on(place.path(), &[&sign[..], &FACTS].concat()).expect(0);
    place
}

/// `anew`: the public key of the cluster's CA, certified by a root of somebody else's, and that root, which needs
/// no private key of the cluster's. `listed`: the CA among what was asked for.
const PLANTED: &str = r#"
anew() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout evil.key -out evil.crt \
        -subj /CN=evil 2> /dev/null
    ski=$(openssl x509 -in node/pki/ca.crt -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' ')
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign,cRLSign\n' > evil.ext
    printf "subjectKeyIdentifier=$ski\nauthorityKeyIdentifier=keyid\n" >> evil.ext
    openssl x509 -in node/pki/ca.crt -pubkey -noout > ca.pub
    printf '[req]\ndistinguished_name=dn\nstring_mask=pkix\n[dn]\n' > evil.cnf
    openssl req -new -config evil.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.key \
        -subj /CN=kubernetes -out any.csr 2> /dev/null
    openssl x509 -req -in any.csr -force_pubkey ca.pub -CA evil.crt -CAkey evil.key -extfile evil.ext -days 3650 \
        -out x.crt 2> /dev/null
    cat x.crt evil.crt > req/ca.crt
}
listed() {
    sed -i 's/"requests": \[/&{"name":"ca","request":"ca.csr","certificate":"ca.crt","place":"","subject":"","sans":[],"publicKeySha256":""},/' \
        req/requests.json
}
"#;

/// What was told of this code.
fn told(finished: &Finished, code: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings").iter();
    let findings = findings.filter(|one| one["code"] == code);
    let line = |one: &Value| {
        let field = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {}: {}", field("file"), field("text"), field("wayOut"))
    };
    findings.map(line).collect()
}

fn plant(place: &Path, lines: &str) {
    script(place, &format!("{PLANTED}{lines}"));
}

#[test]
fn a_ca_that_the_list_names_and_the_tree_did_not_ask_for_is_not_put_in_place() {
    let place = signed();
    plant(place.path(), "anew; listed");
    let before = listing(&place.join("node"));
    let refused = node(place.path(), &["import", "req"]).expect(4);
    let words = "req/ca.crt is in the list of what was asked for, and the CA that is here did not ask for it, or has \
                 been answered: take ca out of requests.json, or name it if the cluster is to trust what came: 'certs import DIRECTORY ca'";
    assert!(refused.stderr.contains(words), "{refused}");
    let again = node(place.path(), &["import", "req", "-o", "json"]).expect(4);
    assert_eq!(told(&again, "unrelated-ca").len(), 1, "{again}");
    assert_eq!(listing(&place.join("node")), before);
    // What was asked for comes by its name, and the CA that is here counts.
    node(place.path(), &["import", "req", "apiserver"]).expect(0);
    // So it does where the key of that CA is elsewhere.
    fs::remove_file(place.join("node/pki/ca.key")).expect("remove a file");
    node(place.path(), &["import", "req"]).expect(4);
}

#[test]
fn a_new_node_takes_one_root_and_no_other_by_which_somebody_certified_the_public_key_of_its_ca() {
    let place = signed();
    plant(
        place.path(),
        "cp req/ca.crt sound; anew; cp req/ca.crt planted",
    );
    // The node has nothing but what it asked with.
    let bare = "rm -r req kubelet; mkdir kubelet; mv node ca";
    script(place.path(), bare);
    let csr = ["csr", "apiserver", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", "ca"];
    on(place.path(), &[&sign[..], &FACTS].concat()).expect(0);
    for order in ["sound planted", "planted sound"] {
        script(place.path(), &format!("cat {order} > req/ca.crt"));
        let before = listing(&place.join("node"));
        let refused = node(place.path(), &["import", "req", "-o", "json"]).expect(4);
        let lines = told(&refused, "unrelated-ca");
        assert_eq!(lines.len(), 2, "{refused}");
        for words in [
            "req/ca.crt: holds a further certificate of \"CN=kubernetes\" (",
            "req/ca.crt: holds \"CN=evil\" (",
        ] {
            assert!(
                lines.iter().any(|line| line.starts_with(words)),
                "{refused}"
            );
        }
        assert_eq!(listing(&place.join("node")), before);
    }
    script(place.path(), "cp sound req/ca.crt");
    node(place.path(), &["import", "req"]).expect(0);
    assert_eq!(
        read(&place.join("node/pki/ca.crt")),
        read(&place.join("sound"))
    );
}

#[test]
fn a_ca_that_is_not_here_and_signed_nothing_that_came_is_not_founded_because_the_list_names_it() {
    let place = signed();
    let founded = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout evil.key \
                   -subj /CN=front-proxy-ca -addext keyUsage=critical,keyCertSign -out req/front-proxy-ca.crt 2> /dev/null
                   rm node/pki/front-proxy-*";
    plant(place.path(), founded);
    let path = place.join("req/requests.json");
    let list = read(&path);
    plant(
        place.path(),
        "listed; sed -i 's/\"ca\"/\"front-proxy-ca\"/; s/\"ca\\./\"front-proxy-ca./g' req/requests.json",
    );
    let before = listing(&place.join("node"));
    let refused = node(place.path(), &["import", "req", "-o", "json"]).expect(4);
    let words = "req/front-proxy-ca.crt: is in the list of what was asked for, and nothing here asked for it: take \
                 front-proxy-ca out of requests.json, or name it if the cluster is to trust what came: 'certs import \
                 DIRECTORY front-proxy-ca'";
    assert_eq!(told(&refused, "unrelated-ca"), [words], "{refused}");
    // What is not to come does not lack.
    assert_eq!(told(&refused, "ca-absent"), [""; 0], "{refused}");
    assert_eq!(listing(&place.join("node")), before);
    // Whoever names it founds it.
    let named = ["import", "req", "front-proxy-ca"];
    node(place.path(), &named).expect(0);
    fs::remove_file(place.join("node/pki/front-proxy-ca.crt")).expect("remove a file");
    write(&path, list);
    node(place.path(), &["import", "req"]).expect(0);
    assert!(!place.join("node/pki/front-proxy-ca.crt").exists());
}

#[test]
fn a_leaf_of_the_ca_that_is_here_gets_no_intermediate_from_the_medium() {
    for constraints in ["", "nameConstraints=critical,excluded;DNS:kubernetes\n"] {
        let place = signed();
        let constrained = PLANTED.replace(
            "subjectKeyIdentifier=$ski",
            &format!("{constraints}subjectKeyIdentifier=$ski"),
        );
        script(
            place.path(),
            &format!("cp req/ca.crt sound; {constrained} anew; cat sound >> req/ca.crt"),
        );
        node(place.path(), &["import", "req"]).expect(0);
        let came = read(&place.join("node/pki/apiserver.crt"));
        assert_eq!(came.matches("BEGIN CERTIFICATE").count(), 1, "{came}");
        assert_eq!(
            read(&place.join("node/pki/ca.crt")),
            read(&place.join("sound"))
        );
    }
}

#[test]
fn a_root_that_comes_with_a_ca_in_use_is_told_with_its_fingerprint_whatever_is_quiet() {
    for asked in [true, false] {
        let place = signed();
        plant(place.path(), "anew; listed");
        let import: &[&str] = if asked {
            node(place.path(), &["csr", "ca", "--csr-dir", "out"]).expect(0);
            &["import", "req"]
        } else {
            &["import", "req", "ca"]
        };
        let print = "openssl x509 -in evil.crt -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f > print";
        script(place.path(), print);
        let print = read(&place.join("print"));
        let words = format!(
            "has the cluster trust \"CN=evil\" (SHA-256 {})",
            print.trim()
        );
        let before = read(&place.join("node/pki/ca.crt"));
        let planned = node(
            place.path(),
            &[import, &["--dry-run", "-o", "json"]].concat(),
        )
        .expect(3);
        let lines = told(&planned, "new-root");
        assert!(lines.len() == 1 && lines[0].contains(&words), "{planned}");
        assert_eq!(read(&place.join("node/pki/ca.crt")), before);
        let imported = node(place.path(), &[import, &["-q"]].concat()).expect(3);
        assert!(imported.stderr.contains(&words), "{imported}");
        // What is trusted by now is no news.
        let again = node(place.path(), &[import, &["-o", "json"]].concat()).expect(0);
        assert!(told(&again, "new-root").is_empty(), "{again}");
    }
}

/// A cluster CA below `corp.crt`, and its new certificate by another root of that name, `evil.crt`, which is not sent.
const MOVED: &str = r"
root() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout $1.key -out $1.crt \
        -subj /CN=corp 2> /dev/null
}
sign() {
    echo authorityKeyIdentifier=keyid > e
    openssl x509 -req -days 3000 -copy_extensions copyall -extfile e -CA $1.crt -CAkey $1.key -in req/ca.csr \
        -out req/ca.crt 2> /dev/null
}
follows() {
    openssl x509 -in node/pki/apiserver.crt -out leaf.crt
    sed '1,/END/d' node/pki/apiserver.crt > behind.crt
    openssl verify -CAfile $1.crt -untrusted behind.crt leaf.crt > /dev/null 2>&1
}
";

/// Runs what needs the functions above.
fn moved(place: &Path, lines: &str) {
    script(place, &format!("{MOVED}{lines}"));
}

/// A cluster whose CA stands below a root that everybody trusts, and has asked for its new certificate.
fn below_a_root() -> TempDir {
    let place = TempDir::new();
    fs::create_dir(place.join("kubelet")).expect("make a folder");
    let csr = ["csr", "ca", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    moved(
        place.path(),
        "root corp; root evil; sign corp; cat corp.crt >> req/ca.crt",
    );
    // The first brings the root, and takes none away.
    let first = node(place.path(), &[&["import", "req"][..], &FACTS].concat()).expect(0);
    assert!(!first.stdout.contains("root-"), "{first}");
    let all = ["all", "-q", "--kubernetes-dir", "node"];
    on(place.path(), &[&all[..], &CLUSTER].concat()).expect(0);
    moved(place.path(), "follows corp; rm -r req");
    node(place.path(), &csr).expect(0);
    place
}

fn fingerprint(place: &Path, certificate: &str) -> String {
    let print = format!(
        "openssl x509 -in {certificate} -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f > print"
    );
    script(place, &print);
    read(&place.join("print")).trim().to_owned()
}

#[test]
fn a_ca_that_leads_to_another_root_than_before_is_told_and_refused_where_that_root_did_not_come() {
    let place = below_a_root();
    moved(place.path(), "sign evil");
    let leads = format!(
        "req/ca.crt: leads no more to the root \"CN=corp\" (SHA-256 {}), which the cluster trusts now",
        fingerprint(place.path(), "corp.crt")
    );
    let before = listing(&place.join("node"));
    let refused = node(place.path(), &["import", "req", "-o", "json"]).expect(4);
    let lines = told(&refused, "root-not-sent");
    let words = format!(
        "{leads}, nor to another: whoever trusts that alone would be cut off: put the CA that signed it behind it, and \
         those above that up to their root; if no root is to be trusted, take that one out of ca.crt before"
    );
    assert_eq!(lines, [words], "{refused}");
    assert_eq!(listing(&place.join("node")), before);
    // With its root it is told, whatever is quiet: who trusts the former one alone is cut off, as OpenSSL says.
    script(place.path(), "cat evil.crt >> req/ca.crt");
    let import = ["import", "req"];
    let planned = node(
        place.path(),
        &[&import[..], &["--dry-run", "-o", "json"]].concat(),
    )
    .expect(3);
    let lines = told(&planned, "root-dropped");
    assert!(
        lines.len() == 1 && lines[0].starts_with(&leads),
        "{planned}"
    );
    assert_eq!(told(&planned, "new-root").len(), 1, "{planned}");
    assert_eq!(listing(&place.join("node")), before);
    let imported = node(place.path(), &import).expect(3);
    let words = "at once, since who trusts the former root alone cannot follow the new chain";
    assert!(imported.stdout.contains(words), "{imported}");
    moved(place.path(), "! follows corp; follows evil");
    let again = node(place.path(), &import).expect(0);
    assert!(again.stdout.contains("nothing was written"), "{again}");
}

#[test]
fn a_root_that_is_dropped_is_told_whatever_is_quiet_and_cuts_off_nobody_who_was_given_the_new_one_before()
 {
    let place = below_a_root();
    // As the warning says it is done.
    script(place.path(), "cat evil.crt >> node/pki/ca.crt");
    on(
        place.path(),
        &[
            "kubeconfig",
            "refresh",
            "node/admin.conf",
            "--kubernetes-dir",
            "node",
        ],
    )
    .expect(0);
    let held =
        "sed -n 's/.*certificate-authority-data: //p' node/admin.conf | base64 -d > held.crt";
    script(place.path(), held);
    moved(place.path(), "follows held; sign evil");
    let imported = node(place.path(), &["import", "req", "-q"]).expect(3);
    let words = "leads no more to the root \"CN=corp\" (SHA-256 ";
    assert!(imported.stderr.contains(words), "{imported}");
    assert!(!imported.stderr.contains("did not before"), "{imported}");
    moved(place.path(), "follows held; ! follows corp");
}

#[test]
fn a_ca_that_is_issued_anew_below_its_root_or_below_a_renewed_one_is_told_of_no_root_that_is_dropped()
 {
    let place = below_a_root();
    moved(place.path(), "sign corp");
    let imported = node(place.path(), &["import", "req", "--dry-run", "-o", "json"]).expect(0);
    for code in ["root-dropped", "root-not-sent"] {
        assert!(told(&imported, code).is_empty(), "{imported}");
    }
    let imported = node(place.path(), &["import", "req"]).expect(0);
    assert!(
        imported.stdout.contains("before the former one ends"),
        "{imported}"
    );
    moved(place.path(), "follows corp");
    // The root with another certificate of its key is the same.
    let renewed = "openssl req -x509 -key corp.key -days 4000 -subj /CN=corp -out corp2.crt; mv corp2.crt corp.crt";
    script(place.path(), renewed);
    node(place.path(), &["csr", "ca", "--csr-dir", "req"]).expect(0);
    moved(place.path(), "sign corp; cat corp.crt >> req/ca.crt");
    let imported = node(place.path(), &["import", "req", "-o", "json"]).expect(0);
    for code in ["root-dropped", "root-not-sent"] {
        assert!(told(&imported, code).is_empty(), "{imported}");
    }
    moved(place.path(), "follows corp");
}

#[test]
fn a_list_keeps_nothing_that_the_tree_did_not_ask_for() {
    let place = signed();
    plant(place.path(), "listed");
    let csr = ["csr", "admin", "--csr-dir", "req"];
    let asked = node(place.path(), &[&csr[..], &FACTS].concat()).expect(3);
    let words = "req/requests.json tells of ca, which this tree did not ask for";
    assert!(asked.stderr.contains(words), "{asked}");
    let list: Value = serde_json::from_str(&read(&place.join("req/requests.json"))).expect("JSON");
    let names = list["requests"].as_array().expect("requests").iter();
    let names: Vec<_> = names.map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["apiserver", "admin"]);
    // What is asked for anew, its key having been lost, stands for the former one and is nothing to be told.
    fs::remove_file(place.join("node/admin.conf")).expect("lose it");
    script(place.path(), "rm -f node/admin*");
    let again = node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    assert!(!again.stderr.contains("did not ask for"), "{again}");
    // What another key was to be used for neither.
    let path = place.join("req/requests.json");
    let other = read(&path).replacen("\"publicKeySha256\": \"", "\"publicKeySha256\": \"0", 1);
    write(&path, other);
    let csr = ["csr", "scheduler", "--csr-dir", "req"];
    let asked = node(place.path(), &[&csr[..], &FACTS].concat()).expect(3);
    assert!(
        asked.stderr.contains("tells of apiserver, which"),
        "{asked}"
    );
    assert!(!read(&path).contains("\"apiserver\""));
    let again = ["csr", "controller-manager", "--csr-dir", "req"];
    node(place.path(), &[&again[..], &FACTS].concat()).expect(0);
}

#[test]
fn a_request_that_the_list_does_not_tell_is_signed_by_its_own_name_alone_and_what_it_is_good_for_is_told()
 {
    let place = signed();
    let csr = ["csr", "scheduler", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    let request = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.key -subj / \
                   -out req/super-admin.csr 2> /dev/null";
    script(place.path(), request);
    let before = listing(&place.join("req"));
    let sign = |what: &str, more: &[&str]| {
        let sign = ["sign", what, "--kubernetes-dir", "node"];
        on(place.path(), &[&sign[..], &FACTS, more].concat())
    };
    let refused = sign("req", &[]).expect(2);
    let words = "super-admin.csr is not in req/requests.json, which tells what was asked for: move it away, or sign it by \
                 itself: 'certs sign req/super-admin.csr'";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(!refused.stderr.contains("scheduler"), "{refused}");
    assert_eq!(listing(&place.join("req")), before);
    let list = read(&place.join("req/requests.json"));
    write(&place.join("req/requests.json"), "{");
    let refused = sign("req", &[]).expect(2);
    assert!(refused.stderr.contains("requests.json: "), "{refused}");
    write(&place.join("req/requests.json"), list);
    let alone = sign("req/super-admin.csr", &["-o", "json"]).expect(0);
    let lines = told(&alone, "system-masters");
    let words = "req/super-admin.csr: is granted membership in system:masters: ";
    assert_eq!(lines, [words], "{alone}");
    script(place.path(), "rm req/super-admin.*");
    let rest = sign("req", &["-o", "json"]).expect(0);
    assert!(told(&rest, "system-masters").is_empty(), "{rest}");
    assert!(place.join("req/scheduler.crt").exists());
}

#[test]
fn a_request_that_is_not_the_one_that_the_list_tells_of_is_not_signed() {
    let place = signed();
    let csr = ["csr", "super-admin", "--csr-dir", "req"];
    node(place.path(), &[&csr[..], &FACTS].concat()).expect(0);
    script(place.path(), "cp -a req sound");
    let sign = || {
        let sign = ["sign", "req", "--kubernetes-dir", "node", "-o", "json"];
        on(place.path(), &[&sign[..], &FACTS].concat())
    };
    let hash = |from: &str| {
        script(place.path(), &format!("{from} | sha256sum > hash"));
        read(&place.join("hash"))[..64].to_owned()
    };
    let own = hash(
        "openssl req -in req/super-admin.csr -noout -pubkey | openssl pkey -pubin -outform der",
    );
    let other = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.key \
                 -subj /O=system:masters/CN=kubernetes-super-admin -out req/super-admin.csr 2> /dev/null";
    script(place.path(), other);
    let foreign = hash("openssl pkey -in any.key -pubout -outform der");
    let listed = |was: &str, is: &str| {
        script(place.path(), "rm -r req; cp -a sound req");
        let path = place.join("req/requests.json");
        let list = read(&path);
        assert!(list.contains(was), "{list}");
        write(&path, list.replace(was, is));
    };
    let refused = |words: &str| {
        let before = listing(&place.join("req"));
        let refused = sign().expect(4);
        let words = format!("req/super-admin.csr: {words}: have it requested anew");
        assert_eq!(told(&refused, "request-key"), [words], "{refused}");
        assert_eq!(listing(&place.join("req")), before);
    };
    refused(&format!(
        "is for the key with the SHA-256 {foreign}, and requests.json tells of {own}"
    ));
    // Signed by its own name it is nothing that the node takes.
    let alone = ["sign", "req/super-admin.csr", "--kubernetes-dir", "node"];
    on(place.path(), &alone).expect(0);
    let import = ["import", "req", "super-admin", "-o", "json"];
    let imported = node(place.path(), &import).expect(4);
    assert_eq!(told(&imported, "key-mismatch").len(), 1, "{imported}");
    listed("\"super-admin\"", "\"admin\"");
    refused("is for super-admin, and requests.json tells of admin");
    listed("CN=kubernetes-super-admin", "CN=another");
    refused(
        "asks for the subject \"CN=kubernetes-super-admin,O=system:masters\", and requests.json tells of \
         \"CN=another,O=system:masters\"",
    );
    listed("\"super-admin\"", "\"super-admin\"");
    sign().expect(0);
    assert!(place.join("req/super-admin.crt").exists());
}

#[test]
fn what_came_back_with_a_private_key_in_it_is_refused_as_it_is_for_who_signs() {
    for (file, key) in [("apiserver.crt", "apiserver.key"), ("ca.crt", "ca.key")] {
        let place = signed();
        let lines = format!("cp node/pki/{file} req/{file}; cat node/pki/{key} >> req/{file}");
        script(place.path(), &lines);
        let words = format!(
            "req/{file} cannot be used: it holds a private key, which others may have read"
        );
        let refused = node(place.path(), &["import", "req"]).expect(4);
        assert!(refused.stderr.contains(&words), "{refused}");
        let sign = ["sign", "req", "--kubernetes-dir", "node", "--force"];
        let refused = on(place.path(), &[&sign[..], &FACTS].concat()).expect(4);
        assert!(refused.stderr.contains(&words), "{refused}");
    }
}

/// Whatever it is called, where it is a CA's, and however it is kept, where it is called so.
#[test]
fn a_key_of_a_ca_that_came_back_is_refused_and_that_of_a_leaf_is_not() {
    for (lines, refused) in [
        ("cp node/pki/ca.key req/ca.key", Some("ca.key")),
        ("cp node/pki/etcd/ca.key req/notes.txt", Some("notes.txt")),
        (
            "openssl pkey -in node/pki/ca.key -outform DER -out req/x.der",
            Some("x.der"),
        ),
        (
            "openssl pkey -in node/pki/ca.key -aes256 -passout pass:secret -out req/root-ca.key",
            Some("root-ca.key"),
        ),
        ("cp node/pki/apiserver.key req/apiserver.key", None),
        // The second key of its file counts too.
        (
            "cat node/pki/apiserver.key node/pki/ca.key > req/all.pem",
            Some("all.pem"),
        ),
    ] {
        let place = signed();
        script(place.path(), lines);
        let code = if refused.is_some() { 4 } else { 0 };
        let imported = node(place.path(), &["import", "req"]).expect(code);
        if let Some(file) = refused {
            let words =
                format!("error: req/{file} holds the private key of a CA, which goes nowhere with");
            assert!(imported.stderr.contains(&words), "{imported}");
            let number = imported.stderr.matches("error: ").count();
            assert_eq!(number, 1, "{imported}");
            script(place.path(), &format!("rm req/{file}"));
            node(place.path(), &["import", "req"]).expect(0);
        }
    }
}

/// None of these is known to be a CA's, and any may be one's. That of a leaf, open and alone, is no CA's that is known.
#[test]
fn keys_that_cannot_be_told_from_a_ca_s_are_refused_beside_what_came_back_and_not_in_the_tree_itself()
 {
    let several = "holds several private keys, which go nowhere with what was signed";
    let unjudged = "holds a private key that cannot be judged and may be a CA's, which goes";
    for (lines, file, words) in [
        (
            "cat node/pki/apiserver.key node/pki/etcd/server.key > req/two.pem",
            "two.pem",
            several,
        ),
        (
            "openssl pkey -in node/pki/ca.key -aes256 -passout pass:secret -out req/x.pem",
            "x.pem",
            unjudged,
        ),
        (
            "openssl rsa -in node/pki/ca.key -traditional -aes256 -passout pass:secret -out req/x.pem 2> /dev/null ||
                openssl ec -in node/pki/ca.key -aes256 -passout pass:secret -out req/x.pem 2> /dev/null",
            "x.pem",
            unjudged,
        ),
        (
            "openssl genpkey -algorithm ed25519 -out req/x.pem",
            "x.pem",
            unjudged,
        ),
        (
            "openssl pkcs8 -topk8 -in node/pki/ca.key -passout pass:secret -outform DER -out req/x.der",
            "x.der",
            unjudged,
        ),
        (
            "openssl pkcs12 -export -inkey node/pki/ca.key -in node/pki/ca.crt -passout pass:secret -out req/x.p12",
            "x.p12",
            unjudged,
        ),
        (
            "printf '{\"csr\":\"\",\"key\":\"%s\"}' \"$(sed 's/$/\\\\n/' node/pki/ca.key | tr -d '\\n')\" > req/answer.json",
            "answer.json",
            unjudged,
        ),
    ] {
        let place = signed();
        script(place.path(), lines);
        let before = listing(&place.join("node"));
        let refused = node(place.path(), &["import", "req"]).expect(4);
        let words = format!("error: req/{file} {words}");
        assert!(refused.stderr.contains(&words), "{refused}");
        assert!(refused.stderr.contains("take it out, and replace "), "{refused}");
        assert_eq!(refused.stderr.matches("error: ").count(), 1, "{refused}");
        assert_eq!(listing(&place.join("node")), before);
        script(place.path(), &format!("rm req/{file}"));
        // What JSON tells of else is no key.
        script(place.path(), "printf '{\"key\":\"PRIVATE KEY\"}' > req/x.json");
        node(place.path(), &["import", "req"]).expect(0);
    }
    // Of the tree's own directory the owner's keys are no affair of an import.
    let place = signed();
    let lines = "cp req/apiserver.crt node/pki/apiserver.crt
        openssl pkey -in node/pki/apiserver.key -aes256 -passout pass:secret -out node/pki/alice.key
        chmod 600 node/pki/alice.key";
    script(place.path(), lines);
    node(place.path(), &["import", "node/pki", "apiserver"]).expect(0);
}

#[test]
fn what_came_back_as_pkcs7_is_told_with_the_command_that_reads_it() {
    for (form, out) in [("der", " -inform der"), ("pem", "")] {
        let place = signed();
        let convert = format!(
            "cp req/apiserver.crt sound
             openssl crl2pkcs7 -nocrl -certfile sound -outform {form} -out req/apiserver.crt"
        );
        script(place.path(), &convert);
        let refused = node(place.path(), &["import", "req"]).expect(4);
        let command = format!("openssl pkcs7{out} -print_certs -in ");
        assert!(
            refused.stderr.contains(&format!("'{command}FILE'")),
            "{refused}"
        );
        // It does what it says.
        script(
            place.path(),
            &format!("{command}req/apiserver.crt > out; mv out req/apiserver.crt"),
        );
        node(place.path(), &["import", "req"]).expect(0);
    }
    // A certificate in DER has the command for that.
    let place = signed();
    let der = "openssl x509 -in req/apiserver.crt -outform der -out x; mv x req/apiserver.crt";
    script(place.path(), der);
    let refused = node(place.path(), &["import", "req"]).expect(4);
    assert!(refused.stderr.contains("'openssl x509'"), "{refused}");
}

#[test]
fn what_came_back_once_and_ends_before_what_is_in_its_place_is_told() {
    let place = signed();
    script(place.path(), "cp -a req first; rm req/apiserver.crt");
    let sign = [
        "sign",
        "req",
        "--kubernetes-dir",
        "node",
        "--validity",
        "9000h",
    ];
    on(place.path(), &[&sign[..], &FACTS].concat()).expect(0);
    node(place.path(), &["import", "req"]).expect(0);
    let again = node(place.path(), &["import", "first", "-o", "json"]).expect(3);
    let lines = told(&again, "ends-sooner");
    let words = "first/apiserver.crt: ends on ";
    assert!(lines.len() == 1 && lines[0].starts_with(words), "{again}");
    assert!(
        lines[0].contains(", sooner than what is in its place, on "),
        "{again}"
    );
    let forth = node(place.path(), &["import", "req", "-o", "json"]).expect(0);
    assert!(told(&forth, "ends-sooner").is_empty(), "{forth}");
}

#[test]
fn a_ca_s_request_that_was_answered_lets_no_other_answer_in() {
    let place = signed();
    let clean = "rm -rf req/*";
    node(place.path(), &["csr", "ca", "--csr-dir", "out"]).expect(0);
    plant(
        place.path(),
        "anew; mv req/ca.crt out/ca.crt; mv evil.crt first.crt",
    );
    node(place.path(), &["import", "out"]).expect(3);
    let first = read(&place.join("node/pki/ca.crt"));
    // The same again changes nothing.
    let again = node(place.path(), &["import", "out"]).expect(0);
    assert!(again.stdout.contains("nothing was written"), "{again}");
    // Another root's, among what was asked for since, with the line of the request that was answered.
    script(place.path(), clean);
    node(
        place.path(),
        &["csr", "apiserver-etcd-client", "--csr-dir", "req"],
    )
    .expect(0);
    let sign = ["sign", "req", "--kubernetes-dir", "node"];
    on(place.path(), &[&sign[..], &FACTS].concat()).expect(0);
    plant(place.path(), "anew; listed; cp out/ca.csr req");
    let before = listing(&place.join("node"));
    let refused = node(place.path(), &["import", "req"]).expect(4);
    let words = "did not ask for it, or has been answered";
    assert!(refused.stderr.contains(words), "{refused}");
    assert_eq!(listing(&place.join("node")), before);
    // Nor does the list that was answered bring another answer.
    script(place.path(), "cp req/ca.crt out/ca.crt");
    let refused = node(place.path(), &["import", "out"]).expect(4);
    assert!(refused.stderr.contains(words), "{refused}");
    assert_eq!(read(&place.join("node/pki/ca.crt")), first);
    // Asked for once more it is, in the directory of the first time too.
    let asked = node(place.path(), &["csr", "ca", "--csr-dir", "out"]).expect(0);
    assert!(
        !asked.stdout.contains("Nothing more is to be asked for"),
        "{asked}"
    );
    let asked = node(place.path(), &["csr", "ca", "--csr-dir", "out"]).expect(0);
    assert!(
        asked.stdout.contains("Nothing more is to be asked for"),
        "{asked}"
    );
    node(place.path(), &["import", "out"]).expect(3);
    assert_ne!(read(&place.join("node/pki/ca.crt")), first);
}
