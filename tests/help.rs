//! What `--help` says, held equal to the files in `tests/fixtures/help`.
//! `UPDATE_DOCS=1 cargo test --test help` writes them anew.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test writes its golden files"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

mod common;
use clap::CommandFactory;
use common::{TempDir, certs, fixture, read, run};

/// Every verb; the empty one is the program itself.
const VERBS: [&str; 24] = [
    "",
    "all",
    "ca",
    "check",
    "client",
    "completion",
    "csr",
    "export",
    "export bundle",
    "export pkcs12",
    "export secret",
    "flags",
    "import",
    "kubeconfig",
    "kubeconfig bootstrap-kubelet",
    "kubeconfig refresh",
    "peer",
    "renew",
    "rollback",
    "rotate",
    "sa",
    "server",
    "show",
    "sign",
];

#[test]
fn help_is_what_the_golden_files_say() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for verb in VERBS {
        let golden = fixture(&format!("help/{}.txt", name(verb)));
        let help = help(verb, "100");
        if update {
            fs::create_dir_all(fixture("help")).expect("make a folder");
            fs::write(&golden, &help).expect("write a golden file");
        }
        assert_eq!(
            help,
            read(&golden),
            "{} differs: UPDATE_DOCS=1 cargo test --test help writes it anew",
            golden.display()
        );
    }
}

#[test]
fn the_manual_pages_say_what_help_says() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let folder = common::root().join("docs/man");
    let pages = TempDir::new();
    clap_mangen::generate_to(certs::cli::Cli::command(), pages.path()).expect("write the pages");
    let made = common::listing(pages.path());
    for page in &made {
        let page = page.file_name().expect("a page has a name");
        let text = in_sections(&read(&pages.path().join(page)));
        let golden = folder.join(page);
        if update {
            fs::create_dir_all(&folder).expect("make a folder");
            fs::write(&golden, &text).expect("write a page");
        }
        assert!(
            text == read(&golden),
            "{} differs: UPDATE_DOCS=1 cargo test --test help writes it anew",
            golden.display()
        );
    }
    assert_eq!(made.len(), common::listing(&folder).len());
}

/// What stands behind the options of a help is one section of a page that is made from it, called EXTRA:
/// readers of pages look for the sections of man-pages(7).
fn in_sections(page: &str) -> String {
    let Some((before, extra)) = page.split_once(".SH EXTRA\n") else {
        return page.to_owned();
    };
    let mut text = before.to_owned();
    let mut titles = Vec::new();
    // Paragraphs of indented lines, each under its title, and of words.
    for paragraph in extra.trim_end().split("\n\n") {
        let (title, body) = match paragraph.split_once(":\n") {
            Some(("Examples", body)) => ("EXAMPLES", format!(".nf\n{body}\n.fi\n")),
            Some(("Exit codes", body)) => ("EXIT STATUS", exit_status(body)),
            _ => ("NOTES", format!("{paragraph}\n")),
        };
        write!(text, ".SH \"{title}\"\n{body}").expect("a text takes all");
        titles.push(title);
    }
    assert!(titles.ends_with(&["EXIT STATUS"]), "{titles:?}");
    assert!(titles.is_sorted_by(|one, other| one != other), "{titles:?}");
    text
}

/// Each code with what it means, which may go on in lines that are indented further.
fn exit_status(body: &str) -> String {
    let mut text = String::new();
    for line in body.lines() {
        match line
            .strip_prefix("  ")
            .and_then(|line| line.split_once("  "))
        {
            Some((code, meaning)) if !code.is_empty() => {
                assert!(code.parse::<u8>().is_ok(), "{line}");
                writeln!(text, ".TP\n\\fB{code}\\fR\n{meaning}").expect("a text takes all");
            }
            _ => writeln!(text, "{}", line.trim_start()).expect("a text takes all"),
        }
    }
    text
}

#[test]
fn bash_completes_verbs_flags_and_values() {
    let folder = TempDir::new();
    let script = run(&mut certs(&["completion", "bash"])).expect(0).stdout;
    common::write(&folder.join("certs.bash"), script);
    for (words, wanted) in [
        (&["certs", "kubec"][..], "kubeconfig"),
        (&["certs", "all", "--kubernetes-d"], "--kubernetes-dir"),
        (&["certs", "flags", "kube-s"], "kube-scheduler"),
        (&["certs", "all", "--output", "j"], "json"),
    ] {
        let complete = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; _certs certs {} {}; echo \"${{COMPREPLY[*]}}\"",
            common::text(&folder.join("certs.bash")),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let mut bash = std::process::Command::new(common::tool("bash"));
        let said = run(bash.args(["--norc", "-c", &complete])).expect(0).stdout;
        assert_eq!(said.trim(), wanted);
    }
}

#[test]
fn there_is_a_script_for_every_shell_that_clap_knows() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&mut certs(&["completion", shell])).expect(0).stdout;
        assert!(script.contains("--kubernetes-dir"), "{shell}");
    }
    run(&mut certs(&["completion", "tcsh"])).expect(2);
}

#[test]
fn every_verb_has_a_golden_file_and_every_file_a_verb() {
    let help = help("", "100");
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    let commands: BTreeSet<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    let verbs: BTreeSet<&str> = VERBS
        .into_iter()
        .filter(|verb| !verb.is_empty() && !verb.contains(' '))
        .collect();
    assert_eq!(commands, verbs);
    assert_eq!(common::listing(&fixture("help")).len(), VERBS.len());
}

#[test]
fn help_fits_into_narrow_and_wide_terminals() {
    for width in [60, 80, 100, 200] {
        for verb in VERBS {
            // Examples are commands to copy, and exit codes a table: neither is wrapped.
            let help = help(verb, &width.to_string());
            let wrapped = help.split("\nExamples:").next().unwrap_or_default();
            let wrapped = wrapped.split("\nExit codes:").next().unwrap_or_default();
            // So is the usage a command, with what it cannot do without.
            for line in wrapped.lines().filter(|line| !line.starts_with("Usage: ")) {
                assert!(
                    line.chars().count() <= width.min(100),
                    "{verb} at {width}: {line}"
                );
            }
        }
    }
}

#[test]
fn help_of_every_verb_has_examples_and_exit_codes() {
    for verb in VERBS.into_iter().filter(|verb| !verb.is_empty()) {
        let help = help(verb, "100");
        let examples = help.split("\nExamples:\n").nth(1).unwrap_or_default();
        assert!(
            examples.starts_with(&format!("  certs {verb}")),
            "{verb}: {examples}"
        );
        // What judges nothing has neither findings nor refusals.
        let codes = if ["completion", "flags", "show"].contains(&verb) {
            0..=2
        } else {
            0..=4
        };
        for code in codes {
            assert!(
                help.contains(&format!("\n  {code}  ")),
                "{verb} lacks exit code {code}"
            );
        }
    }
}

fn name(verb: &str) -> String {
    if verb.is_empty() { "certs" } else { verb }.replace(' ', "-")
}

/// The help at a width. The terminal of whoever runs the tests has no say: no stream is one.
fn help(verb: &str, columns: &str) -> String {
    let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
    run(certs(&arguments).env("COLUMNS", columns))
        .expect(0)
        .stdout
}
