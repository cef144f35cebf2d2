//! The pages of docs/ that are made from the code are equal to it.
//! `UPDATE_DOCS=1 cargo test --test docs` writes them anew.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test writes its golden files"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use certs::finding::{Citation, Code};
use certs::profile::TABLE;

#[test]
fn the_page_of_profiles_is_made_from_the_table() {
    let text = page("profiles.md", &certs::profile::document());
    for row in TABLE {
        assert!(
            text.contains(&format!("\n| {} |", row.name)),
            "{} is lacking",
            row.name
        );
    }
}

#[test]
fn the_page_of_findings_is_made_from_the_table() {
    let text = page("findings.md", &certs::finding::document());
    for code in Code::ALL {
        assert!(
            text.contains(&format!("\n| `{code}` |")),
            "{code} is lacking"
        );
    }
}

#[test]
fn what_a_finding_cites_of_these_pages_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for code in Code::ALL {
        let Citation::Own { page, heading } = code.citation() else {
            continue;
        };
        let text = fs::read_to_string(folder.join(page)).expect("a page is there");
        let under = text.lines().any(|line| {
            line.trim_start_matches('#') == format!(" {heading}") && line.starts_with('#')
        });
        assert!(under, "{code}: {page} has no \"{heading}\"");
    }
}

#[test]
fn no_meaning_of_a_finding_holds_what_its_citation_says() {
    for code in Code::ALL {
        let about = code.about();
        let twice = ["RFC ", "NIST ", "section "]
            .iter()
            .any(|word| about.contains(word));
        assert!(!twice, "{code}: {about}");
        assert!(!code.citation().to_string().is_empty(), "{code}");
    }
}

#[test]
fn the_page_of_flags_is_made_from_the_table() {
    let text = page("flags.md", &certs::profile::flags::document());
    for component in certs::profile::flags::COMPONENTS {
        assert!(
            text.contains(&format!("\n## {}\n", component.name)),
            "{} is lacking",
            component.name
        );
    }
}

#[test]
fn finding_codes_are_unique_and_kebab_case() {
    let unique: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    assert_eq!(unique.len(), Code::ALL.len());
    for code in unique {
        let kebab = code.split('-').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        assert!(kebab, "{code}");
    }
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for page in pages(root) {
        let text = fs::read_to_string(&page).expect("a page is there");
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = page.parent().expect("a page is in a folder").join(target);
            assert!(
                path.exists(),
                "{} links to {target}, which is not there",
                page.display()
            );
            links += 1;
        }
    }
    assert!(links > 5, "the links were not found");
}

#[test]
fn every_dependency_has_its_reason_on_the_page_of_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    // Those of some processors alone stand in a section of their own.
    let mut section = "";
    let mut dependencies = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if (section == "[dependencies]"
            || section.starts_with("[target.") && section.ends_with(".dependencies]"))
            && let Some((name, _)) = line.split_once(" = ")
            && !name.starts_with('#')
        {
            dependencies.insert(name);
        }
    }
    assert!(dependencies.len() > 10, "the dependencies were not found");
    let page = fs::read_to_string(root.join("docs/architecture.md")).expect("the page");
    let table = page.split("| crate |").nth(1).expect("a table of crates");
    let listed: BTreeSet<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .filter_map(|line| line.trim_start_matches("| ").split(' ').next())
        .collect();
    assert_eq!(listed, dependencies);
}

/// Every page for people: those of the package's folder, of docs and of examples.
fn pages(root: &Path) -> Vec<std::path::PathBuf> {
    ["", "docs", "examples"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder is there"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect()
}

/// The page's text, which is equal to what the code says.
fn page(name: &str, made: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, made).expect("write a page");
    }
    let text = fs::read_to_string(&path).expect("the page is there");
    assert_eq!(
        text, made,
        "{name} differs: UPDATE_DOCS=1 cargo test --test docs writes it anew"
    );
    text
}
