//! The same in words for people.

use super::{Cluster, Context, Part, User};
use crate::report::Format;
use crate::report::lines::{BOLD, RED, YELLOW, line, painted, shown, words, wrapped};

impl Part {
    pub(super) fn write(&self, text: &mut String, format: &Format) {
        let title = match &self.within {
            Some(within) => format!("{within}: {}", self.title),
            None => self.title.clone(),
        };
        line(text, &painted(format, BOLD, &shown(&title)));
        let mut rows: Vec<(&str, String)> = Vec::new();
        let mut row = |label, value: Option<String>| rows.extend(value.map(|value| (label, value)));
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(", "));
        row("issuer", self.issuer.clone());
        if self.issuer.is_some() {
            let by = list(&self.verified_by).unwrap_or_else(|| "no CA that is known here".into());
            row("verified by", Some(by));
        }
        for (label, sentence) in &self.more {
            row(label, Some(sentence.clone()));
        }
        row("good for", list(&self.sans));
        row(
            "used for",
            list(&[&self.extended_key_usage[..], &self.key_usage].concat()),
        );
        row("key", self.key_algorithm.clone());
        row("serial", self.serial_number.clone());
        let digest = |hex: &Option<String>| hex.as_ref().map(|hex| format!("SHA-256 {hex}"));
        row("public key", digest(&self.public_key_fingerprint));
        row("kid", self.token_key_id.clone());
        row("certificate", digest(&self.fingerprint));
        if self.possession == Some(true) {
            row("signed", Some("with its own key".into()));
        }
        row("context", self.current_context.clone());
        for context in &self.contexts {
            let Context {
                name,
                cluster,
                user,
            } = context;
            row("has context", Some(format!("{name}: {user} at {cluster}")));
        }
        for cluster in &self.clusters {
            let Cluster {
                name,
                server,
                authorities,
                insecure,
            } = cluster;
            let unsafe_ = if *insecure {
                ", which is not verified"
            } else {
                ""
            };
            let sentence = format!("{name}: {server}{unsafe_}; CA certificates: {authorities}");
            row("has cluster", Some(sentence));
        }
        for user in &self.users {
            let User {
                name,
                certificate,
                key,
                others,
            } = user;
            let mut sentence = format!("{name}: certificate: {certificate}; key: {key}");
            if !others.is_empty() {
                sentence = format!("{sentence}; has {} (not shown)", others.join(", "));
            }
            row("has user", Some(sentence));
        }
        for (label, value) in rows {
            let pieces = words(&shown(&value));
            let mut entry = String::new();
            wrapped(&mut entry, &" ".repeat(INDENT), &pieces, " ", format);
            let head = format!("  {label:width$}", width = INDENT - 2);
            text.push_str(&head);
            text.push_str(entry.get(INDENT..).unwrap_or_default());
        }
        if let Some(reason) = &self.reason {
            let colour = if self.kind == "unreadable" {
                RED
            } else {
                YELLOW
            };
            line(
                text,
                &format!("  {} {}", painted(format, colour, "wrong:"), shown(reason)),
            );
        }
    }
}

/// Where the second column begins.
const INDENT: usize = 15;
