//! What a tree asked for → what should come of it.

use std::collections::BTreeMap;

use crate::facts::Version;
use crate::profile::resolve::{SYSTEM_NODE, subjects};
use crate::profile::{CommonName, Profile, identity};
use crate::spec::{Content, Spec};
use crate::x509::name::Name;
use crate::x509::request::Asked;
use crate::x509::san::ordered;

/// The specs, each as the request for its key asks for it: what is in its place may be what a CA made of
/// an earlier one, narrower or wider. Where facts were `stated` the names that they tell are wanted too,
/// and the subject is theirs.
pub fn as_asked(specs: &mut [Spec], asked: &BTreeMap<String, Asked>, stated: bool) {
    for spec in specs.iter_mut().filter(|spec| !spec.is_ca()) {
        let (Some(row), Some(asked)) = (identity(spec), asked.get(&spec.name)) else {
            continue;
        };
        let Content::Certificate(wanted) = &mut spec.content else {
            continue;
        };
        if stated {
            let both = wanted.sans.drain(..).chain(asked.sans.iter().cloned());
            wanted.sans = ordered(both.collect());
            continue;
        }
        wanted.sans.clone_from(&asked.sans);
        if let Some((subject, former)) = of_node(row, &asked.subject) {
            (wanted.subject, wanted.former_subjects) = (subject, former);
        }
    }
}

/// The subject of a row that is called after its node, of the node that was asked for. All else of a
/// subject is the row's to tell.
fn of_node(row: &Profile, asked: &Name) -> Option<(Name, Vec<Name>)> {
    let name = asked.common_name()?;
    match row.common_name {
        CommonName::Fixed(_) => return None,
        CommonName::NodeName => {}
        CommonName::SystemNode => {
            name.strip_prefix(SYSTEM_NODE)?;
        }
    }
    let (subject, former) = subjects(row, &Version::NEWEST, &name);
    asked.same_values(&subject).then_some((subject, former))
}
