//! What to do next, from what was made.

use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;

use crate::bundle::lost;
use crate::diff::end;
use crate::location::{FileId, Root};
use crate::observe::Seen;
use crate::observed::{Observed, Parts, Source};
use crate::plan::{Plan, Planned, Step};
use crate::profile::{Profile, RoleBinding, SUPER_ADMIN, TABLE, by_name, signs_for};
use crate::store::{Roots, Store};

/// A sentence, and the commands that do it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Advice {
    /// What, and when.
    pub(super) text: String,
    /// Commands for a shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) commands: Vec<String>,
}

/// What is left to do after a plan was carried out.
pub(super) fn advice(plan: &Plan, seen: &Seen, store: &Store, now: OffsetDateTime) -> Vec<Advice> {
    let made = |step: &Step| matches!(step, Step::Create | Step::Derive | Step::Replace { .. });
    // What another machine asked for is its own to use.
    let here = |planned: &&Planned| planned.spec.place.public().root != Root::Requests;
    let mut advice: Vec<Advice> = signs_apart(plan, seen, store).into_iter().collect();
    advice.extend(renewed_cas(plan, seen, store, now));
    if plan
        .steps
        .iter()
        .any(|planned| matches!(planned.step, Step::Asked | Step::Request { .. }))
    {
        let directory = store.root(Root::Requests).display().to_string();
        advice.push(Advice {
            text: to_be_signed(
                &directory,
                "certs sign",
                " and those of CAs that are not here as ca.crt, etcd-ca.crt and front-proxy-ca.crt",
            ),
            commands: vec![format!(
                "certs import {}{}",
                quoted(&directory),
                directories(store)
            )],
        });
        return advice;
    }
    let imported = |planned: &&Planned| planned.step == Step::Import;
    // What is renewed is in use as it was.
    let first = |planned: &&Planned| {
        let certificate = planned.spec.certificate();
        certificate.is_none_or(|wanted| wanted.kept.is_none())
    };
    let cas: Vec<&str> = plan
        .steps
        .iter()
        .filter(here)
        .filter(|planned| !imported(planned))
        .filter(|planned| planned.spec.is_ca() && made(&planned.step))
        // A copy is called by its file.
        .filter(|planned| by_name(&planned.spec.name).is_some())
        .map(|planned| planned.spec.name.as_str())
        .collect();
    if !cas.is_empty() {
        advice.push(Advice {
            text: format!(
                "Keep the keys of {} safe: whoever reads them owns the cluster. A further control \
                 plane needs copies of the CA pairs and of sa.key and sa.pub, before 'certs all' \
                 runs there.",
                cas.join(", ")
            ),
            commands: Vec::new(),
        });
    }
    let bindings: Vec<RoleBinding> = plan
        .steps
        .iter()
        .filter(here)
        .filter(|planned| made(&planned.step))
        .filter(first)
        .filter_map(|planned| {
            let binding = by_name(&planned.spec.name)?.role_binding?;
            // A member of a group that is bound already needs no binding of its own.
            let subject = &planned.spec.certificate()?.subject;
            (binding.by_group || subject.organizations().is_empty()).then_some(binding)
        })
        .collect();
    let by = FileId::new(Root::Kubeconfig, SUPER_ADMIN);
    let kubeconfig = store.path(&by);
    // A control plane that joins has none of these, and joins a cluster in which they are bound.
    let steps = || plan.steps.iter().map(|planned| &planned.spec.place);
    let joins = steps().any(|place| place.public().root == by.root)
        && !steps().any(|place| place.public() == by)
        && !kubeconfig.exists();
    if !bindings.is_empty() && !joins {
        advice.push(Advice {
            text:
                "Once in a cluster, as soon as its API server answers, bind the roles that kubeadm \
                   binds in its own:"
                    .to_owned(),
            commands: bindings
                .iter()
                .map(|binding| command(binding, &kubeconfig.display().to_string()))
                .collect(),
        });
    }
    advice
}

/// What is to be done with requests: `and` what else goes beside them.
pub(super) fn to_be_signed(directory: &str, sign: &str, and: &str) -> String {
    format!(
        "Have the requests in {directory} signed, by '{sign}' where the CA is or by another CA, put each certificate \
         beside its request as NAME.crt{and}, and then:"
    )
}

/// Everyone who holds a copy of a CA's certificate needs the new one before the old one ends.
fn renewed_cas(plan: &Plan, seen: &Seen, store: &Store, now: OffsetDateTime) -> Option<Advice> {
    // What came back for a CA that had no certificate is nobody's yet.
    let renewed = plan.steps.iter().filter(|planned| match planned.step {
        Step::Import => {
            planned.spec.is_ca() && seen.files.contains_key(&planned.spec.place.public())
        }
        Step::Reissue { .. } => planned.spec.is_ca(),
        _ => false,
    });
    let over = |planned: &Planned| {
        let former = seen.observed.get(&planned.spec.name);
        let former = former.and_then(|former| end(&planned.spec, former, &[], now));
        former.is_some_and(|former| former.at < now)
    };
    let dropped = |planned: &Planned| match seen.observed.get(&planned.spec.name) {
        Some(Observed::Returned(back)) => !lost(&back.chain, &back.now, now).is_empty(),
        _ => false,
    };
    let when = if renewed.clone().any(over) {
        "at once, since the former one has ended"
    } else if renewed.clone().any(dropped) {
        "at once, since who trusts the former root alone cannot follow the new chain"
    } else {
        "before the former one ends"
    };
    let path = |planned: &Planned| {
        store
            .path(&planned.spec.place.public())
            .display()
            .to_string()
    };
    let (apart, cas): (Vec<&Planned>, Vec<&Planned>) =
        renewed.partition(|planned| is_apart(planned, plan));
    let files: Vec<String> = cas.into_iter().map(path).collect();
    let apart = apart.first().map_or_else(String::new, |planned| {
        let path = path(planned);
        format!(" and {path} to every other control plane that has it")
    });
    (!files.is_empty()).then(|| Advice {
        text: format!(
            "Copy {} to every other node that has it{apart}, {when}, and bring the \
             kubeconfigs up to date that were handed out ('certs kubeconfig refresh').",
            files.join(", ")
        ),
        commands: Vec::new(),
    })
}

/// Whether it is of the file that the controller manager signs with, where that is not the CA's own.
fn is_apart(planned: &Planned, plan: &Plan) -> bool {
    let mut others = plan.steps.iter().map(|other| &other.spec);
    others.any(|ca| signs_for(&planned.spec, ca))
}

/// A controller manager that has another file to sign with is told so by its option alone, and with two certificates in
/// the one that it had it does not start again.
fn signs_apart(plan: &Plan, seen: &Seen, store: &Store) -> Option<Advice> {
    let mut new = plan.steps.iter().filter(|planned| {
        let file = planned.spec.place.public();
        planned.step == Step::Import && !seen.files.contains_key(&file)
    });
    let apart = new.find(|planned| is_apart(planned, plan))?;
    let file = apart.spec.place.public();
    let path = store.path(&file);
    let copy = format!("copy {} to every other control plane", path.display());
    Some(to_sign_apart(&copy))
}

/// What is to be done with that file, which is to be copied first.
pub(super) fn to_sign_apart(copy: &str) -> Advice {
    Advice {
        text: format!(
            "Before any kube-controller-manager is restarted, {copy}, and have its --cluster-signing-cert-file name that \
             file on each ('certs flags kube-controller-manager' prints it): with the several certificates that the CA's \
             file holds now it signs nothing, and does not start again."
        ),
        commands: Vec::new(),
    }
}

fn command(binding: &RoleBinding, kubeconfig: &str) -> String {
    let subject = if binding.by_group { "group" } else { "user" };
    format!(
        "kubectl --kubeconfig {} create clusterrolebinding {} --clusterrole={} --{subject}={}",
        quoted(kubeconfig),
        binding.name,
        binding.role,
        binding.subject
    )
}

/// The flags by which another run finds this tree: none where it lies as a cluster's own does.
pub(super) fn directories(store: &Store) -> String {
    let usual = Roots::of(None, None, None, None, None);
    let [kubernetes, pki, kubelet] =
        [Root::Kubeconfig, Root::Pki, Root::Kubelet].map(|root| store.root(root));
    let beside = Roots::of(Some(kubernetes.to_owned()), None, None, None, None);
    let flags = [
        ("--kubernetes-dir", kubernetes, usual.kubeconfig),
        ("--cert-dir", pki, beside.pki),
        ("--kubelet-dir", kubelet, usual.kubelet),
    ];
    let mut text = String::new();
    for (flag, path, usual) in flags {
        if path != usual {
            text.extend([" ", flag, " ", &quoted(&path.display().to_string())]);
        }
    }
    text
}

/// What a command has behind it to be over the trees of these nodes.
pub fn over_nodes(inventory: &Path, out: &Path) -> String {
    let of = |path: &Path| quoted(&path.display().to_string());
    format!(" --inventory {} --out {}", of(inventory), of(out))
}

/// For a shell, in single quotes where it must be.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Keys that a kubeconfig named and does not need any more: whoever has one is who it was.
pub(super) fn left_behind(plan: &Plan, seen: &Seen, store: &Store) -> Vec<Advice> {
    let replaced = plan.steps.iter().filter(|planned| is_replaced(planned));
    let named = replaced.filter_map(|planned| {
        let kubeconfig = planned.spec.place.public();
        let (path, source) = seen.observed.get(&planned.spec.name)?.key_file()?;
        let whole = store.reference_path(&kubeconfig, path);
        let same = |parts: &Parts| match source {
            Source::File(_) => parts.key == *source,
            _ => parts.key_path.as_ref() == Some(&whole),
        };
        let apart = planned.spec.credential_files().is_some();
        // That of a row, a CA's above all, is not the kubeconfig's, whatever named it.
        let of_row =
            |row: &Profile| matches!(source, Source::File(file) if row.stored.key() == *file);
        if TABLE.iter().any(of_row) {
            return None;
        }
        let mut others = stay(plan, &seen.ground.kubeconfigs);
        (!apart && !others.any(same)).then_some((kubeconfig, path))
    });
    let told = named.map(|(kubeconfig, path)| {
        // Of a link nothing but that would go.
        let key = match store.leads_to(&kubeconfig, path) {
            Some(file) => format!("{}, to which the link {path} leads", file.display()),
            None => path.to_owned(),
        };
        Advice {
            text: format!(
                "Delete the key {key}, which {kubeconfig} named and does not need any more, unless something else \
                 uses it: it is good as long as its certificate."
            ),
            commands: Vec::new(),
        }
    });
    told.collect()
}

fn is_replaced(planned: &Planned) -> bool {
    matches!(planned.step, Step::Import | Step::Replace { .. })
}

/// The users of kubeconfigs who name what they named: of one that is made anew all but the current one.
fn stay<'a>(plan: &Plan, kubeconfigs: &'a [Parts]) -> impl Iterator<Item = &'a Parts> {
    kubeconfigs.iter().filter(|parts| {
        let mut anew = plan.steps.iter().filter(|planned| is_replaced(planned));
        parts.entry.is_some() || !anew.any(|planned| planned.spec.place.public() == parts.file)
    })
}
