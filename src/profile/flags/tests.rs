use super::*;
use crate::facts::{Given, Host, Stated, resolve};
use crate::profile::reader::{Changed, Through, processes};
use crate::profile::{TABLE, resolve as resolved};

fn facts(give: impl FnOnce(&mut Given)) -> Facts {
    let mut given = Given {
        advertise_address: Some(Stated::new("10.0.0.10", "--x")),
        node_name: Some(Stated::new("cp1", "--x")),
        ..Given::default()
    };
    give(&mut given);
    let host = Host {
        name: "host",
        default_address: &|_| None,
    };
    resolve(given, &host).unwrap()
}

fn text(name: &str, flag: &str, facts: &Facts) -> Option<String> {
    let settings = component(name).unwrap().settings(facts, false).unwrap();
    let setting = settings.into_iter().find(|setting| setting.flag == flag)?;
    Some(match setting.value {
        Value::Directory(root) => root.name().to_owned(),
        Value::File(file) | Value::Signing { ca: file, .. } => file.name,
        Value::Text(text) => text,
        Value::True => "true".to_owned(),
    })
}

#[test]
fn components_and_their_options_stand_in_alphabetical_order_once_each() {
    let ordered = |names: Vec<&str>| names.is_sorted_by(|one, next| one < next);
    assert!(ordered(
        COMPONENTS.iter().map(|component| component.name).collect()
    ));
    for component in COMPONENTS {
        let flags = component.options.iter().map(|row| row.flag).collect();
        assert!(ordered(flags), "{}", component.name);
    }
}

#[test]
fn every_option_has_a_value_for_a_control_plane_with_its_own_etcd() {
    let facts = facts(|_| {});
    for component in COMPONENTS {
        let settings = component.settings(&facts, false).unwrap();
        assert_eq!(
            settings.len(),
            component.options.len(),
            "{}",
            component.name
        );
    }
}

#[test]
fn a_file_is_where_its_profile_is_stored() {
    let facts = facts(|_| {});
    for row in TABLE {
        let place = resolved(row, &facts).unwrap().place;
        assert_eq!(row.stored.public(), place.public(), "{}", row.name);
        assert_eq!(row.stored.key(), place.key(), "{}", row.name);
    }
}

/// What of the tree nobody names would be made for nothing: but for what people and probes use.
#[test]
fn every_row_is_some_component_s_but_those_of_people_and_probes() {
    let facts = facts(|_| {});
    let mut used = Vec::new();
    for component in COMPONENTS {
        for setting in component.settings(&facts, false).unwrap() {
            if let Value::File(file) = setting.value {
                used.push(file);
            }
        }
    }
    let unused: Vec<&str> = TABLE
        .iter()
        .filter(|row| !used.contains(&row.stored.public()))
        .map(|row| row.name)
        .collect();
    assert_eq!(unused, ["etcd-healthcheck-client", "admin", "super-admin"]);
}

#[test]
fn an_external_etcd_is_reached_with_the_files_of_the_configuration() {
    let external = facts(|given| {
        given.external_etcd = true;
        given.external_etcd_endpoints = vec![
            Stated::new("https://a:2379", "file"),
            Stated::new("https://b:2379", "file"),
        ];
        given.external_etcd_ca = Some(Stated::new("/x/ca.crt", "file"));
        given.external_etcd_key = Some(Stated::new("", "file"));
    });
    let flag = |flag| text("kube-apiserver", flag, &external);
    assert_eq!(
        flag("etcd-servers").unwrap(),
        "https://a:2379,https://b:2379"
    );
    assert_eq!(flag("etcd-cafile").unwrap(), "/x/ca.crt");
    assert_eq!(flag("etcd-certfile"), None);
    assert_eq!(flag("etcd-keyfile"), None);
    let nowhere = facts(|given| given.external_etcd = true);
    assert_eq!(text("kube-apiserver", "etcd-servers", &nowhere), None);
}

#[test]
fn etcd_listens_to_its_neighbours_and_to_other_nodes() {
    let at =
        |address: &str| facts(|given| given.advertise_address = Some(Stated::new(address, "--x")));
    for (address, listens, servers) in [
        (
            "10.0.0.10",
            "https://127.0.0.1:2379,https://10.0.0.10:2379",
            "https://127.0.0.1:2379",
        ),
        (
            "fd00::10",
            "https://[::1]:2379,https://[fd00::10]:2379",
            "https://[::1]:2379",
        ),
        (
            "127.0.0.2",
            "https://127.0.0.2:2379",
            "https://127.0.0.2:2379",
        ),
        (
            "127.0.0.1",
            "https://127.0.0.1:2379",
            "https://127.0.0.1:2379",
        ),
    ] {
        let facts = at(address);
        let flag = |name, flag| text(name, flag, &facts).unwrap();
        assert_eq!(flag("etcd", "listen-client-urls"), listens);
        assert_eq!(flag("kube-apiserver", "etcd-servers"), servers);
        let peers = flag("etcd", "listen-peer-urls");
        assert_eq!(peers, flag("etcd", "initial-advertise-peer-urls"));
        assert_eq!(flag("etcd", "initial-cluster"), format!("cp1={peers}"));
    }
}

#[test]
fn a_cluster_of_etcd_has_this_node_and_the_members_given() {
    let with = |members: &[&str]| {
        let members = members
            .iter()
            .map(|member| Stated::new(*member, "--etcd-member"));
        facts(|given| given.etcd_members = members.collect())
    };
    let cluster = |members: &[&str]| text("etcd", "initial-cluster", &with(members)).unwrap();
    assert_eq!(
        cluster(&["cp2=10.0.0.11"]),
        "cp1=https://10.0.0.10:2380,cp2=https://10.0.0.11:2380"
    );
    assert_eq!(
        cluster(&["cp2=10.0.0.11", "cp1=10.0.0.10"]),
        "cp2=https://10.0.0.11:2380,cp1=https://10.0.0.10:2380"
    );
    let elsewhere = component("etcd")
        .unwrap()
        .settings(&with(&["cp1=10.0.0.99"]), false);
    assert!(elsewhere.unwrap_err().0.contains("cp1 is this node"));
    let taken = component("etcd")
        .unwrap()
        .settings(&with(&["cp2=10.0.0.10"]), false);
    assert!(
        taken
            .unwrap_err()
            .0
            .contains("cp2 has the address 10.0.0.10")
    );
}

#[test]
fn a_node_that_joins_says_so_to_etcd() {
    let first = facts(|_| {});
    assert_eq!(
        text("etcd", "initial-cluster-state", &first).unwrap(),
        "new"
    );
    let further = facts(|given| given.role = Some(Role::Further));
    assert_eq!(
        text("etcd", "initial-cluster-state", &further).unwrap(),
        "existing"
    );
}

#[test]
fn what_needs_an_address_says_so_where_there_is_none() {
    let nowhere = facts(|given| given.advertise_address = None);
    assert!(
        component("etcd")
            .unwrap()
            .settings(&nowhere, false)
            .is_err()
    );
    assert!(
        component("kube-scheduler")
            .unwrap()
            .settings(&nowhere, false)
            .is_ok()
    );
}

#[test]
fn whoever_is_given_a_row_by_an_option_is_one_of_its_readers() {
    for component in COMPONENTS {
        for option in component.options {
            let row = match option.source {
                Source::Public(row) | Source::Key(row) => row,
                Source::EtcdCa => "etcd-ca",
                Source::EtcdClientCertificate | Source::EtcdClientKey => "apiserver-etcd-client",
                _ => continue,
            };
            let readers = processes(
                &[Changed {
                    name: row.to_owned(),
                    row: row.to_owned(),
                    through: Through::Itself,
                }],
                None,
            );
            let read = readers.iter().any(|reader| reader.name == component.name);
            assert!(read, "{} reads {row}", component.name);
        }
    }
}
