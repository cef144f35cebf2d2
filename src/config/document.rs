//! `docs/config.md`, made from what the code knows.

use std::fmt::Write as _;

use super::fields::{self, Field};
use super::honoured::{self, Counts, HONOURED, Honoured};
use super::{FORMER, GROUP, Kind, PASSED_OVER, VERSIONS};

/// The page about configuration files, as Markdown.
pub fn document() -> String {
    let mut page = String::from(INTRODUCTION);
    accepted(&mut page);
    counting(&mut page);
    passed_over(&mut page);
    page
}

const INTRODUCTION: &str = "\
# Configuration files

<!-- Made from the code: `UPDATE_DOCS=1 cargo test --lib config` writes this page. -->

`--config FILE` takes the file that `kubeadm init --config` takes, YAML or JSON. A flag overrides the file, which overrides
the default. Everything that is wrong with a file is told at once, with its line. Unlike kubeadm, which warns, a field that
does not exist is an error, so that no slip goes unnoticed; `--config-unknown warn` passes over it, for the file of a newer
kubeadm. A key that is there twice is always an error.

";

fn accepted(page: &mut String) {
    let code = |names: &[&str]| {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let kinds = Kind::ALL.map(Kind::name);
    let _ = write!(
        page,
        "## Documents\n\n\
         - {} of `{GROUP}`, versions {}; at least one of them, none twice. Versions may be mixed.\n\
         - An `InitConfiguration` belongs to the first control-plane node, a `JoinConfiguration` to every other: one file \
         has one of them. A node that joins makes neither CAs nor service account keys, which are copied there before; \
         without `controlPlane` it is a worker, for which `certs all` is refused.\n\
         - `certificatesDir` gives way to `--cert-dir` and to `--kubernetes-dir`, and a note says so.\n\
         - `--config -` reads standard input.\n\
         - {} and the documents of other groups (`kubelet.config.k8s.io`, `kubeproxy.config.k8s.io`, and the \
         Inventory of `certs/v1`, [inventory.md](inventory.md)) are passed over, and so are documents without content.\n\
         - {} are refused: `kubeadm config migrate` of a kubeadm that reads them rewrites the file.\n\n",
        code(&kinds),
        code(&VERSIONS),
        code(&PASSED_OVER),
        code(&FORMER),
    );
}

fn counting(page: &mut String) {
    page.push_str(
        "## Fields that count\n\nAn empty text counts as unset, except for the two periods, where it is an error.\n\n\
         | kind | field | flag | default |\n|---|---|---|---|\n",
    );
    for Honoured {
        kind,
        path,
        flag,
        default,
        ..
    } in HONOURED
    {
        let flag = flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
        let _ = writeln!(page, "| {} | `{path}` | {flag} | {default} |", kind.name());
    }
    page.push_str(
        "\n`etcd.external` stands for an etcd that somebody else runs: its certificates are not made. The periods and \
         `encryptionAlgorithm` are fields of `v1beta4`, and so is `dryRun`.\n\n",
    );
}

fn passed_over(page: &mut String) {
    page.push_str(
        "## Fields that are read over\n\nThey exist and say nothing about certificates. Of an object its own name stands for \
         all that is in it.\n",
    );
    let mut last = String::new();
    for (section, path) in fields_read_over() {
        if section != last {
            let _ = write!(page, "\n### {section}\n\n");
            last = section;
        }
        let _ = writeln!(page, "- {path}");
    }
}

/// All fields that are known and say nothing about certificates, `v1beta4 InitConfiguration` and `patches.directory`;
/// of an object with no field that counts, its own name alone.
pub fn fields_read_over() -> Vec<(String, String)> {
    let mut out = Vec::new();
    for section in fields::trees() {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| section.name.ends_with(kind.name()));
        let counts = |path: &str| honoured::counts(kind, path);
        read_over(&section.fields, "", &counts, &mut |path| {
            out.push((section.name.to_owned(), path));
        });
    }
    out
}

fn read_over(
    fields: &[Field],
    parent: &str,
    counts: &dyn Fn(&str) -> Counts,
    out: &mut dyn FnMut(String),
) {
    for field in fields {
        let path = if parent.is_empty() {
            field.name.to_owned()
        } else {
            format!("{parent}.{}", field.name)
        };
        match counts(&path) {
            Counts::Itself => {}
            Counts::Below if field.open => out(format!("{path} (all but PublicKeysECDSA)")),
            Counts::Below => read_over(&field.fields, &path, counts, out),
            Counts::Not => out(path),
        }
    }
}
