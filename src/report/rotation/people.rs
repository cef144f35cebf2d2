//! The same for people.

use super::super::Format;
use super::super::lines::{BOLD, line, painted, shown, words, wrapped};
use super::{Generation, Rotation};
use crate::plan::Goal;
use crate::profile::Profile;
use crate::x509::cert::Certificate;

/// That backups are to be removed which hold the former key of this; the command has these flags behind it.
pub(in crate::report) fn former_key_left(what: &str, flags: &str) -> String {
    format!(
        "backups hold the former key still that was replaced: 'certs rotate {what} drop --restarted{flags}' removes them"
    )
}

/// That the former key could not be taken out of a backup, and why.
pub(in crate::report) fn keeps_former_key(why: &str) -> String {
    format!("a backup holds the former key still: {why}: run the same command again")
}

/// That these nodes have certificates of a CA that does not sign yet; commands have these flags behind them.
pub(in crate::report) fn signed_ahead(
    names: &[String],
    next: &Certificate,
    row: &Profile,
    flags: &str,
) -> String {
    format!(
        "\"{}\" does not sign yet, and signed certificates of {}: '{}{flags}' goes on from there, and to go back have them issued \
         anew first ('certs renew --all{flags}')",
        next.subject,
        names.join(", "),
        Goal::Issue.command(row),
    )
}

/// That the tree of a node which is listed no more holds a former key; the command has these flags behind it.
pub(in crate::report) fn left_with_former_key(path: &str, flags: &str) -> String {
    format!(
        "{path} is a former key, which is to be nowhere, in the tree of a node that the inventory does not list: remove that tree \
         or, if the node is still in use, list it and run 'certs all{flags} --force'"
    )
}

/// That an archive of a node's tree as it was holds a former key; the command has these flags behind it.
pub(in crate::report) fn archived_with_former_key(path: &str, flags: &str) -> String {
    format!(
        "{path} holds a former key, which is to be nowhere: remove it or, of a node that is listed, have it made anew ('certs \
         all{flags} --archive', with the flags that the trees were made with)"
    )
}

/// That a backup which no rotation made holds a former key.
pub(in crate::report) fn holds_former_key(path: &str) -> String {
    format!("{path} is a former key, which is to be nowhere: remove that backup")
}

/// The names of nodes, as many as one line has room for.
fn several(nodes: &[String]) -> String {
    const MOST: usize = 5;
    let named = nodes.iter().take(MOST).map(String::as_str);
    let named = named.collect::<Vec<_>>().join(", ");
    match nodes.len().saturating_sub(MOST) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// For people: what each is at, and what is to be done.
pub(in crate::report) fn body(
    text: &mut String,
    rotation: &Rotation,
    status: bool,
    format: &Format,
) {
    let of = |generation: &Generation| {
        let end = generation.not_after.as_ref();
        let end = end.map_or_else(String::new, |end| format!(", until {end}"));
        let kind = generation.key_algorithm.as_deref().unwrap_or("unknown");
        format!("{} ({kind}{end})", shown(&generation.name))
    };
    if status {
        let title = format!("{}: {}", rotation.what, rotation.stage);
        line(text, &painted(format, BOLD, &title));
        if !rotation.behind.is_empty() {
            let behind = format!("  not yet  {}", several(&rotation.behind));
            line(text, &shown(&behind));
        }
        line(text, &format!("  signs    {}", of(&rotation.present)));
        if let Some(waiting) = &rotation.waiting {
            line(text, &format!("  waits    {}", of(waiting)));
        }
        for former in &rotation.former {
            line(text, &format!("  trusted  {}", of(former)));
        }
    }
    if !rotation.instructions.is_empty() {
        let title = if rotation.next.is_some() {
            "Before the next stage, in this order, one node after the other:"
        } else {
            "To be done now, in this order, one node after the other:"
        };
        line(text, &painted(format, BOLD, title));
    }
    for (number, told) in rotation.instructions.iter().enumerate() {
        let what = match told.action {
            "restart" => format!("{}. restart {}", number + 1, told.process),
            "none" => format!("{}. {}: reads it again by itself", number + 1, told.process),
            _ => format!("{}. {}", number + 1, told.process),
        };
        line(text, &format!("  {what}"));
        if !told.nodes.is_empty() {
            let on = format!("     on    {}", several(&told.nodes));
            line(text, &shown(&on));
        }
        if !told.text.is_empty() {
            wrapped(text, "     ", &words(&shown(&told.text)), " ", format);
        }
        for (name, command) in [
            ("do", &told.command),
            ("wait", &told.wait),
            ("proof", &told.proof),
        ] {
            if !command.is_empty() {
                line(text, &format!("     {name:<6}{}", shown(command)));
            }
        }
    }
    if let Some(advice) = &rotation.advice {
        wrapped(text, "  ", &words(&shown(advice)), " ", format);
    } else if let Some(next) = &rotation.next {
        line(text, &format!("Then: {}", shown(next)));
    }
}
