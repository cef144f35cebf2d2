//! The manifests of `examples/kubernetes-csr`: kubectl reads them, each holds what its signer demands and nothing else, and
//! a request that a signer would refuse becomes none.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

mod common;
use common::{
    Finished, TempDir, binary, certs, read, root, run, text, tool, tree_of_all, venv, write,
};

fn example(name: &str) -> PathBuf {
    root().join("examples/kubernetes-csr").join(name)
}

fn openssl(arguments: &[&str]) -> Finished {
    run(Command::new(tool("openssl")).args(arguments))
}

/// The documents of a manifest as kubectl reads them, without a cluster.
fn objects(manifest: &Path, home: &Path) -> Vec<Value> {
    let mut command = Command::new(venv("kubectl"));
    command.env("HOME", home).env_remove("KUBECONFIG");
    command.args([
        "annotate",
        "--local",
        "read=it",
        "--output",
        "json",
        "--filename",
    ]);
    let said = run(command.arg(manifest)).expect(0).stdout;
    let objects = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
    objects
        .map(|object| {
            let mut object = object.expect("JSON");
            let metadata = object["metadata"].as_object_mut().expect("an object");
            metadata.remove("annotations").expect("what was added");
            object
        })
        .collect()
}

/// What a manifest should be whose name and request are those of this one. Where the request was taken from is `csr`.
fn holds(object: &Value, title: &str, signer: &str, seconds: u32, usages: &[&str], csr: &Path) {
    let name = object["metadata"]["name"].as_str().expect("a name");
    let digest = name.strip_prefix(title).unwrap_or_else(|| panic!("{name}"));
    let digest = digest.strip_prefix('-').expect("a digest");
    assert!(
        digest.len() == 10 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{name}"
    );
    let request = object["spec"]["request"].as_str().expect("a request");
    let expected = json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "signerName": signer,
            "expirationSeconds": seconds,
            "usages": usages,
            "request": request,
        },
    });
    assert_eq!(*object, expected);
    let pem = Base64::decode_vec(request).expect("base64 without line breaks");
    let pem = String::from_utf8(pem).expect("PEM");
    assert!(
        pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"),
        "{pem}"
    );
    assert_eq!(pem, read(csr));
}

const CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING: &str = "kubernetes.io/kubelet-serving";
const USER: &str = "kubernetes.io/kube-apiserver-client";

/// Runs the example in the folder.
fn example_in(folder: &TempDir) -> String {
    let programs = folder.join("bin");
    std::fs::create_dir(&programs).expect("make a folder");
    std::os::unix::fs::symlink(binary(), programs.join("certs")).expect("link the program");
    let mut path = vec![programs];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let mut command = Command::new("sh");
    command.arg(example("run.sh")).current_dir(folder.path());
    command.env("PATH", std::env::join_paths(path).expect("a PATH"));
    run(&mut command).expect(0).stdout
}

#[test]
fn a_new_node_s_requests_become_manifests_and_what_is_signed_is_imported() {
    let folder = TempDir::new();
    let said = example_in(&folder);
    let place = folder.join("k8s");
    let requests = place.join("requests");
    let authority = tree_of_all();
    for (name, title, signer, usage, sans) in [
        (
            "kubelet",
            "kube-apiserver-client-kubelet-worker1",
            CLIENT,
            "client auth",
            "",
        ),
        (
            "kubelet-serving",
            "kubelet-serving-worker1",
            SERVING,
            "server auth",
            "DNS:worker1, IP Address:10.0.1.1",
        ),
    ] {
        let manifest = place.join(name).with_extension("yaml");
        let [object] = &objects(&manifest, folder.path())[..] else {
            panic!("one object");
        };
        let csr = requests.join(name).with_extension("csr");
        let usages = ["digital signature", "key encipherment", usage];
        holds(object, title, signer, 31_536_000, &usages, &csr);
        let shown = openssl(&[
            "req",
            "-noout",
            "-verify",
            "-subject",
            "-nameopt",
            "RFC2253",
            "-text",
            "-in",
            text(&csr),
        ])
        .expect(0)
        .stdout;
        assert!(
            shown.contains("subject=CN=system:node:worker1,O=system:nodes\n"),
            "{shown}"
        );
        assert_eq!(
            shown.contains("Subject Alternative Name"),
            !sans.is_empty(),
            "{shown}"
        );
        assert!(shown.contains(sans), "{shown}");
        // The commands are for what was written.
        let name = object["metadata"]["name"].as_str().expect("a name");
        let fetched = csr.with_extension("crt");
        assert!(
            said.contains(&format!("  kubectl certificate approve {name}\n")),
            "{said}"
        );
        let last = format!(
            "kubectl get csr {name} -o jsonpath='{{.status.certificate}}' | base64 -d > ./k8s/requests/"
        );
        assert!(said.contains(&last), "{said}");
        // As the controller manager signs it.
        let (ca, key) = (authority.join("pki/ca.crt"), authority.join("pki/ca.key"));
        let sign = [
            "x509",
            "-req",
            "-copy_extensions",
            "copy",
            "-days",
            "300",
            "-CA",
            text(&ca),
            "-CAkey",
            text(&key),
        ];
        openssl(&[&sign[..], &["-in", text(&csr), "-out", text(&fetched)]].concat()).expect(0);
    }
    imported(&place, &authority.join("pki/ca.crt"));
}

/// The last line of the example does what it says, once the certificates and the CA's are there.
fn imported(place: &Path, authority: &Path) {
    write(&place.join("requests/ca.crt"), read(authority));
    let script = read(&example("run.sh"));
    let import = script
        .lines()
        .last()
        .expect("a line")
        .trim_start_matches("#   certs ");
    let import = import
        .replace("\"$k8s/", &format!("\"{}/", text(place)))
        .replace("\"$k8s\"", text(place));
    let import = import.replace('"', "");
    run(&mut certs(&import.split(' ').collect::<Vec<_>>())).expect(0);
    let pair = [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-verify_ip",
        "10.0.1.1",
        "-CAfile",
    ];
    let files = [place.join("pki/ca.crt"), place.join("kubelet/kubelet.crt")];
    openssl(&[&pair[..], &[text(&files[0]), text(&files[1])]].concat()).expect(0);
    assert!(read(&place.join("kubelet.conf")).contains("client-certificate-data: "));
}

/// Requests by OpenSSL.
struct Asked(TempDir);

impl Asked {
    fn new() -> Self {
        let folder = TempDir::new();
        for (name, options) in [
            ("rsa", ["RSA", "rsa_keygen_bits:2048"]),
            ("ec", ["EC", "ec_paramgen_curve:P-256"]),
        ] {
            let key = folder.join(name);
            openssl(&[
                "genpkey",
                "-algorithm",
                options[0],
                "-pkeyopt",
                options[1],
                "-out",
                text(&key),
            ])
            .expect(0);
        }
        Self(folder)
    }

    fn request(&self, key: &str, subject: &str, extensions: &[&str]) -> PathBuf {
        let (key, csr) = (self.0.join(key), self.0.join("a.csr"));
        let mut arguments = vec![
            "req",
            "-new",
            "-key",
            text(&key),
            "-out",
            text(&csr),
            "-subj",
            subject,
        ];
        for extension in extensions {
            arguments.extend(["-addext", extension]);
        }
        openssl(&arguments).expect(0);
        csr
    }

    fn manifest(&self, csr: &Path, more: &[&str]) -> Finished {
        let mut command = Command::new("sh");
        command.arg(example("manifest")).arg(csr);
        run(command.arg(self.0.join("a.yaml")).args(more))
    }
}

#[test]
fn each_request_goes_to_its_signer_with_the_usages_that_it_demands() {
    let asked = Asked::new();
    let sans = ["subjectAltName=DNS:w1,IP:10.0.1.1"];
    let node = "/O=system:nodes/CN=system:node:w1";
    let user = "/O=dev/O=ops/CN=alice@example.com";
    for (key, subject, extensions, title, signer, usage) in [
        (
            "rsa",
            node,
            &[][..],
            "kube-apiserver-client-kubelet-w1",
            CLIENT,
            "client auth",
        ),
        (
            "ec",
            node,
            &[][..],
            "kube-apiserver-client-kubelet-w1",
            CLIENT,
            "client auth",
        ),
        (
            "rsa",
            node,
            &sans[..],
            "kubelet-serving-w1",
            SERVING,
            "server auth",
        ),
        (
            "ec",
            node,
            &sans[..],
            "kubelet-serving-w1",
            SERVING,
            "server auth",
        ),
        (
            "ec",
            user,
            &[][..],
            "kube-apiserver-client",
            USER,
            "client auth",
        ),
    ] {
        let csr = asked.request(key, subject, extensions);
        asked.manifest(&csr, &["700"]).expect(0);
        let objects = objects(&asked.0.join("a.yaml"), asked.0.path());
        assert_eq!(objects.len(), 1);
        let mut usages = vec!["digital signature", "key encipherment", usage];
        usages.retain(|usage| key == "rsa" || *usage != "key encipherment");
        holds(&objects[0], title, signer, 700, &usages, &csr);
    }
}

#[test]
fn what_a_signer_would_refuse_becomes_no_manifest() {
    let asked = Asked::new();
    let node = "/O=system:nodes/CN=system:node:w1";
    let of_node =
        "a node has the common name system:node:NODE and the one organization system:nodes";
    for (subject, extensions, why) in [
        ("/O=system:nodes/CN=alice", &[][..], of_node),
        ("/O=dev/CN=system:node:w1", &[], of_node),
        ("/CN=system:node:w1", &[], of_node),
        ("/O=system:nodes/O=dev/CN=system:node:w1", &[], of_node),
        ("/O=system:nodes/CN=system:node:", &[], of_node),
        ("/O=dev/O=system:masters/CN=alice", &[], "system:masters"),
        ("/O=dev", &[], "no common name"),
        ("/CN=a/CN=b", &[], "more than one common name"),
        (
            node,
            &["subjectAltName=DNS:w1,email:w1@example.com"],
            "by names and addresses alone",
        ),
        (
            node,
            &["subjectAltName=DNS:w1,URI:https://w1"],
            "by names and addresses alone",
        ),
        (
            node,
            &["extendedKeyUsage=serverAuth"],
            "asks to be a server",
        ),
        (
            node,
            &["extendedKeyUsage=clientAuth", "subjectAltName=DNS:w1"],
            "asks to be a client",
        ),
        (
            "/CN=alice",
            &["extendedKeyUsage=serverAuth"],
            "asks to be a server",
        ),
    ] {
        let csr = asked.request("ec", subject, extensions);
        asked.manifest(&csr, &[]).expect(1).expect_failure(why);
        assert!(!asked.0.join("a.yaml").exists(), "{subject}");
    }
    let good = asked.request("ec", node, &[]);
    asked
        .manifest(&good, &["599"])
        .expect_failure("600 seconds are the least");
    asked
        .manifest(&asked.0.join("ec"), &[])
        .expect_failure("is no request that its own key signed");
    // Another one's key.
    let (der, forged) = (asked.0.join("der"), asked.0.join("forged.csr"));
    openssl(&[
        "req",
        "-in",
        text(&good),
        "-outform",
        "DER",
        "-out",
        text(&der),
    ])
    .expect(0);
    let mut bytes = std::fs::read(&der).expect("read a file");
    *bytes.last_mut().expect("an octet") ^= 1;
    write(&der, bytes);
    openssl(&[
        "req",
        "-inform",
        "DER",
        "-in",
        text(&der),
        "-out",
        text(&forged),
    ])
    .expect(0);
    asked
        .manifest(&forged, &[])
        .expect_failure("is no request that its own key signed");
    assert!(!asked.0.join("a.yaml").exists());
    asked.manifest(&good, &[]).expect(0);
}

#[test]
fn who_has_a_bootstrap_token_asks_and_approvers_approve_for_kubelets_alone() {
    let home = TempDir::new();
    let objects = objects(&example("rbac.yaml"), home.path());
    let [asking, role, approving] = &objects[..] else {
        panic!("three objects");
    };
    let of = |object: &Value| -> (String, Value, Value) {
        let kind = object["kind"].as_str().expect("a kind").to_owned();
        (kind, object["roleRef"].clone(), object["subjects"].clone())
    };
    let bound = |role: &str, group: &str| {
        let authorization = "rbac.authorization.k8s.io";
        (
            "ClusterRoleBinding".to_owned(),
            json!({"apiGroup": authorization, "kind": "ClusterRole", "name": role}),
            json!([{"apiGroup": authorization, "kind": "Group", "name": group}]),
        )
    };
    // The group is that of the Secret which the program makes of a token.
    let group = "system:bootstrappers:kubeadm:default-node-token";
    assert_eq!(of(asking), bound("system:node-bootstrapper", group));
    let token = home.join("token");
    write(&token, "abcdef.0123456789abcdef\n");
    let secret = [
        "kubeconfig",
        "bootstrap-kubelet",
        "--token-secret",
        "--token-file",
        text(&token),
    ];
    let secret = run(&mut certs(&secret)).expect(0).stdout;
    assert!(secret.contains(group), "{secret}");
    let name = role["metadata"]["name"].as_str().expect("a name");
    assert_eq!(of(approving), bound(name, "kubelet-certificates-approvers"));
    let group = ["certificates.k8s.io"];
    assert_eq!(
        role["rules"],
        json!([
            {"apiGroups": group, "resources": ["certificatesigningrequests"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": group, "resources": ["certificatesigningrequests/approval"], "verbs": ["update"]},
            {"apiGroups": group, "resources": ["signers"], "resourceNames": [CLIENT, SERVING], "verbs": ["approve"]},
        ])
    );
    let names: BTreeSet<_> = objects
        .iter()
        .map(|object| object["apiVersion"].as_str())
        .collect();
    assert_eq!(names, [Some("rbac.authorization.k8s.io/v1")].into());
}
