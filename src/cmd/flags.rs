//! `certs flags`: the options by which a component uses the tree. Of the tree only what is there is
//! asked.

use anyhow::Context;

use super::around::{facts, roots, stopped};
use super::give::Give;
use super::{Env, Outcome, Stop};
use crate::cli::{Flags, Form};
use crate::facts::Given;
use crate::location::FileId;
use crate::outcome::Exit;
use crate::profile::flags::{Value, component};
use crate::report::{self, Format, Output, noted};
use crate::store::Store;

pub(crate) fn run(verb: Flags, env: &mut Env<'_>) -> Outcome {
    let format = Format {
        output: Output::Text,
        quiet: false,
        width: env.width,
        colour: env.colour,
    };
    match attempt(verb, env) {
        // The notes stand beside what may be on its way into a file.
        Ok((stdout, notes)) => Outcome {
            stdout,
            stderr: noted(&notes),
            exit: Exit::Done,
        },
        Err(stop) => stopped(stop, &format),
    }
}

fn attempt(verb: Flags, env: &mut Env<'_>) -> Result<(Vec<u8>, Vec<String>), Stop> {
    let mut given = Given::default();
    verb.node.give(&mut given);
    verb.address.give(&mut given);
    verb.port.give(&mut given);
    verb.services.give(&mut given);
    verb.members.give(&mut given);
    let (facts, mut notes) = facts(given, &verb.tree, env)?;
    let component = component(&verb.component).context("the component is not in the table")?;
    if component.etcd && facts.cluster.external_etcd.is_some() {
        return Err(Stop::usage(format!(
            "{}: the configuration names an external one, which is started where it runs: \
             leave etcd.external out there",
            component.name
        )));
    }
    if !component.etcd && !facts.cluster.etcd_members.is_empty() {
        return Err(Stop::usage(format!(
            "--etcd-member: {} is told of no members: leave it out, or name etcd",
            component.name
        )));
    }
    let store = Store::open(roots(
        &verb.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        verb.kubelet_dir.kubelet_dir.as_ref(),
        None,
        facts.cert_dir.as_deref(),
        &mut notes,
    ));
    let path = |value: &Value| match value {
        Value::Directory(root) => store.absolute(store.root(*root)),
        Value::File(file) => store.absolute(&store.path(file)),
        Value::Signing { ca, apart } => {
            let none = matches!(store.read(apart), Ok(None));
            store.absolute(&store.path(if none { ca } else { apart }))
        }
        Value::Text(_) | Value::True => None,
    };
    let form = match verb.output {
        Form::Args => report::Form::Args,
        Form::Config => report::Form::Config,
        Form::Env => report::Form::Env,
        Form::Yaml => report::Form::Yaml,
    };
    let there = |file: &FileId| !matches!(store.read(file), Ok(None));
    let external = component
        .signs_with()
        .filter(|ca| there(&ca.stored.public()) && !there(&ca.stored.key()));
    if let Some(ca) = external {
        notes.push(format!(
            "{} is not there: {} is told to sign nothing, as kubeadm tells it",
            store.path(&ca.stored.key()).display(),
            component.name
        ));
    }
    for row in component.by_name() {
        let file = row.stored.public();
        if !there(&file) {
            notes.push(format!(
                "{} is not there: 'certs {} {}' makes it",
                store.path(&file).display(),
                row.phase.name(),
                row.name
            ));
        }
    }
    let settings = component
        .settings(&facts, external.is_some())
        .map_err(|error| Stop::usage(error.to_string()))?;
    let text = report::flags(component, &settings, form, &path).map_err(Stop::usage)?;
    Ok((text, notes))
}
