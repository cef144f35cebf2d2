use super::super::Output;
use super::*;

const WORDS: &str = "kubectl --kubeconfig k8s/super-admin.conf create clusterrolebinding \
                     kubeadm:cluster-admins --clusterrole=cluster-admin";

fn format(width: Option<usize>) -> Format {
    Format {
        output: Output::Text,
        quiet: false,
        width,
        colour: false,
    }
}

fn item(subject: &str) -> Item {
    Item {
        name: "apiserver".into(),
        phase: "server",
        kind: "server",
        step: "create",
        why: Vec::new(),
        files: vec![
            "k8s/pki/apiserver.crt".into(),
            "k8s/pki/apiserver.key".into(),
        ],
        key_algorithm: Some("RSA-2048".into()),
        unknown: None,
        issuer: None,
        subject: Some(subject.into()),
        serial_number: None,
        not_before: None,
        not_after: Some("2027-03-02T00:00:00Z".into()),
        expires: Some("2027-03-01T00:00:00Z".into()),
        fingerprint: None,
        sans: vec![
            "cp1".into(),
            "kubernetes.default.svc".into(),
            "10.96.0.1".into(),
        ],
        from: None,
        anchors: Vec::new(),
        sans_added: Vec::new(),
        sans_removed: Vec::new(),
    }
}

fn described(items: &[Item], width: Option<usize>) -> String {
    let format = format(width);
    let mut text = String::new();
    let columns = Columns::of(items, &format);
    for item in items {
        describe(&mut text, item, &columns, &format);
    }
    text
}

#[test]
fn what_fits_stands_beside_and_is_never_wrapped_without_a_terminal() {
    let beside = "  k8s/pki/apiserver.crt, .key  until 2027-03-01  CN=kube-apiserver\n      \
                  good for cp1, kubernetes.default.svc, 10.96.0.1\n";
    for width in [None, Some(66), Some(200)] {
        assert_eq!(described(&[item("CN=kube-apiserver")], width), beside);
    }
}

#[test]
fn what_does_not_fit_stands_below_for_all_alike() {
    let text = described(&[item("CN=a"), item("CN=kube-apiserver")], Some(65));
    let below = "  k8s/pki/apiserver.crt, .key\n      until 2027-03-01  CN=a\n";
    assert!(text.starts_with(below), "{text}");
    assert!(
        text.contains("\n      until 2027-03-01  CN=kube-apiserver\n"),
        "{text}"
    );
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    for width in 40..120 {
        let mut text = described(&[item("CN=kube-apiserver")], Some(width));
        command(&mut text, WORDS, &format(Some(width)));
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_shell_reads_a_wrapped_command_as_one_line() {
    let mut text = String::new();
    command(&mut text, WORDS, &format(Some(60)));
    assert!(text.lines().count() > 2, "{text}");
    assert_eq!(text.trim().replace(" \\\n      ", " "), WORDS);
}

#[test]
fn a_command_with_quotes_stays_whole() {
    let mut text = String::new();
    let quoted = "kubectl --kubeconfig 'my folder/super-admin.conf' create clusterrolebinding";
    command(&mut text, quoted, &format(Some(40)));
    assert_eq!(text, format!("    {quoted}\n"));
}

#[test]
fn control_characters_of_a_subject_never_reach_a_terminal() {
    let text = described(&[item("CN=a\x1b[31mb\nc\u{202e}d\u{200b}")], None);
    let shown = "CN=a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}";
    assert!(text.contains(shown), "{text}");
    assert!(!text.contains(['\x1b', '\u{202e}', '\u{200b}']), "{text}");
}

#[test]
fn a_server_without_names_has_no_line_for_them() {
    let mut server = item("CN=kube-apiserver");
    server.sans = Vec::new();
    let text = described(&[server], None);
    let line = "  k8s/pki/apiserver.crt, .key  until 2027-03-01  CN=kube-apiserver\n";
    assert_eq!(text, line);
}
