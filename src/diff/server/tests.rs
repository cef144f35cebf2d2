use super::*;
use crate::oracle::sample::{spec, specs, tree};
use crate::spec::Content;

const NAMES: [&str; 2] = ["api.example.com", "*.cluster.example"];
const ADDRESSES: [&str; 2] = ["10.0.0.10", "fd00::1"];

fn sans() -> Vec<San> {
    let names = NAMES.map(|name| San::Dns(name.to_owned()));
    let addresses = ADDRESSES.map(|address| San::Ip(address.parse().unwrap()));
    names.into_iter().chain(addresses).collect()
}

/// What is told of the kubelet's kubeconfig, with this server and name, beside an API server with [`sans`].
fn told(server: &str, name: Option<&str>) -> Option<String> {
    let mut found = tree();
    if let Some(Observed::Certificate { chain, .. }) = found.get_mut(API_SERVER) {
        chain[0].sans = sans();
    }
    if let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("kubelet") {
        server.clone_into(&mut kubeconfig.server);
        kubeconfig.server_name = name.map(str::to_owned);
    }
    let finding = served(&spec("kubelet"), &specs(), &found, |_| true)?;
    assert_eq!(finding.code, Code::ServerNotInSans);
    assert_eq!(finding.file.name, "kubelet.conf");
    Some(finding.text)
}

#[test]
fn a_kubeconfig_points_at_a_host_that_the_api_server_is_good_for() {
    for good in [
        "https://10.0.0.10:6443",
        "https://api.example.com",
        "https://API.Example.com:6443/path",
        "https://[fd00::1]:6443",
        "https://[FD00:0::1]",
        "https://[::ffff:10.0.0.10]",
        "https://a.cluster.example:443",
        "10.0.0.10:6443",
    ] {
        assert_eq!(told(good, None), None, "{good}");
    }
    for bad in [
        "https://10.0.0.11:6443",
        "https://example.com",
        "https://cluster.example",
        "https://a.b.cluster.example",
        "https://[fd00::2]:6443",
    ] {
        assert!(told(bad, None).is_some(), "{bad}");
    }
    assert_eq!(
        told("https://user:pw@10.0.0.11", None).unwrap(),
        "points at 10.0.0.11, which apiserver.crt is not good for"
    );
    assert_eq!(
        told("https://127.0.0.1:8443", Some("api.example.com")),
        None
    );
    assert_eq!(
        told("https://10.0.0.10", Some("other")).unwrap(),
        "has the tls-server-name other, which apiserver.crt is not good for"
    );
}

#[test]
fn a_certificate_that_is_to_be_made_anew_is_good_for_what_it_will_be() {
    let mut found = tree();
    if let Some(Observed::Certificate { chain, .. }) = found.get_mut(API_SERVER) {
        chain[0].sans = sans();
    }
    if let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("kubelet") {
        "https://api.example.com".clone_into(&mut kubeconfig.server);
    }
    let told = |found: &BTreeMap<String, Observed>, sound| {
        served(&spec("kubelet"), &specs(), found, |_| sound).is_some()
    };
    assert!(!told(&found, true));
    assert!(told(&found, false));
    found.remove(API_SERVER);
    assert!(told(&found, true));
}

#[test]
fn what_is_not_of_this_api_server_s_ca_may_point_anywhere() {
    let mut admin = spec("admin");
    let mut found = tree();
    if let Some(Observed::Kubeconfig(kubeconfig)) = found.get_mut("admin") {
        kubeconfig.server = "https://elsewhere.example".to_owned();
    }
    assert!(served(&admin, &specs(), &found, |_| true).is_some());
    assert!(served(&admin, &[], &found, |_| true).is_none());
    if let Content::Certificate(wanted) = &mut admin.content {
        wanted.issuer = Some("other".to_owned());
    }
    assert!(served(&admin, &specs(), &found, |_| true).is_none());
}
