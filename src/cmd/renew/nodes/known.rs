//! Which of the names typed are there, over all nodes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{asked, names};
use crate::cmd::Stop;
use crate::cmd::nodes::facts::Cluster;
use crate::cmd::select::nearest;
use crate::cmd::sequence::Judged;
use crate::cmd::there;
use crate::plan::{Found, Renewal};
use crate::profile::by_name;
use crate::spec::Spec;
use crate::store::Store;

/// What was named, and is there.
#[derive(Default)]
pub(super) struct Known {
    /// By what was typed.
    named: BTreeMap<String, Spec>,
    /// What else could have been.
    others: BTreeSet<String>,
}

impl Known {
    /// What a tree has.
    pub(super) fn of(
        typed: &[String],
        judged: &Judged,
        store: &Store,
        renewal: &Renewal,
    ) -> Result<Self, Stop> {
        let mut known = Self::default();
        // What is a key pair alone, or several at once, is told.
        names::named(typed, &judged.specs, &judged.seen, (store, renewal))?;
        for name in typed {
            if let Ok(Some(spec)) = there::named(name, &judged.specs, store) {
                known.named.insert(name.clone(), spec.clone());
            } else {
                let all = judged.specs.iter();
                known.others.extend(all.map(|spec| spec.name.clone()));
            }
        }
        Ok(known)
    }

    /// The CAs.
    pub(super) fn cas(&self) -> BTreeSet<String> {
        let cas = self.named.values().filter(|spec| spec.is_ca());
        cas.map(|spec| spec.name.clone()).collect()
    }

    /// What another tree has.
    pub(super) fn add(&mut self, other: Self) {
        self.others.extend(other.others);
        for (name, spec) in other.named {
            // What is copied is called so where it is kept.
            self.named.entry(name).or_insert(spec);
        }
    }

    /// Nothing that was typed is passed over.
    pub(super) fn heed(
        &self,
        typed: &[String],
        flags: asked::Typed,
        renewal: &Renewal,
        cluster: &Cluster,
    ) -> Result<(), Stop> {
        let lacking = typed.iter().filter(|name| !self.named.contains_key(*name));
        let mut wrong: Vec<String> = lacking.map(|name| self.unknown(name, cluster)).collect();
        let named: Vec<&Spec> = self.named.values().collect();
        let changes = &renewal.changes;
        wrong.extend(asked::unheeded(flags, changes, &named, &Found::new()));
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Stop::Usage(wrong))
        }
    }

    fn unknown(&self, name: &str, cluster: &Cluster) -> String {
        if by_name(name).is_some() {
            return format!(
                "no node has {name}: 'certs all --inventory FILE --out DIR' makes what a node's roles need"
            );
        }
        if cluster.number(name).is_some() {
            return format!(
                "\"{name}\" is a node: 'certs renew node {name} --inventory FILE --out DIR' renews what it needs"
            );
        }
        let known: Vec<&str> = self.others.iter().map(String::as_str).collect();
        let nearest = nearest(name, &known);
        format!("no node has a \"{name}\"{nearest}, nor is it a CA that they share")
    }
}
