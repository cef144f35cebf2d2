use super::*;

fn known(root: Root, name: &str) -> bool {
    is_known(&FileId::new(root, name))
}

#[test]
fn the_files_of_kubeadm_are_known() {
    for name in [
        "ca.crt",
        "ca.key",
        "sa.pub",
        "etcd/server.crt",
        "apiserver.csr",
    ] {
        assert!(known(Root::Pki, name), "{name}");
    }
    for name in ["admin.conf", "controller-manager.conf", "kubelet.conf.csr"] {
        assert!(known(Root::Kubeconfig, name), "{name}");
    }
    for name in ["kubelet.crt", "pki/kubelet.key"] {
        assert!(known(Root::Kubelet, name), "{name}");
    }
}

#[test]
fn a_pair_may_be_called_as_its_user_is_and_a_request_as_its_profile() {
    for name in [
        "Alice.crt",
        "jane_doe@example.com.key",
        "system:x+y.crt",
        "a-key.pem",
    ] {
        assert!(known(Root::Pki, name), "{name}");
        assert!(!known(Root::Requests, name), "{name}");
    }
    assert!(known(Root::Kubeconfig, "my_Admin.conf"));
    assert!(known(Root::Requests, "admin.crt"));
}

#[test]
fn what_leaves_a_root_or_is_hidden_or_strange_is_not_known() {
    for name in [
        "",
        "/",
        "/ca.crt",
        "//ca.crt",
        "../ca.crt",
        "etcd/../ca.crt",
        "etcd//ca.crt",
        "other/ca.crt",
        "etcd/etcd/ca.crt",
        "..crt",
        ".crt",
        ".certs-journal",
        ".a.crt",
        "-a.crt",
        "a b.crt",
        "a'b.crt",
        "a;b.crt",
        "$a.crt",
        "ä.crt",
        "ca.pem~",
        "admin.conf",
        "ca.crt\n",
        "ca.crt/",
        "etcd/",
        "etcd",
    ] {
        assert!(!known(Root::Pki, name), "{name:?}");
    }
    for name in [
        "etcd/admin.conf",
        "pki/ca.crt",
        "ca.crt",
        ".conf",
        ".conf.csr",
    ] {
        assert!(!known(Root::Kubeconfig, name), "{name:?}");
    }
    for name in [
        "kubelet.conf",
        "config.yaml",
        "etcd/kubelet.crt",
        "pki/kubelet-client.crt",
    ] {
        assert!(!known(Root::Kubelet, name), "{name:?}");
    }
}

#[test]
fn what_others_keep_is_of_a_tree_and_what_is_hidden_is_not() {
    for (root, name, expected) in [
        (Root::Pki, "ca.crt", true),
        (Root::Pki, "etcd/own.pem", true),
        (Root::Kubelet, "kubelet-client-current.pem", true),
        (Root::Kubelet, "pki/kubelet-server-current.pem", true),
        (Root::Kubeconfig, "own.conf", true),
        (Root::Kubeconfig, "own.pem", false),
        (Root::Kubelet, "own.crt", false),
        (Root::Pki, "other/own.pem", false),
        (Root::Pki, ".certs-0707070707070707-1.pem", false),
        (Root::Pki, "ca.crt~", false),
    ] {
        let file = FileId::new(root, name);
        assert_eq!(is_of_a_tree(&file), expected, "{name}");
    }
}

#[test]
fn a_name_that_the_file_system_could_not_hold_is_not_known() {
    let longest = format!("{}.crt", "a".repeat(251));
    assert!(known(Root::Pki, &longest));
    assert!(!known(Root::Pki, &format!("a{longest}")));
}

#[test]
fn a_staged_name_is_read_back() {
    let transaction = TransactionId([7; 8]);
    let name = staged(transaction, 12, "etcd/ca.crt");
    assert_eq!(name, "etcd/.certs-0707070707070707-12");
    let base = name.strip_prefix("etcd/").unwrap();
    assert_eq!(parse_staged(base), Some((transaction, 12)));
}

#[test]
fn a_name_that_only_resembles_a_staged_one_is_not_taken_for_it() {
    for base in [
        JOURNAL,
        BACKUP,
        ".certs-0707070707070707-",
        ".certs-0707070707070707-01",
        ".certs-07-1",
        ".certs-070707070707070G-1",
        ".certs-0707070707070707-+1",
        "certs-0707070707070707-1",
        ".certs-0707070707070707-1-old",
    ] {
        assert_eq!(parse_staged(base), None, "{base}");
    }
}

#[test]
fn a_reference_is_relative_to_the_kubeconfig_s_folder() {
    let roots = Roots {
        pki: "/k/pki".into(),
        kubeconfig: "/k".into(),
        kubelet: "/l".into(),
        requests: "/r".into(),
    };
    let kubeconfig = FileId::new(Root::Kubeconfig, "kubelet.conf");
    let path = |reference| roots.reference(&kubeconfig, reference);
    assert_eq!(path("pki/ca.crt"), Path::new("/k/pki/ca.crt"));
    assert_eq!(path("/l/pki/c.pem"), Path::new("/l/pki/c.pem"));
}
