//! The journal of a commit: what it will have changed, written down before the first rename, so that
//! whoever comes after a crash can finish it. Bytes in, a value out, and back; no file is touched here.
//!
//! The first root that a commit touches holds the *list*, each further one a *part*, which says where
//! the list is. The list is written last and removed first. So a list says that the commit is
//! decided, and a part without its list that there is nothing to finish: the commit either was not
//! yet decided or is done.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::layout;
use crate::key;
use crate::location::{FileId, Owner, Root};

/// The number of one commit: random, given by the caller. It is shown in hexadecimal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TransactionId(pub [u8; 8]);

impl TransactionId {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&key::hex(&self.0))
    }
}

/// Which run it was. People are told it; the store makes nothing of it but an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The verb.
    pub command: String,
    /// When it began.
    pub time: OffsetDateTime,
}

impl Origin {
    /// Whether a journal can say it: the command is a word.
    pub(super) fn can_be_told(&self) -> bool {
        parse_command(self.command.as_bytes()).is_some()
    }

    /// As a journal says it.
    pub(super) fn in_whole_seconds(&self) -> Self {
        Self {
            command: self.command.clone(),
            time: self.time.replace_nanosecond(0).unwrap_or(self.time),
        }
    }
}

/// What one `.certs-journal` holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Journal {
    List(List),
    Part(Part),
}

/// Every file of a commit. Its copy is the manifest of the commit's backup.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct List {
    pub transaction: TransactionId,
    /// The greater, the younger: see `backup::next_sequence`.
    pub sequence: u64,
    /// The run.
    pub origin: Origin,
    /// Whether what is replaced is kept when the commit is done. This list is, either way.
    pub keep_backup: bool,
    /// The touched roots and where they were, the one with the list first.
    pub roots: Vec<(Root, PathBuf)>,
    /// In the order of their renames, which is that of their numbers.
    pub entries: Vec<Entry>,
}

/// One file of a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub file: FileId,
    pub mode: u32,
    pub owner: Owner,
    /// SHA-256 of the new content; `None` where the file is removed.
    pub new: Option<[u8; 32]>,
    /// SHA-256 of what is replaced; `None` where there was nothing.
    pub replaced: Option<[u8; 32]>,
}

/// The marker in a further root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    pub transaction: TransactionId,
    /// The directory that holds the list.
    pub list: PathBuf,
}

/// Why bytes are no journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum JournalError {
    /// The checksum is right, yet it says what no journal of this version says; which line.
    Foreign(String),
    /// The checksum lacks or is wrong: it was not written to its end.
    Torn,
}

const LIST: &str = "certs journal 1 list";
const PART: &str = "certs journal 1 part";
const CHECKSUM: &str = "sha256 ";

impl Journal {
    pub fn parse(bytes: &[u8]) -> Result<Self, JournalError> {
        let body = checked(bytes).ok_or(JournalError::Torn)?;
        let mut lines = Lines(body.split(|byte| *byte == b'\n').peekable());
        match lines.next() {
            line if line == LIST.as_bytes() => parse_list(&mut lines).map(Self::List),
            line if line == PART.as_bytes() => parse_part(&mut lines).map(Self::Part),
            line => Err(foreign(line)),
        }
    }
}

impl List {
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!(
            "{LIST}\ntransaction {}\nsequence {}\ncommand {}\ntime {}\n",
            self.transaction,
            self.sequence,
            self.origin.command,
            self.origin.time.unix_timestamp()
        );
        head.push_str(if self.keep_backup {
            "backup keep\n"
        } else {
            "backup drop\n"
        });
        let mut bytes = head.into_bytes();
        for (root, path) in &self.roots {
            push_path(&mut bytes, &format!("root {}", root.name()), path);
        }
        for entry in &self.entries {
            bytes.extend_from_slice(entry.line().as_bytes());
        }
        sealed(bytes)
    }
}

impl Entry {
    /// SHA-256 of what was staged for it: of a removal an empty mark.
    pub fn staged(&self) -> [u8; 32] {
        self.new.unwrap_or_else(|| key::sha256(&[]))
    }

    /// Whether that is a link.
    pub fn stages_link(&self) -> bool {
        self.new.is_some() && layout::is_link(&self.file.name)
    }

    fn line(&self) -> String {
        let number =
            |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
        let digest =
            |digest: Option<[u8; 32]>| digest.map_or("-".to_owned(), |digest| key::hex(&digest));
        format!(
            "file {} {} {:o} {} {} {} {}\n",
            self.file.root.name(),
            self.file.name,
            self.mode,
            number(self.owner.user),
            number(self.owner.group),
            digest(self.new),
            digest(self.replaced),
        )
    }
}

impl Part {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{PART}\ntransaction {}\n", self.transaction).into_bytes();
        push_path(&mut bytes, "list", &self.list);
        sealed(bytes)
    }
}

/// Paths may hold any octet but NUL: a newline must not end the line.
fn push_path(bytes: &mut Vec<u8>, word: &str, path: &Path) {
    bytes.extend_from_slice(word.as_bytes());
    bytes.push(b' ');
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\\' => bytes.extend_from_slice(b"\\\\"),
            b'\n' => bytes.extend_from_slice(b"\\n"),
            other => bytes.push(*other),
        }
    }
    bytes.push(b'\n');
}

fn parse_path(text: &[u8]) -> Option<PathBuf> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        path.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                _ => return None,
            },
            0 => return None,
            other => *other,
        });
    }
    (!path.is_empty()).then(|| PathBuf::from(OsString::from_vec(path)))
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = key::sha256(&bytes);
    bytes.extend_from_slice(format!("{CHECKSUM}{}\n", key::hex(&digest)).as_bytes());
    bytes
}

/// What stands before the checksum, if that is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let length = CHECKSUM.len() + 64 + 1;
    let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(length)?)?;
    let digest = seal
        .strip_prefix(CHECKSUM.as_bytes())?
        .strip_suffix(b"\n")?;
    let digest: [u8; 32] = parse_hex(std::str::from_utf8(digest).ok()?)?;
    (digest == key::sha256(body)).then(|| body.strip_suffix(b"\n"))?
}

/// The lines of a journal, empty ones after its end.
struct Lines<I: Iterator>(std::iter::Peekable<I>);

impl<'a, I: Iterator<Item = &'a [u8]>> Lines<I> {
    fn next(&mut self) -> &'a [u8] {
        self.0.next().unwrap_or_default()
    }

    /// The rest of the next line, if that begins with `word`.
    fn take(&mut self, word: &str) -> Option<&'a [u8]> {
        let rest = self
            .0
            .peek()?
            .strip_prefix(word.as_bytes())?
            .strip_prefix(b" ")?;
        self.0.next();
        Some(rest)
    }

    /// As `take`, and the rest must be what `parse` reads.
    fn expect<T>(
        &mut self,
        word: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, JournalError> {
        let line = *self.0.peek().unwrap_or(&&b""[..]);
        self.take(word).and_then(parse).ok_or_else(|| foreign(line))
    }

    fn end(&mut self) -> Result<(), JournalError> {
        self.0.next().map_or(Ok(()), |line| Err(foreign(line)))
    }
}

fn parse_list<'a>(lines: &mut Lines<impl Iterator<Item = &'a [u8]>>) -> Result<List, JournalError> {
    let transaction = lines.expect("transaction", parse_transaction)?;
    let sequence = lines.expect("sequence", |text| {
        std::str::from_utf8(text).ok()?.parse().ok()
    })?;
    let origin = Origin {
        command: lines.expect("command", parse_command)?,
        time: lines.expect("time", parse_time)?,
    };
    let keep_backup = lines.expect("backup", |text| match text {
        b"keep" => Some(true),
        b"drop" => Some(false),
        _ => None,
    })?;
    let mut roots = Vec::new();
    while let Some(text) = lines.take("root") {
        let root =
            parse_root(text).filter(|(root, _)| roots.iter().all(|(other, _)| other != root));
        roots.push(root.ok_or_else(|| foreign(text))?);
    }
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(text) = lines.take("file") {
        let known = |entry: &Entry| {
            layout::is_known(&entry.file)
                && roots.iter().any(|(root, _)| *root == entry.file.root)
                && entries.iter().all(|other| other.file != entry.file)
        };
        let entry = parse_entry(text).filter(known);
        entries.push(entry.ok_or_else(|| foreign(text))?);
    }
    lines.end()?;
    // The first file tells which root holds the list; recovery relies on it.
    match (roots.first(), entries.first()) {
        (Some((root, _)), Some(entry)) if *root == entry.file.root => {}
        _ => return Err(foreign(b"no files")),
    }
    Ok(List {
        transaction,
        sequence,
        origin,
        keep_backup,
        roots,
        entries,
    })
}

fn parse_part<'a>(lines: &mut Lines<impl Iterator<Item = &'a [u8]>>) -> Result<Part, JournalError> {
    let transaction = lines.expect("transaction", parse_transaction)?;
    let list = lines.expect("list", parse_path)?;
    lines.end()?;
    Ok(Part { transaction, list })
}

fn parse_transaction(text: &[u8]) -> Option<TransactionId> {
    TransactionId::parse(std::str::from_utf8(text).ok()?)
}

fn parse_command(text: &[u8]) -> Option<String> {
    let letters = text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'-'));
    let text = std::str::from_utf8(text).ok()?;
    (letters && (1..=32).contains(&text.len())).then(|| text.to_owned())
}

/// Seconds since 1970.
fn parse_time(text: &[u8]) -> Option<OffsetDateTime> {
    let seconds = std::str::from_utf8(text).ok()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

fn parse_root(text: &[u8]) -> Option<(Root, PathBuf)> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    let root = Root::from_name(std::str::from_utf8(&text[..space]).ok()?)?;
    Some((root, parse_path(&text[space + 1..])?))
}

fn parse_entry(text: &[u8]) -> Option<Entry> {
    let words: Vec<&str> = std::str::from_utf8(text).ok()?.split(' ').collect();
    let [root, name, mode, user, group, new, replaced] = words[..] else {
        return None;
    };
    let file = FileId::new(Root::from_name(root)?, name);
    let mode = u32::from_str_radix(mode, 8).ok()?;
    let entry = Entry {
        mode: (mode & !file.largest_mode() == 0).then_some(mode)?,
        file,
        owner: Owner {
            user: optional(user, |text| text.parse().ok()).ok()?,
            group: optional(group, |text| text.parse().ok()).ok()?,
        },
        new: optional(new, parse_hex).ok()?,
        replaced: optional(replaced, parse_hex).ok()?,
    };
    // What was not there cannot be removed.
    (entry.new.is_some() || entry.replaced.is_some()).then_some(entry)
}

/// `-` stands for nothing.
fn optional<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ()> {
    if text == "-" {
        Ok(None)
    } else {
        parse(text).map(Some).ok_or(())
    }
}

fn foreign(line: &[u8]) -> JournalError {
    JournalError::Foreign(String::from_utf8_lossy(line).chars().take(80).collect())
}

/// Lower-case hexadecimal of exactly `N` octets.
fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut octets = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *octet = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests;
