//! A tar archive (POSIX.1-1988, ustar) that is the same octet by octet whenever it is made of the same
//! files: no times, no owners.

use anyhow::{Result, ensure};

/// The size of a record.
const BLOCK: usize = 512;
/// Where a header says that it is one.
const MAGIC: usize = 257;
/// How long the name is with which it begins.
const NAME: usize = 100;
/// Where it tells how large the file is.
const SIZE: usize = 124;

/// The archive of these files, each with its name, which all may read.
pub fn tar(files: &[(String, &[u8])]) -> Result<Vec<u8>> {
    let mut files: Vec<&(String, &[u8])> = files.iter().collect();
    files.sort();
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend_from_slice(&header(name, content.len())?);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    // Two records of zeros are the end, and GNU tar reads twenty at once.
    archive.resize((archive.len() + 2 * BLOCK).next_multiple_of(20 * BLOCK), 0);
    Ok(archive)
}

/// The names of the files in what [`tar`] made; none of another's archive, whose headers tell a time or an
/// owner, nor of one that another program has added to.
pub fn names(bytes: &[u8]) -> Option<Vec<&str>> {
    let mut rest = bytes;
    let mut names = Vec::new();
    while rest.first().is_some_and(|octet| *octet != 0) {
        let (name, size) = member(rest)?;
        names.push(name);
        rest = rest.get(BLOCK + size.next_multiple_of(BLOCK)..)?;
    }
    (rest.len() >= 2 * BLOCK && rest.iter().all(|octet| *octet == 0)).then_some(names)
}

/// Name and size of the file whose header this begins with.
fn member(bytes: &[u8]) -> Option<(&str, usize)> {
    let made = bytes.get(..BLOCK)?;
    let name = made[..NAME].split(|octet| *octet == 0).next()?;
    let name = std::str::from_utf8(name).ok()?;
    let size = std::str::from_utf8(&made[SIZE..SIZE + 11]).ok()?;
    let size = usize::from_str_radix(size, 8).ok()?;
    (header(name, size).ok()? == made).then_some((name, size))
}

fn header(name: &str, size: usize) -> Result<[u8; BLOCK]> {
    ensure!(
        name.len() <= NAME,
        "{name}: the name is too long for a tar archive: 100 characters are the most"
    );
    let mut header = [0; BLOCK];
    let mut put =
        |start: usize, text: &[u8]| header[start..start + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(SIZE, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    // The checksum counts as spaces while it is made.
    put(148, b"        ");
    put(156, b"0");
    put(MAGIC, b"ustar\x0000");
    let sum: u32 = header.iter().map(|octet| u32::from(*octet)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_in_any_order_are_the_same_archive() {
        let (one, two) = (("a".to_owned(), &b"1"[..]), ("b".to_owned(), &b"22"[..]));
        let archive = tar(&[one.clone(), two.clone()]).unwrap();
        assert_eq!(archive, tar(&[two, one]).unwrap());
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
    fn a_name_that_does_not_fit_is_told() {
        assert!(tar(&[("a".repeat(100), &[])]).is_ok());
        let error = tar(&[("a".repeat(101), &[])]).unwrap_err().to_string();
        assert!(error.contains("too long"), "{error}");
    }
}
