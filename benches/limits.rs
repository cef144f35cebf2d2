//! What a run over an inventory is measured against, for `benches/nodes`: what has to be computed at the least, and what has
//! to be written at the least.
//!
//! ```text
//! limits certificate COUNT   seconds that COUNT certificates take on one core: a P-256 key is made, signs, is verified
//! limits write FROM TO       seconds until a copy of the tree FROM, read before, is in TO, and synced once
//! ```

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};

/// About as much as is signed of a kubelet's certificate.
const TO_BE_SIGNED: [u8; 360] = [0x30; 360];

fn main() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // `cargo bench` adds this one.
    let arguments: Vec<&OsString> = arguments
        .iter()
        .filter(|argument| *argument != "--bench")
        .collect();
    let seconds = match arguments[..] {
        [verb, count] if verb == "certificate" => certificates(
            count
                .to_str()
                .and_then(|count| count.parse().ok())
                .context("COUNT is a number")?,
        )?,
        [verb, from, to] if verb == "write" => write(Path::new(from), Path::new(to))?,
        _ => bail!("usage: limits certificate COUNT | limits write FROM TO"),
    };
    writeln!(std::io::stdout(), "{seconds:.6}")?;
    Ok(())
}

fn certificates(count: u32) -> Result<f64> {
    let random = SystemRandom::new();
    let authority = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let public = UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_ASN1,
        authority.public_key().as_ref().to_vec(),
    );
    let begin = Instant::now();
    for _ in 0..count {
        black_box(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?);
        let signature = authority.sign(&random, &TO_BE_SIGNED)?;
        public.verify(&TO_BE_SIGNED, signature.as_ref())?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

enum Entry {
    Folder(u32),
    File(u32, Vec<u8>),
    Link(PathBuf),
}

fn write(from: &Path, to: &Path) -> Result<f64> {
    let mut entries = Vec::new();
    read(from, Path::new(""), &mut entries)?;
    let begin = Instant::now();
    fs::create_dir(to)?;
    for (path, entry) in &entries {
        let path = to.join(path);
        match entry {
            Entry::Folder(mode) => DirBuilder::new().mode(*mode).create(path)?,
            Entry::File(mode, bytes) => {
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(*mode)
                    .open(path)?;
                file.write_all(bytes)?;
            }
            Entry::Link(target) => symlink(target, path)?,
        }
    }
    nix::unistd::syncfs(File::open(to)?)?;
    Ok(begin.elapsed().as_secs_f64())
}

fn read(root: &Path, below: &Path, entries: &mut Vec<(PathBuf, Entry)>) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let status = entry.metadata()?;
        let mode = status.permissions().mode() & 0o777;
        if status.is_dir() {
            entries.push((path.clone(), Entry::Folder(mode)));
            read(root, &path, entries)?;
        } else if status.is_symlink() {
            entries.push((path, Entry::Link(fs::read_link(entry.path())?)));
        } else {
            entries.push((path, Entry::File(mode, fs::read(entry.path())?)));
        }
    }
    Ok(())
}
