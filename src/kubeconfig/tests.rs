use super::*;
use crate::bundle::Exchange;
use crate::finding::Code;
use crate::observed::Observed;
use crate::oracle::sample::{NOW, certificate, spec};
use crate::x509::cert::Certificate;

const ENTRY: Entry<'_> = Entry {
    cluster: "kubernetes",
    user: "kubernetes-admin",
    server: "https://10.0.0.10:6443",
    authorities: "CA 1\nCA 2\n",
    credentials: Credentials::Data {
        certificate: "CERTIFICATE\n",
        key: b"KEY\n",
    },
};

fn written(existing: Option<&str>) -> String {
    let bytes = write(&ENTRY, existing.map(str::as_bytes)).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn bytes(source: &Source) -> &[u8] {
    match source {
        Source::Data { bytes, .. } => bytes,
        Source::File { path, .. } => panic!("a file: {path}"),
    }
}

fn authorities(current: &Current) -> &Source {
    current.authorities.as_ref().expect("CA certificates")
}

fn in_the_way(entry: &Entry<'_>, existing: &str) -> Option<(Code, String)> {
    obstacle(entry, existing.as_bytes(), 1 << 20).map(|found| (found.code, found.text))
}

fn error(text: &str) -> String {
    format!("{:#}", parse(text.as_bytes()).unwrap_err())
}

#[test]
fn a_new_kubeconfig_is_what_kubeadm_writes() {
    let text = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0EgMQpDQSAyCg==
    server: https://10.0.0.10:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
users:
- name: kubernetes-admin
  user:
    client-certificate-data: Q0VSVElGSUNBVEUK
    client-key-data: S0VZCg==
";
    assert_eq!(written(None), text);
}

#[test]
fn what_is_written_is_read_again() {
    let current = parse(written(None).as_bytes()).unwrap();
    assert_eq!(current.server, ENTRY.server);
    assert_eq!(bytes(authorities(&current)), ENTRY.authorities.as_bytes());
    assert_eq!(bytes(&current.certificate), b"CERTIFICATE\n");
    assert_eq!(bytes(&current.key), b"KEY\n");
}

#[test]
fn what_was_written_is_written_again_byte_for_byte() {
    assert_eq!(written(Some(&written(None))), written(None));
}

const OTHERS: &str = "\
apiVersion: v1
kind: Config
preferences:
  colors: true
current-context: mine
extensions:
- name: note
  extension: yes please
clusters:
- name: other
  cluster: {server: 'https://other:6443', certificate-authority: other.crt}
- name: kubernetes
  cluster:
    server: https://10.0.0.10:6443
    certificate-authority: /old/ca.crt
    insecure-skip-tls-verify: true
    proxy-url: http://proxy:3128
contexts:
- name: mine
  context: {cluster: other, user: other, namespace: dev}
- name: kubernetes-admin@kubernetes
  context: {cluster: kubernetes, user: kubernetes-admin, namespace: kube-system}
users:
- name: other
  user: {token: '0123'}
- name: kubernetes-admin
  user: {client-certificate: a.crt, client-key: a.key, as: somebody}
";

#[test]
fn what_else_stands_in_a_kubeconfig_stays() {
    let text = written(Some(OTHERS));
    let kept = document(text.as_bytes()).unwrap();
    let before = document(OTHERS.as_bytes()).unwrap();
    for list in ["clusters", "contexts", "users"] {
        assert_eq!(kept.get(list).unwrap().items().len(), 2, "{list}");
    }
    // The writer sorts keys.
    let same = |list, name, inner| {
        let text = |config| yaml::write(named(config, list, name, inner).unwrap());
        assert_eq!(text(&kept), text(&before), "{name}");
    };
    same("clusters", "other", "cluster");
    same("contexts", "mine", "context");
    same("users", "other", "user");
    let text_of = |config: &Node, key| yaml::write(config.get(key).unwrap());
    for key in ["preferences", "extensions"] {
        assert_eq!(text_of(&kept, key), text_of(&before, key), "{key}");
    }
    // Go reads a token without its quotes as a number.
    assert!(text.contains("token: \"0123\"\n"), "{text}");
    assert_eq!(
        self::text(&kept, "current-context"),
        Some("kubernetes-admin@kubernetes")
    );
}

#[test]
fn the_entry_s_own_extras_stay_and_only_what_contradicts_it_goes() {
    let text = written(Some(OTHERS));
    let kept = document(text.as_bytes()).unwrap();
    let cluster = named(&kept, "clusters", "kubernetes", "cluster").unwrap();
    assert_eq!(self::text(cluster, "proxy-url"), Some("http://proxy:3128"));
    assert_eq!(self::text(cluster, "server"), Some(ENTRY.server));
    assert!(cluster.get("certificate-authority").is_none());
    assert!(
        cluster.get("insecure-skip-tls-verify").is_none(),
        "client-go refuses it beside a CA"
    );
    let user = named(&kept, "users", "kubernetes-admin", "user").unwrap();
    assert!(user.get("as").is_none(), "it would be somebody else");
    assert!(user.get("client-certificate").is_none());
    assert!(user.get("client-key").is_none());
    let context = named(&kept, "contexts", "kubernetes-admin@kubernetes", "context").unwrap();
    assert_eq!(self::text(context, "namespace"), Some("kube-system"));
}

#[test]
fn an_entry_without_its_object_gets_one() {
    let bare = "apiVersion: v1\nkind: Config\nclusters:\n- name: kubernetes\nusers: null\n\
                contexts:\n- name: kubernetes-admin@kubernetes\n  context: null\n";
    let current = parse(written(Some(bare)).as_bytes()).unwrap();
    assert_eq!(current.server, ENTRY.server);
    assert_eq!(bytes(&current.key), b"KEY\n");
}

#[test]
fn lists_that_are_no_lists_are_replaced() {
    let odd = "kind: Config\nclusters: {}\nusers: text\ncontexts: []\n";
    assert_eq!(written(Some(odd)), written(None));
}

#[test]
fn what_is_no_kubeconfig_is_replaced_whole() {
    for garbage in [
        "",
        "kind: Pod\n",
        "a: [",
        "kind: Config\n---\nkind: Config\n",
    ] {
        assert_eq!(written(Some(garbage)), written(None), "{garbage:?}");
    }
}

#[test]
fn a_field_names_a_file_where_it_holds_no_data() {
    let current = parse(
        b"kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: 'https://a:1', certificate-authority: pki/ca.crt, certificate-authority-data: ''}}]
users: [{name: u, user: {client-certificate: '', client-certificate-data: QQ==, client-key: a.key}}]
",
    )
    .unwrap();
    let Source::File { field, path } = authorities(&current) else {
        panic!("{current:?}");
    };
    assert_eq!((*field, path.as_str()), (AUTHORITY, "pki/ca.crt"));
    assert_eq!(bytes(&current.certificate), b"A");
    let Source::File { field, path } = &current.key else {
        panic!("{current:?}");
    };
    assert_eq!((*field, path.as_str()), (KEY, "a.key"));
}

#[test]
fn without_ca_certificates_the_machine_s_are_trusted() {
    let field = "    certificate-authority-data: Q0EgMQpDQSAyCg==\n";
    let text = written(None);
    for new in ["", "    certificate-authority-data: ''\n"] {
        let current = parse(text.replace(field, new).as_bytes()).unwrap();
        assert!(current.authorities.is_none());
        assert_eq!(bytes(&current.key), b"KEY\n");
    }
    assert_eq!(
        error(&text.replace("Q0EgMQpDQSAyCg==", "Q0E")),
        "its cluster \"kubernetes\": has certificate-authority-data that is not base64"
    );
}

#[test]
fn line_breaks_in_base64_are_passed_over_as_go_does() {
    let text = written(None).replace("Q0EgMQpDQSAyCg==", "|\n      Q0EgMQpD\n      QSAyCg==");
    let current = parse(text.as_bytes()).unwrap();
    assert_eq!(bytes(authorities(&current)), ENTRY.authorities.as_bytes());
}

#[test]
fn json_and_other_contexts_than_the_current_one_are_read() {
    let json = r#"{"kind": "Config", "current-context": "b", "contexts": [
        {"name": "a", "context": {"cluster": "none", "user": "none"}},
        {"name": "b", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://a:1", "certificate-authority": "c"}}],
        "users": [{"name": "u", "user": {"client-certificate": "d", "client-key": "e"}}]}"#;
    assert_eq!(parse(json.as_bytes()).unwrap().server, "https://a:1");
}

#[test]
fn each_lack_of_a_kubeconfig_is_told() {
    let whole = written(None);
    let without = |part: &str| {
        assert!(whole.contains(part), "{part}");
        error(&whole.replace(part, ""))
    };
    let renamed = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        error(&whole.replace(from, to))
    };
    let context = "current-context: kubernetes-admin@kubernetes\n";
    assert_eq!(without(context), "it has no current-context");
    assert_eq!(
        renamed(context, "current-context: other\n"),
        "it has no context \"other\", which is its current one"
    );
    assert_eq!(
        without("    cluster: kubernetes\n"),
        "its current context names no cluster"
    );
    assert_eq!(
        renamed("    cluster: kubernetes\n", "    cluster: other\n"),
        "it has no cluster \"other\""
    );
    assert_eq!(
        without("    user: kubernetes-admin\n"),
        "its current context names no user"
    );
    assert_eq!(
        renamed("    user: kubernetes-admin\n", "    user: other\n"),
        "it has no user \"other\""
    );
    assert_eq!(
        without("    server: https://10.0.0.10:6443\n"),
        "its cluster \"kubernetes\" has no server"
    );
    assert_eq!(
        without("    client-certificate-data: Q0VSVElGSUNBVEUK\n"),
        "its user \"kubernetes-admin\": has no client-certificate-data"
    );
    assert_eq!(
        renamed("S0VZCg==", "S0VZCg"),
        "its user \"kubernetes-admin\": has client-key-data that is not base64"
    );
    assert_eq!(
        renamed("kind: Config\n", "kind: Pod\n"),
        "it is no kubeconfig: its kind is not Config"
    );
    assert_eq!(
        error(&format!("{whole}---\n{whole}")),
        "it holds 2 YAML documents, and a kubeconfig is one"
    );
    assert!(error("a: [").starts_with("line "), "{}", error("a: ["));
}

#[test]
fn a_key_is_never_shown_by_debug() {
    let current = parse(written(None).as_bytes()).unwrap();
    let shown = format!("{current:?}");
    assert!(shown.contains("client-key-data: [elided]"), "{shown}");
    assert!(!shown.contains("75"), "{shown}");
    let named = Source::File {
        field: KEY,
        path: "a.key".to_owned(),
    };
    assert_eq!(format!("{named:?}"), "client-key: a.key");
}

#[test]
fn an_entry_that_bypasses_its_certificate_or_its_ca_is_refused() {
    let text = written(None);
    assert!(parse(text.as_bytes()).is_ok());
    let refused = |from: &str, to: &str, reason: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{to}");
        let error = parse(changed.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
        // Made anew, it is sound.
        let mended = write(&ENTRY, Some(changed.as_bytes())).unwrap();
        assert!(parse(&mended).is_ok(), "{to}");
    };
    for field in OTHER_IDENTITIES {
        refused(
            "  user:\n    client",
            &format!("  user:\n    {field}: x\n    client"),
            &format!("has another identity than its certificate: {field}"),
        );
    }
    // Taken away alone, one of them would leave the others.
    refused(
        "  user:\n    client",
        "  user:\n    username: x\n    token: y\n    password: z\n    client",
        "has another identity than its certificate: password, token, username",
    );
    for (field, reason) in [
        (
            "insecure-skip-tls-verify: true",
            "is not verified: insecure-skip-tls-verify",
        ),
        (
            "certificate-authority: ca.crt",
            "has both certificate-authority and certificate-authority-data",
        ),
        (
            "proxy-url: ftp://user:pw@x",
            "has a proxy-url that is none of http, https or socks5",
        ),
        (
            "proxy-url: http://x y",
            "has a proxy-url that is none of http, https or socks5",
        ),
        (
            "disable-compression: 'true'",
            "clusters[0].cluster.disable-compression is a text, and kubectl wants true or false",
        ),
        (
            "extensions: x",
            "clusters[0].cluster.extensions is a text, and kubectl wants a list",
        ),
    ] {
        refused("    server:", &format!("    {field}\n    server:"), reason);
    }
    for (server, reason) in [
        (
            "http://10.0.0.10:6443",
            "is not verified: its server is no https URL",
        ),
        ("https://", "has a server that names no host"),
        ("https://10.0.0.10:x", "has a server that names no host"),
        ("https://10.0.0.10:99999", "has a server that names no host"),
    ] {
        refused("https://10.0.0.10:6443", server, reason);
    }
    for field in ["client-certificate: a.crt", "client-key: a.key"] {
        refused(
            "  user:\n    client",
            &format!("  user:\n    {field}\n    client"),
            "has both client-",
        );
    }
    refused(
        "    user: k",
        "    namespace: 5\n    user: k",
        "contexts[0].context.namespace is a number",
    );
    refused(
        "apiVersion: v1",
        "apiVersion: v2",
        "its apiVersion is not v1",
    );
    refused(
        "apiVersion: v1",
        "apiVersion: 1",
        "apiVersion is a number, and kubectl wants a text",
    );
    let context = &text[text.find("- context:").unwrap()..text.find("current-context").unwrap()];
    refused(
        context,
        &format!("{context}{context}"),
        "contexts has two entries of the name",
    );
    let user = &text[text.find("- name: kubernetes-admin\n").unwrap()..];
    refused(user, &format!("{user}{user}"), "two users of the name");
}

/// People rename the entries of one cluster when they put those of another beside them.
#[test]
fn the_entry_that_was_judged_is_repaired_whatever_its_names_are() {
    let renamed = written(None)
        .replace("kubernetes-admin@kubernetes", "prod")
        .replace("kubernetes-admin", "prod-admin")
        .replace("name: kubernetes", "name: prod")
        .replace("cluster: kubernetes", "cluster: prod");
    let other = "\
- cluster: {server: 'https://other:6443'}
  name: kubernetes
contexts:
- context: {cluster: kubernetes, user: kubernetes-admin}
  name: kubernetes-admin@kubernetes
";
    let merged = renamed.replace("contexts:\n", other).replace(
        "users:\n",
        "users:\n- name: kubernetes-admin\n  user: {token: other}\n",
    );
    let before = document(merged.as_bytes()).unwrap();
    assert_eq!(text(&before, "current-context"), Some("prod"));
    let broken = merged.replace("S0VZCg==", "AAAA");
    assert_ne!(broken, merged);
    let after = write(&ENTRY, Some(broken.as_bytes())).unwrap();
    assert!(document(&after).unwrap() == before);
}

#[test]
fn a_context_of_the_user_s_own_stays_the_current_one() {
    let second = written(None).replace(
        "contexts:\n",
        "contexts:\n- context: {cluster: kubernetes, namespace: dev, user: kubernetes-admin}\n  name: second\n",
    );
    let second = second.replace(
        "current-context: kubernetes-admin@kubernetes",
        "current-context: second",
    );
    let before = document(second.as_bytes()).unwrap();
    let after = write(&ENTRY, Some(second.replace("S0VZCg==", "AAAA").as_bytes())).unwrap();
    assert!(document(&after).unwrap() == before);
}

#[test]
fn another_cluster_of_the_usual_name_is_not_overwritten() {
    let other = OTHERS.replace("https://10.0.0.10:6443", "https://other:6443");
    let error = write(&ENTRY, Some(other.as_bytes()))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "calls another cluster \"kubernetes\", at https://other:6443"
    );
    assert_eq!(in_the_way(&ENTRY, &other), Some((Code::NamesTaken, error)));
    assert_eq!(in_the_way(&ENTRY, OTHERS), None);
    assert_eq!(in_the_way(&ENTRY, "no kubeconfig"), None);
}

#[test]
fn a_cluster_of_the_same_ca_is_the_same_at_any_server() {
    let tree = crate::oracle::sample::tree();
    let pem = |name: &str| match tree.get(name) {
        Some(Observed::Certificate { chain, .. }) => chain[0].to_pem(),
        _ => panic!("{name} is there"),
    };
    let (ca, stranger) = (pem("ca"), pem("etcd-ca"));
    let entry = Entry {
        authorities: &ca,
        ..ENTRY
    };
    let at = |ca: &str| {
        let config = written(None)
            .replace("Q0EgMQpDQSAyCg==", &Base64::encode_string(ca.as_bytes()))
            .replace("https://10.0.0.10:6443", "https://old:6443")
            .replace("kubernetes-admin@kubernetes", "mine")
            .replace("current-context: mine", "current-context: none");
        write(&entry, Some(config.as_bytes())).map(|bytes| bytes.to_vec())
    };
    let mended = String::from_utf8(at(&ca).unwrap()).unwrap();
    assert!(
        mended.contains("server: https://10.0.0.10:6443"),
        "{mended}"
    );
    assert!(at(&stranger).is_err());
}

/// As [`ENTRY`], in files.
const NAMED: Entry<'_> = Entry {
    credentials: Credentials::Files {
        authorities: Some("pki/ca.crt"),
        certificate: "pki/admin.crt",
        key: "pki/admin.key",
    },
    ..ENTRY
};

#[test]
fn what_names_files_holds_nothing_of_them_and_the_other_way_round() {
    let as_text = |entry: &Entry<'_>, existing: Option<&str>| {
        let bytes = write(entry, existing.map(str::as_bytes)).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let named = as_text(&NAMED, None);
    assert!(!named.contains("-data"), "{named}");
    let credentials = Credentials::Files {
        authorities: None,
        certificate: "pki/admin.crt",
        key: "pki/admin.key",
    };
    let mixed = as_text(
        &Entry {
            credentials,
            ..ENTRY
        },
        Some(&named),
    );
    assert!(mixed.contains("certificate-authority-data: "), "{mixed}");
    assert!(!mixed.contains("certificate-authority: "), "{mixed}");
    assert!(mixed.contains("client-key: pki/admin.key"), "{mixed}");
    let current = parse(named.as_bytes()).unwrap();
    for (source, wanted) in [
        (authorities(&current), "pki/ca.crt"),
        (&current.certificate, "pki/admin.crt"),
        (&current.key, "pki/admin.key"),
    ] {
        assert!(
            matches!(source, Source::File { path, .. } if path == wanted),
            "{source:?}"
        );
    }
    let embedded = written(None);
    assert_eq!(as_text(&NAMED, Some(&embedded)), named);
    assert_eq!(as_text(&ENTRY, Some(&named)), embedded);
}

#[test]
fn a_cluster_that_names_the_same_ca_file_is_the_same_at_any_server() {
    let bytes = write(&NAMED, None).unwrap();
    let elsewhere = String::from_utf8(bytes.to_vec())
        .unwrap()
        .replace("https://10.0.0.10:6443", "https://old:6443")
        .replace("kubernetes-admin@kubernetes", "mine");
    assert_eq!(in_the_way(&NAMED, &elsewhere), None);
    let other = elsewhere
        .replace("pki/ca.crt", "other/ca.crt")
        .replace("current-context: mine", "current-context: none");
    assert!(in_the_way(&NAMED, &other).is_some());
}

/// What is wrong elsewhere keeps kubectl from reading the file too, and is somebody else's.
#[test]
fn what_kubectl_refuses_in_other_entries_is_told_and_left() {
    let whole = written(None);
    assert_eq!(in_the_way(&ENTRY, &whole), None);
    for (list, entry, reason) in [
        (
            "clusters",
            "name: 1",
            "line 3: clusters[0].name is a number, and kubectl wants a text",
        ),
        (
            "clusters",
            "{name: o, cluster: {server: 1}}",
            "line 3: clusters[0].cluster.server is a number, and kubectl wants a text",
        ),
        (
            "clusters",
            "x",
            "clusters[0] is a text, and kubectl wants a map",
        ),
        (
            "users",
            "{name: o, user: {client-certificate-data: '!!'}}",
            "users[0].user.client-certificate-data is not base64",
        ),
        (
            "users",
            "{name: o, user: {client-certificate-data: Zm9}}",
            "users[0].user.client-certificate-data is not base64",
        ),
        (
            "users",
            "{name: o, user: x}",
            "users[0].user is a text, and kubectl wants a map",
        ),
        (
            "users",
            "{name: o, user: {as-user-extra: {a: b}}}",
            "users[0].user.as-user-extra.a is a text, and kubectl wants a list",
        ),
        (
            "users",
            "{name: o, user: {exec: {env: [{name: a, value: 5}]}}}",
            "users[0].user.exec.env[0].value is a number, and kubectl wants a text",
        ),
        (
            "users",
            "{name: o}\n- {name: o}",
            "has two entries of the name \"o\"",
        ),
        (
            "contexts",
            "{name: o, context: {namespace: n}}",
            "contexts[0].context.namespace is true or false, and kubectl wants a text",
        ),
        (
            "contexts",
            "{name: o, context: {extensions: [{name: a, extension: [.inf]}]}}",
            "extension[0] is a number that JSON does not know",
        ),
    ] {
        let text = whole.replace(&format!("{list}:\n"), &format!("{list}:\n- {entry}\n"));
        let (code, told) = in_the_way(&ENTRY, &text).unwrap();
        assert!(told.contains(reason), "{told}");
        assert_eq!(code, Code::Unreadable);
        assert_eq!(format!("cannot be used: {}", error(&text)), told);
        assert!(write(&ENTRY, Some(text.as_bytes())).is_err());
    }
    for sound in [
        "preferences: null",
        "preferences: {colors: true, other: 5}",
        "extensions: [{name: a, extension: 5}]",
        "other: [1, {a: 2.5}]",
        "users: [null, {name: o, user: null}, {user: {exec: {command: x, args: [a]}}, name: p}]",
    ] {
        let text = whole.replace("users:\n", &format!("{sound}\nusers:\n"));
        let text = match sound.strip_prefix("users: ") {
            Some(list) => text.replace(
                &format!("users: {list}\nusers:\n"),
                "users:\n- {name: o, user: {token: x}}\n- null\n",
            ),
            None => text,
        };
        assert!(parse(text.as_bytes()).is_ok(), "{sound}: {}", error(&text));
    }
}

/// Whoever merges files by hand has one user for two clusters, and it may be either's.
#[test]
fn credentials_of_another_cluster_s_context_are_not_overwritten() {
    let whole = written(None);
    let merged = |context: &str| {
        let cluster = "- cluster: {server: 'https://user:pw@prod:6443'}\n  name: prod\n";
        whole
            .replace("clusters:\n", &format!("clusters:\n{cluster}"))
            .replace("contexts:\n", &format!("contexts:\n- {context}\n"))
    };
    let used = merged("{name: p, context: {cluster: prod, user: kubernetes-admin}}");
    let expected =
        "has the user \"kubernetes-admin\" for another cluster too, in the context \"p\"";
    assert_eq!(
        in_the_way(&ENTRY, &used),
        Some((Code::NamesTaken, expected.to_owned()))
    );
    assert!(parse(used.as_bytes()).is_ok());
    // Of a cluster that is not there nothing can be lost, and an alias of ours is ours.
    for context in [
        "{name: p, context: {cluster: none, user: kubernetes-admin}}",
        "{name: p, context: {cluster: kubernetes, user: kubernetes-admin}}",
        "{name: p, context: {cluster: prod, user: other}}",
    ] {
        assert_eq!(in_the_way(&ENTRY, &merged(context)), None, "{context}");
    }
    let own = "context: {cluster: prod, user: other}\n  name: kubernetes-admin@kubernetes";
    let text = merged(own).replace(
        "- context:\n    cluster: kubernetes\n    user: kubernetes-admin\n  name: kubernetes-admin@kubernetes\n",
        "",
    );
    let expected = "calls a context of another cluster \"kubernetes-admin@kubernetes\"";
    assert_eq!(
        in_the_way(&ENTRY, &text),
        Some((Code::NamesTaken, expected.to_owned()))
    );
    let renamed = whole
        .replace("https://10.0.0.10:6443", "https://user:pw@prod:6443")
        .replace(
            "current-context: kubernetes-admin@kubernetes",
            "current-context: none",
        );
    let expected = "calls another cluster \"kubernetes\", at https://[elided]@prod:6443";
    assert_eq!(
        in_the_way(&ENTRY, &renamed),
        Some((Code::NamesTaken, expected.to_owned()))
    );
}

#[test]
fn a_kubeconfig_that_would_grow_too_large_is_left() {
    let whole = written(None);
    let found = obstacle(&ENTRY, whole.as_bytes(), whole.len() - 1).unwrap();
    assert_eq!(found.code, Code::TooLarge);
    assert_eq!(obstacle(&ENTRY, whole.as_bytes(), whole.len()), None);
}

#[test]
fn the_name_that_a_server_is_held_to_goes_with_the_server() {
    let named = written(None).replace("    server:", "    tls-server-name: other\n    server:");
    assert_eq!(
        parse(named.as_bytes()).unwrap().server_name.as_deref(),
        Some("other")
    );
    assert_eq!(written(Some(&named)), written(None));
}

fn renewed(anew: &Anew<'_>, existing: &str) -> String {
    let bytes = renew(anew, existing.as_bytes()).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_renewal_changes_what_it_was_given_in_the_current_entry_and_nothing_else() {
    let more =
        "users:\n- name: second\n  user:\n    client-certificate-data: S0VZCg==\n    token: t\n";
    let existing = written(None).replace("users:\n", more);
    assert_eq!(renewed(&Anew::default(), &existing), existing);
    let bundle = [ca()];
    let authorities = Anew {
        trust: Some(Exchange {
            former: &bundle,
            now: &bundle,
        }),
        ..Anew::default()
    };
    let now = existing.replace("Q0EgMQpDQSAyCg==", &embedded(&bundle[0]));
    assert_eq!(renewed(&authorities, &existing), now);
    let all = Anew {
        certificate: Some("NEWER\n"),
        key: Some(b"NEW KEY\n"),
        ..authorities
    };
    let now = now
        .replace("Q0VSVElGSUNBVEUK", "TkVXRVIK")
        .replace("client-key-data: S0VZCg==", "client-key-data: TkVXIEtFWQo=");
    assert_eq!(renewed(&all, &existing), now);
}

fn ca() -> Certificate {
    of_row("ca")
}

fn of_row(name: &str) -> Certificate {
    let wanted = spec(name);
    let wanted = wanted.certificate().unwrap();
    certificate(wanted, name, &std::collections::BTreeMap::default(), NOW)
}

fn embedded(certificate: &Certificate) -> String {
    Base64::encode_string(certificate.to_pem().as_bytes())
}

#[test]
fn a_renewal_of_the_ca_comes_to_each_entry_of_the_cluster_that_holds_it_and_to_no_other() {
    let bundle = [ca()];
    let anew = Anew {
        trust: Some(Exchange {
            former: &bundle,
            now: &bundle,
        }),
        ..Anew::default()
    };
    let former = "certificate-authority-data: Q0EgMQpDQSAyCg==";
    let wanted = format!("certificate-authority-data: {}", embedded(&bundle[0]));
    let own = "https://10.0.0.10:6443";
    for (server, field, comes) in [
        (own, former, true),
        ("https://10.0.0.10:6443/", former, true),
        ("https://other:6443", former, false),
        (own, "certificate-authority: ca.crt", false),
        (own, "proxy-url: http://p", false),
        (
            "http://10.0.0.10:6443",
            "certificate-authority-data: Q0EK",
            false,
        ),
    ] {
        let second = format!("- cluster:\n    server: {server}\n    {field}\n  name: second\n");
        let existing = written(None).replace("contexts:\n", &format!("{second}contexts:\n"));
        let now = renewed(&anew, &existing);
        assert_eq!(
            now.matches(&wanted).count(),
            1 + usize::from(comes),
            "{now}"
        );
        assert_eq!(now.contains(field), !comes, "{server} {field}: {now}");
    }
}

#[test]
fn the_current_entry_gets_cas_where_it_has_none_and_is_to_and_names_its_file_still() {
    let bundle = [ca()];
    let own = "certificate-authority-data: Q0EgMQpDQSAyCg==";
    let wanted = format!("certificate-authority-data: {}", embedded(&bundle[0]));
    for (field, fills, comes) in [
        ("proxy-url: http://p", true, 1),
        ("proxy-url: http://p", false, 0),
        ("certificate-authority: ca.crt", true, 0),
        ("certificate-authority: ca.crt", false, 0),
    ] {
        let anew = Anew {
            trust: Some(Exchange {
                former: &bundle,
                now: &bundle,
            }),
            fills,
            ..Anew::default()
        };
        // Another entry is brought along whatever the current one has.
        let second =
            format!("- cluster:\n    server: https://10.0.0.10:6443\n    {own}\n  name: second\n");
        let existing = written(None)
            .replace(own, field)
            .replace("contexts:\n", &format!("{second}contexts:\n"));
        let now = renewed(&anew, &existing);
        assert_eq!(now.matches(&wanted).count(), 1 + comes, "{now}");
        assert!(now.contains(field), "{now}");
    }
}

#[test]
fn a_renewal_exchanges_what_is_held_of_the_ca_and_leaves_what_is_held_beyond_it() {
    let (former, now, other) = (ca(), ca(), of_row("etcd-ca"));
    assert_ne!(former, now);
    let data = |held: &[&Certificate]| {
        let pem: String = held.iter().map(|ca| ca.to_pem()).collect();
        format!(
            "certificate-authority-data: {}",
            Base64::encode_string(pem.as_bytes())
        )
    };
    let was = "certificate-authority-data: Q0EgMQpDQSAyCg==";
    let new = data(&[&now]);
    let trust = Some(Exchange {
        former: std::slice::from_ref(&former),
        now: std::slice::from_ref(&now),
    });
    let anew = Anew {
        trust,
        ..Anew::default()
    };
    for (held, expected) in [
        (data(&[&former]), new.clone()),
        (data(&[&now]), new),
        (data(&[&other, &former]), data(&[&now, &other])),
        (data(&[&other]), data(&[&other])),
    ] {
        let second =
            format!("- cluster:\n    {held}\n    server: https://10.0.0.10:6443\n  name: second\n");
        let existing = written(None)
            .replace("contexts:\n", &format!("{second}contexts:\n"))
            .replace(was, &held);
        let renewed = renewed(&anew, &existing);
        assert_eq!(renewed, existing.replace(&held, &expected));
    }
}

#[test]
fn a_renewal_puts_data_in_the_place_of_a_file_s_name_and_passes_over_no_fault() {
    let existing = written(None)
        .replace(
            "client-certificate-data: Q0VSVElGSUNBVEUK",
            "client-certificate: a.crt",
        )
        .replace("client-key-data: S0VZCg==", "client-key: a.key");
    let anew = Anew {
        certificate: Some("NEWER\n"),
        ..Anew::default()
    };
    let now = renewed(&anew, &existing);
    assert!(now.contains("client-certificate-data: TkVXRVIK"), "{now}");
    assert!(
        !now.contains("a.crt") && now.contains("client-key: a.key"),
        "{now}"
    );
    for existing in ["garbage", "kind: Config\n", ""] {
        assert!(renew(&anew, existing.as_bytes()).is_err(), "{existing}");
    }
}
