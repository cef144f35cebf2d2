//! A tar archive (POSIX.1-1988, ustar) that is the same octet by octet whenever it is made of the same
//! files: no times, and no owners but those that are asked for. What has a name that does not fit has it in a
//! record of its own before it (POSIX.1-2001, pax).

/// The size of a record.
const BLOCK: usize = 512;
/// So much is read at once by GNU tar, and is the least that is written.
const WHOLE: usize = 20 * BLOCK;
/// How long the name is with which a header begins, and where a link leads.
const NAME: usize = 100;
const MODE: usize = 100;
const USER: usize = 108;
const GROUP: usize = 116;
/// Where it tells how large the file is.
const SIZE: usize = 124;
const KIND: usize = 156;
const LINK: usize = 157;
/// Of which kind what stands before a member with a long name is, and what its records are called.
const LONG: u8 = b'x';
const PATH: &str = "path";
const LINK_PATH: &str = "linkpath";
/// Where a header says that it is one.
const MAGIC: usize = 257;

/// What is in an archive under one name.
#[derive(Eq, PartialEq)]
pub struct Member<'a> {
    /// Relative, without a slash at its end.
    pub name: &'a str,
    /// Permission bits.
    pub mode: u32,
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// What it is.
    pub content: Content<'a>,
}

/// What has a name in an archive.
#[derive(Eq, PartialEq)]
pub enum Content<'a> {
    /// A directory.
    Directory,
    /// A file with these octets.
    File(&'a [u8]),
    /// A symbolic link, and where it leads.
    Link(&'a str),
}

/// The archive of these files, each with its name, which all may read.
pub fn tar(files: &[(String, &[u8])]) -> Vec<u8> {
    let members = files.iter().map(|(name, bytes)| plain(name, bytes));
    of(members.collect())
}

/// The archive of these, sorted by their names, so that a directory comes before what is in it.
pub fn of(mut members: Vec<Member<'_>>) -> Vec<u8> {
    members.sort_by_key(|member| member.name);
    let headers: Vec<_> = members.iter().map(header).collect();
    let headers_size = headers.iter().map(Vec::len).sum::<usize>();
    let sizes = members.iter().map(|member| padded(member.bytes()));
    // Two records of zeros are the end.
    let size = (headers_size + sizes.sum::<usize>() + 2 * BLOCK).next_multiple_of(WHOLE);
    // Large enough from the start: growing would leave copies that nobody wipes.
    let mut archive = Vec::with_capacity(size);
    for (member, header) in members.iter().zip(headers) {
        archive.extend_from_slice(&header);
        archive.extend_from_slice(member.bytes());
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(size, 0);
    archive
}

/// The names of the files in what [`tar`] made; none of another's archive, whose headers tell a time or an
/// owner, nor of one that another program has added to.
pub fn names(bytes: &[u8]) -> Option<Vec<&str>> {
    let members = read(bytes)?;
    let is_plain = |member: &Member<'_>| *member == plain(member.name, member.bytes());
    let plain = members.iter().all(is_plain);
    plain.then(|| members.iter().map(|member| member.name).collect())
}

/// Whether [`of`] made this, of whatever.
pub fn is_ours(bytes: &[u8]) -> bool {
    read(bytes).is_some()
}

/// What the file of this name holds in what [`of`] made.
pub fn file<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let member = read(bytes)?.into_iter().find(|held| held.name == name)?;
    match member.content {
        Content::File(held) => Some(held),
        Content::Directory | Content::Link(_) => None,
    }
}

fn plain<'a>(name: &'a str, bytes: &'a [u8]) -> Member<'a> {
    Member {
        name,
        mode: 0o644,
        user: 0,
        group: 0,
        content: Content::File(bytes),
    }
}

fn padded(bytes: &[u8]) -> usize {
    bytes.len().next_multiple_of(BLOCK)
}

impl<'a> Member<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self.content {
            Content::File(bytes) => bytes,
            Content::Directory | Content::Link(_) => &[],
        }
    }
}

fn read(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut rest = bytes;
    let mut members = Vec::new();
    while rest.first().is_some_and(|octet| *octet != 0) {
        let (member, header) = member(rest)?;
        rest = rest.get(header + padded(member.bytes())..)?;
        members.push(member);
    }
    let ends = rest.len() >= 2 * BLOCK && rest.iter().all(|octet| *octet == 0);
    ends.then_some(members)
}

/// What this begins with, if its header is the one that is made of it, and how long that is.
fn member(bytes: &[u8]) -> Option<(Member<'_>, usize)> {
    let (long, records) = match *bytes.get(KIND)? {
        LONG => {
            let records = held(bytes)?;
            (std::str::from_utf8(records).ok()?, BLOCK + padded(records))
        }
        _ => ("", 0),
    };
    let own = bytes.get(records..)?;
    let made = own.get(..BLOCK)?;
    let text = |start: usize, keyword: &str| {
        let field = made[start..start + NAME]
            .split(|octet| *octet == 0)
            .next()?;
        recorded(long, keyword).or(std::str::from_utf8(field).ok())
    };
    let name = text(0, PATH)?;
    let content = match made[KIND] {
        b'0' => Content::File(held(own)?),
        b'2' => Content::Link(text(LINK, LINK_PATH)?),
        b'5' => Content::Directory,
        _ => return None,
    };
    let short = |start: usize| number(&made[start..start + 8]).and_then(|it| it.try_into().ok());
    let member = Member {
        name: name.strip_suffix('/').unwrap_or(name),
        mode: short(MODE)?,
        user: short(USER)?,
        group: short(GROUP)?,
        content,
    };
    let header = header(&member);
    bytes.starts_with(&header).then_some((member, header.len()))
}

/// What stands behind a header.
fn held(bytes: &[u8]) -> Option<&[u8]> {
    let size = usize::try_from(number(bytes.get(SIZE..SIZE + 12)?)?).ok()?;
    bytes.get(BLOCK..BLOCK.checked_add(size)?)
}

fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        let low = rest.last_chunk()?;
        return Some(u64::from(u32::from_be_bytes(*low)));
    }
    let digits = field.split_last()?.1;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// What of the names does not fit stands before it.
fn header(member: &Member<'_>) -> Vec<u8> {
    let (kind, target, slash) = match member.content {
        Content::Directory => (b'5', "", "/"),
        Content::File(_) => (b'0', "", ""),
        Content::Link(target) => (b'2', target, ""),
    };
    let name = format!("{}{slash}", member.name);
    let mut records = String::new();
    for (keyword, text) in [(PATH, name.as_str()), (LINK_PATH, target)] {
        if text.len() > NAME {
            records += &record(keyword, text);
        }
    }
    let mut header = Vec::new();
    if !records.is_empty() {
        let long = plain("long", records.as_bytes());
        header.extend_from_slice(&block(&long, LONG, long.name, ""));
        header.extend_from_slice(records.as_bytes());
        header.resize(header.len().next_multiple_of(BLOCK), 0);
    }
    header.extend_from_slice(&block(member, kind, fitting(&name), fitting(target)));
    header
}

fn block(member: &Member<'_>, kind: u8, name: &str, target: &str) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put =
        |start: usize, text: &[u8]| header[start..start + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(MODE, format!("{:07o}\0", member.mode).as_bytes());
    put(USER, &owner(member.user));
    put(GROUP, &owner(member.group));
    put(SIZE, format!("{:011o}\0", member.bytes().len()).as_bytes());
    put(136, b"00000000000\0");
    // The checksum counts as spaces while it is made.
    put(148, b"        ");
    put(KIND, &[kind]);
    put(LINK, target.as_bytes());
    put(MAGIC, b"ustar\x0000");
    let sum: u32 = header.iter().map(|octet| u32::from(*octet)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// As much of a name as its field has room for.
fn fitting(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME)]
}

/// A record tells its own length first.
fn record(keyword: &str, value: &str) -> String {
    let rest = format!(" {keyword}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

/// What the records have for this.
fn recorded<'a>(mut records: &'a str, keyword: &str) -> Option<&'a str> {
    loop {
        let (length, _) = records.split_once(' ')?;
        let (one, others) = records.split_at_checked(length.parse().ok()?)?;
        let (of, value) = one.split_once(' ')?.1.split_once('=')?;
        if of == keyword {
            return value.strip_suffix('\n');
        }
        records = others;
    }
}

/// In octal digits, as far as these go, and beyond them in binary, as GNU tar has it and others read it.
fn owner(number: u32) -> [u8; 8] {
    let mut field = [0; 8];
    if number <= 0o7_777_777 {
        field[..7].copy_from_slice(format!("{number:07o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&number.to_be_bytes());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_in_any_order_are_the_same_archive() {
        let (one, two) = (("a".to_owned(), &b"1"[..]), ("b".to_owned(), &b"22"[..]));
        let archive = tar(&[one.clone(), two.clone()]);
        assert_eq!(archive, tar(&[two, one]));
        assert!(archive.len().is_multiple_of(20 * BLOCK));
        assert_eq!(names(&archive), Some(vec!["a", "b"]));
        let mut dated = archive.clone();
        dated[140] = b'1';
        let mut longer = archive.clone();
        longer[4 * BLOCK] = b'c';
        let cut = &archive[..3 * BLOCK];
        for other in [&archive[..MAGIC], &archive[1..], &dated, &longer, cut] {
            assert_eq!(names(other), None);
        }
    }

    #[test]
    fn a_name_that_does_not_fit_is_in_a_record_of_its_own() {
        for length in [1, 99, 100, 101, 104, 105, 998, 4000] {
            let name = "ä".repeat(length / 2) + &"a".repeat(length % 2);
            let archive = tar(&[(name.clone(), b"1"), ("b".to_owned(), b"2")]);
            let mut expected = vec!["b", &name];
            expected.sort_unstable();
            assert_eq!(names(&archive), Some(expected), "{length}");
            let member = |name, content| Member {
                content,
                ..plain(name, &[])
            };
            let all = || {
                vec![
                    member(&name, Content::Directory),
                    member("c", Content::Link(&name)),
                ]
            };
            let archive = of(all());
            let mut members = all();
            members.sort_by_key(|member| member.name);
            assert!(read(&archive) == Some(members), "{length}");
            if length > NAME {
                // Another's records, of what is not told here.
                for (at, octet) in [
                    (BLOCK, b'0'),
                    (BLOCK, b'9'),
                    (BLOCK + 4, b'm'),
                    (2 * BLOCK - 1, b'1'),
                ] {
                    let mut other = archive.clone();
                    other[at] = octet;
                    assert!(!is_ours(&other), "{length} {at}");
                }
            }
        }
    }

    #[test]
    fn what_has_owners_and_links_is_read_as_it_was_made_and_is_no_archive_for_all() {
        let member = |name, mode, content| Member {
            name,
            mode,
            user: 1000,
            group: 4_000_000_000,
            content,
        };
        let members = vec![
            member("a/c", 0o600, Content::File(b"key")),
            member("a/b", 0o777, Content::Link("c")),
            member("a", 0o755, Content::Directory),
        ];
        let archive = of(members);
        let read = read(&archive).unwrap();
        let names: Vec<&str> = read.iter().map(|member| member.name).collect();
        assert_eq!(names, ["a", "a/b", "a/c"]);
        assert_eq!(read[2].bytes(), b"key");
        let held = ["a", "a/b", "a/c", "c"].map(|name| file(&archive, name));
        assert_eq!(held, [None, None, Some(&b"key"[..]), None]);
        assert_eq!(file(&archive[1..], "a/c"), None);
        assert_eq!((read[0].user, read[0].group), (1000, 4_000_000_000));
        assert!(is_ours(&archive));
        assert_eq!(super::names(&archive), None);
        for at in [MODE, USER, GROUP + 7, 140, 148, KIND, LINK, MAGIC, 265, 345] {
            let mut other = archive.clone();
            other[at] ^= 1;
            assert!(!is_ours(&other), "{at}");
        }
    }
}
