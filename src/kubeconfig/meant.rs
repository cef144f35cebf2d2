//! What is to be a kubeconfig and is none that can be read: it may hold a key all the same.

use super::{Faults, as_text, bearer_of, current, named, one, text};
use crate::pem;
use crate::yaml::{self, Node, Value};

/// The lists of a kubeconfig, and what names one of their entries.
const FIELDS: [&str; 4] = ["clusters", "contexts", "current-context", "users"];

/// What only a kubeconfig embeds.
const EMBEDS: [&str; 2] = ["client-certificate-data", "client-key-data"];

/// Why nothing can be read of what is to be a kubeconfig: by what it holds, or, where it is `called` like one,
/// unless it is plainly another program's. Of one that is nobody's, and in form, there is nothing to tell.
pub fn fault(bytes: &[u8], called: bool) -> Option<String> {
    let text = as_text(bytes);
    let bytes = text.as_deref().map_or(bytes, |text| text.as_bytes());
    // To read a large file as YAML takes time, and few can be one.
    let others = || {
        let beginning = beginning(bytes);
        is_of_others(beginning, &yaml::documents(beginning))
    };
    if !may_be_meant(bytes) && (!called || others()) {
        return None;
    }
    let documents = yaml::documents(bytes);
    let meant = match &documents {
        Ok(documents) => documents.iter().any(is_meant),
        Err(_) => says_one(bytes),
    };
    if !meant && (!called || is_of_others(bytes, &documents)) {
        return None;
    }
    let document = match one(documents) {
        Ok(document) => document,
        Err(error) => return Some(format!("{error:#}")),
    };
    if bearer_of(&document).is_some() {
        return None;
    }
    // One that is handed to everybody says that it has no users; one that was cut short does not.
    let of_many = document.get("users").is_some()
        && stated(&document, "kind")
        && !stated(&document, "current-context");
    let mut faults = Faults::default();
    if !of_many && !leads(&document) {
        current(&document, &mut faults);
    }
    faults.of_form(&document);
    let told = faults.told.iter().map(|error| format!("{error:#}"));
    told.reduce(|told, error| format!("{told}; {error}"))
}

/// Whether there is all that the current context names. One without credentials is nobody, and may be.
fn leads(document: &Node) -> bool {
    let context = text(document, "current-context")
        .and_then(|context| named(document, "contexts", context, "context"));
    let entry = |context: &Node, list, inner| {
        text(context, inner).is_none_or(|name| named(document, list, name, inner).is_some())
    };
    context.is_some_and(|context| {
        entry(context, "clusters", "cluster") && entry(context, "users", "user")
    })
}

/// As many whole lines as say what a file is.
fn beginning(bytes: &[u8]) -> &[u8] {
    const ENOUGH: usize = 16 << 10;
    let Some(beginning) = bytes.get(..ENOUGH) else {
        return bytes;
    };
    let end = beginning.iter().rposition(|byte| *byte == b'\n');
    &beginning[..end.unwrap_or(ENOUGH)]
}

/// Whether it has the words of a kubeconfig, be it one that can be read or not.
pub fn may_be_meant(bytes: &[u8]) -> bool {
    let says = |word: &&str| pem::says(bytes, word.as_bytes());
    EMBEDS.iter().any(says) || FIELDS.iter().filter(|field| says(field)).count() > 1
}

fn stated(document: &Node, key: &str) -> bool {
    let node = document.get(key);
    node.is_some_and(|node| node.value != Value::Null && node.as_text() != Some(""))
}

fn is_meant(document: &Node) -> bool {
    let fields = FIELDS.iter().filter(|field| document.get(field).is_some());
    match text(document, "kind") {
        Some(kind) if kind.eq_ignore_ascii_case("config") => {
            matches!(text(document, "apiVersion"), None | Some("v1"))
        }
        Some(_) => false,
        None => fields.count() > 1,
    }
}

/// Whether a text that is no YAML has the words of a kubeconfig where they belong, or those of what it embeds.
fn says_one(bytes: &[u8]) -> bool {
    let word = |line: &[u8]| {
        let line = line.trim_ascii();
        let key = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let quoted = |byte: &u8| matches!(byte, b'"' | b'\'' | b'{' | b' ');
        let key: Vec<u8> = key.iter().copied().filter(|byte| !quoted(byte)).collect();
        String::from_utf8(key).unwrap_or_default()
    };
    let mut fields = [false; FIELDS.len()];
    let mut embeds = false;
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let word = word(&line[..line.len().min(64)]);
        for (field, found) in FIELDS.iter().zip(&mut fields) {
            *found |= word == *field;
        }
        embeds |= EMBEDS.contains(&&*word);
    }
    embeds || fields.iter().filter(|found| **found).count() > 1
}

/// Whether it is plainly for another program: YAML of another kind, or a text of settings.
fn is_of_others(bytes: &[u8], documents: &Result<Vec<Node>, yaml::Error>) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    if let Ok(documents) = documents {
        let other = |document: &Node| match self::text(document, "kind") {
            Some(kind) => !kind.eq_ignore_ascii_case("config"),
            None => {
                !document.entries().is_empty()
                    && FIELDS.iter().all(|field| document.get(field).is_none())
                    && document.get("apiVersion").is_none()
            }
        };
        if documents.iter().all(other) {
            return true;
        }
    }
    let lines = text.lines().map(str::trim);
    let mut said = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!']));
    said.next().is_some_and(is_setting)
}

/// As in a unit of systemd, a file of variables, or those of resolvers and of web servers.
fn is_setting(line: &str) -> bool {
    let name = |text: &str| {
        let part = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
        !text.is_empty() && text.len() <= 64 && text.chars().all(part)
    };
    // That is how base64 ends too.
    let set = |key: &str, value: &str| {
        name(key.trim()) && !value.starts_with('=') && (!value.is_empty() || key.contains('_'))
    };
    let section = line
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let first = line.split_whitespace().next().unwrap_or_default();
    section.is_some_and(|inner| name(inner.trim_matches(['[', ']'])))
        || line
            .split_once('=')
            .is_some_and(|(key, value)| set(key, value))
        || (line.ends_with([';', '{']) && name(first.trim_end_matches([';', '{'])))
        || ["domain", "nameserver", "options", "search"].contains(&first)
}

#[cfg(test)]
mod tests {
    use super::fault;

    const WHOLE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a@c\n\
        clusters:\n- name: c\n  cluster: {server: 'https://10.0.0.10:6443', certificate-authority-data: eA==}\n\
        contexts:\n- name: a@c\n  context: {cluster: c, user: a}\n\
        users:\n- name: a\n  user: {client-certificate-data: eA==, client-key-data: eA==}\n";

    #[test]
    fn what_is_to_be_a_kubeconfig_and_cannot_be_read_has_a_reason() {
        for (broken, why) in [
            (WHOLE.replace("\n  user:", "\n\tuser:"), "line 12: "),
            (WHOLE.replace("kind: Config", "kind Config"), "line 3: "),
            (WHOLE.replace("kind:", "kind: Config\nkind:"), "line 3: "),
            (format!("<<<<<<< HEAD\n{WHOLE}"), "line 2: "),
            (WHOLE.replace("name: c\n", "name: 'c\n"), "line "),
            (format!("{WHOLE}\0\0"), "line "),
            (
                WHOLE.replace("kind: Config", "kind: config"),
                "its kind is not Config",
            ),
            (format!("{WHOLE}---\n{WHOLE}"), "2 YAML documents"),
            (format!("{WHOLE}users: []\n"), "line 13: "),
            (
                WHOLE.split("users").next().expect("a part").to_owned() + "users: {}\n",
                "it has no user \"a\"",
            ),
        ] {
            let told = fault(broken.as_bytes(), false);
            let as_told = told.as_ref().is_some_and(|told| told.contains(why));
            assert!(as_told, "{broken}: {told:?}");
        }
    }

    #[test]
    fn what_is_called_like_one_has_a_reason_unless_it_is_plainly_another_program_s() {
        let cut = WHOLE
            .split("contexts")
            .next()
            .expect("a part")
            .replace("kind: Config\n", "");
        let cut = cut.replace("current-context: a@c\n", "");
        for text in [
            "junk\n",
            "",
            "{",
            "\0\u{1}\u{2}",
            &cut,
            "- a\n",
            "LS0tLS1CRUdJTg==\n",
        ] {
            assert_eq!(fault(text.as_bytes(), false), None, "{text}");
            assert!(fault(text.as_bytes(), true).is_some(), "{text}");
        }
        for text in [
            "kind: KubeletConfiguration\n",
            "apiVersion: a/v1\nkind: A\n---\nkind: B\n",
            "{\"cniVersion\": \"1.0.0\", \"name\": \"k8s\"}",
            "# a unit\n\n[Unit]\nDescription=x\n",
            "ETCD_NAME=cp1\n",
            "net.ipv4.ip_forward = 1\n",
            "user nginx;\n",
            "global_defs {\n}\n",
            "nameserver 10.0.0.1\n",
        ] {
            assert_eq!(fault(text.as_bytes(), true), None, "{text}");
        }
    }

    #[test]
    fn one_that_is_whole_or_nobody_s_has_none() {
        let nobody = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: 'https://a'}\nusers: null\n";
        let bare = WHOLE.replace(
            "{client-certificate-data: eA==, client-key-data: eA==}",
            "{}",
        );
        for text in [WHOLE, nobody, &bare, "users: [{name: x}]\n"] {
            assert_eq!(fault(text.as_bytes(), false), None, "{text}");
        }
        assert_eq!(fault(nobody.as_bytes(), true), None);
    }
}
