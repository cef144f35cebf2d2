//! What is replaced in stages, with nothing going down: the CAs, and the key of the service accounts.

mod after;
mod instruction;

pub use after::{instructions, instructions_back};
pub use instruction::{Action, Instruction, ON_NO_NODE, OfMany};

use super::found::{looked_for, told_by};
use super::{Kind, Profile, Stored, TABLE, is_signing_file, signing_file_of};
use crate::location::FileId;
use crate::spec::{CertificateSpec, Content, Place, Spec};
use crate::x509::cert::Certificate;
use crate::x509::name::Name;

/// What follows the name of a pair that waits to take its place.
const NEXT: &str = "-next";

/// The rows that are replaced so.
pub fn rotated() -> impl Iterator<Item = &'static Profile> {
    TABLE
        .iter()
        .filter(|row| matches!(row.kind, Kind::Ca | Kind::KeyPair))
}

/// Where the pair waits that is to take the place of this row's.
pub fn place(row: &Profile) -> Place {
    match row.stored {
        Stored::Pair(root, base) => Place::Pair {
            root,
            base: format!("{base}{NEXT}"),
        },
        Stored::KeyPair(base) | Stored::Kubeconfig(base, _) => Place::KeyPair {
            base: format!("{base}{NEXT}"),
        },
    }
}

/// What that pair is called, as by whoever looks at all that lies there.
pub fn name(row: &Profile) -> String {
    told_by(&place(row)).name
}

/// That pair, as it is looked for.
pub fn next(row: &Profile) -> Spec {
    Spec {
        name: name(row),
        place: place(row),
        ..looked_for(row)
    }
}

/// The row that is replaced in this file.
pub fn replaced(file: &FileId) -> Option<&'static Profile> {
    let signs = is_signing_file(&file.name);
    rotated().find(|row| {
        let files = [row.stored.public(), row.stored.key()];
        files.contains(file) || signs && signing_file_of(row.name) == *file
    })
}

/// The row for whose place this file waits. Asked of each file that a run over many nodes writes.
pub fn waits_for(file: &FileId) -> Option<&'static Profile> {
    let (stem, _) = file.name.rsplit_once('.')?;
    stem.strip_suffix(NEXT)?;
    rotated().find(|row| place(row).files().contains(file))
}

/// The next generation of a CA, as it is wanted: for the same, under another name and with another key.
pub fn generation(row: &Profile, ca: &Certificate, subject: Name) -> Spec {
    let mut spec = next(row);
    if let Content::Certificate(wanted) = &mut spec.content {
        *wanted = CertificateSpec {
            subject,
            subject_given: true,
            key_algorithm: (ca.public_key.algorithm()).unwrap_or(wanted.key_algorithm),
            validity: super::renewal::lasted(ca),
            ..wanted.clone()
        };
    }
    spec
}

/// The common name of the generation after one of this name: `kubernetes`, `kubernetes-2`, `kubernetes-3`. One that was `taken`
/// before is not given again.
pub fn following(common_name: &str, taken: &[String]) -> String {
    let (base, number) = numbered(common_name);
    let taken = taken.iter().map(|name| numbered(name));
    let taken = taken
        .filter(|(of, _)| *of == base)
        .map(|(_, number)| number);
    match taken.fold(number, u32::max).checked_add(1) {
        Some(number) => format!("{base}-{number}"),
        None => format!("{common_name}-2"),
    }
}

/// A common name without the number of its generation, and that.
pub fn numbered(common_name: &str) -> (&str, u32) {
    let numbered = common_name.rsplit_once('-').and_then(|(base, number)| {
        let parsed: u32 = number.parse().ok()?;
        (parsed >= 2 && parsed.to_string() == number).then_some((base, parsed))
    });
    numbered.unwrap_or((common_name, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::by_name;

    #[test]
    fn each_generation_has_a_name_of_its_own() {
        for (former, following) in [
            ("kubernetes", "kubernetes-2"),
            ("kubernetes-2", "kubernetes-3"),
            ("front-proxy-ca", "front-proxy-ca-2"),
            ("ca-9", "ca-10"),
            ("ca-1", "ca-1-2"),
            ("ca-02", "ca-02-2"),
            ("ca-4294967295", "ca-4294967295-2"),
        ] {
            assert_eq!(super::following(former, &[]), following);
        }
        let taken = ["kubernetes-3", "kubernetes", "another-7"].map(str::to_owned);
        for (former, following) in [
            ("kubernetes", "kubernetes-4"),
            ("kubernetes-5", "kubernetes-6"),
        ] {
            assert_eq!(super::following(former, &taken), following);
        }
    }

    #[test]
    fn what_waits_lies_beside_what_it_replaces() {
        let files = rotated().flat_map(|row| {
            let files = next(row).place.files();
            files.into_iter().map(|file| (file.name, row.name))
        });
        let files: Vec<_> = files.collect();
        for (file, row) in [
            ("ca-next.crt", "ca"),
            ("ca-next.key", "ca"),
            ("etcd/ca-next.crt", "etcd-ca"),
            ("front-proxy-ca-next.key", "front-proxy-ca"),
            ("sa-next.key", "sa"),
        ] {
            assert!(files.contains(&(file.to_owned(), row)), "{file}");
            let file = FileId::new(crate::location::Root::Pki, file);
            assert_eq!(waits_for(&file).map(|row| row.name), Some(row));
        }
        assert_eq!(waits_for(&by_name("ca").unwrap().stored.public()), None);
    }

    #[test]
    fn each_restart_is_done_waited_for_and_proved() {
        let of = |row: &Profile| (0..4).flat_map(|stage| instructions(row.name, stage));
        let mut restarts = rotated()
            .flat_map(of)
            .filter(|one| one.action == Action::Restart);
        assert!(restarts.all(|one| ![one.command, one.wait, one.proof].contains(&"")));
    }
}
