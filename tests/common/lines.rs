//! Lines of a shell over a cluster's files.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::{Finished, TempDir, binary, run, set_mode, tool, tree_of_all, write};

/// A tree in `k`, a node in `n` whose requests are in `asked` and, with what came back, in `csr`, and
/// files that are none of them.
pub fn made() -> TempDir {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let place = TempDir::new();
        fs::rename(tree_of_all().path(), place.join("k")).expect("move");
        let requested = "certs csr $N $F $E --csr-dir asked; cp -a asked csr; certs sign csr $K $F; cp k/admin.conf a.conf";
        shell(place.path(), requested).expect(0);
        write(&place.join("token"), "07401b.f395accd246ae52d\n");
        write(&place.join("password"), "correct horse\n");
        place
    });
    let place = TempDir::new();
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(made.join(".")).arg(place.path());
    run(&mut copy).expect(0);
    set_mode(place.path(), 0o700);
    place
}

/// What a shell does in the folder, with the program under test on its path. `$K` and `$N` name the tree and
/// the node of [`made`], `$F` states the node, `$A` its address, `$E` the kind of its keys.
pub fn shell(place: &Path, lines: &str) -> Finished {
    let binary = binary();
    let own = binary.parent().expect("the program's folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: OsString = [own.as_os_str(), &path].join(":".as_ref());
    let mut bash = Command::new(tool("bash"));
    bash.args(["-euc", lines]).current_dir(place);
    bash.env("PATH", path).env("NO_COLOR", "1");
    for (name, words) in [
        ("K", "--kubernetes-dir k"),
        ("N", "--kubernetes-dir n"),
        ("A", "--apiserver-advertise-address 10.0.0.10"),
        (
            "F",
            "--node-name cp1 --apiserver-advertise-address 10.0.0.10",
        ),
        ("E", "--key-algorithm ECDSA-P256"),
    ] {
        bash.env(name, words);
    }
    run(&mut bash)
}

/// An error unless the lines, in a folder of their own, end with this code and say this.
pub fn ends(lines: &str, code: i32, words: &str) -> Result<(), String> {
    let place = made();
    let finished = shell(place.path(), lines);
    let said = finished.stdout.contains(words) || finished.stderr.contains(words);
    if said && finished.status.code() == Some(code) {
        Ok(())
    } else {
        Err(format!("expected {code} and {words:?}: {finished}"))
    }
}
