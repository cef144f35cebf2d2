//! For tests: OpenSSL, through a shell, as the maker and judge that we did not write.

pub(crate) mod sample;

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs a script of bash and returns what it writes; fails the test if any of its commands fails, or is not installed.
pub(crate) fn run(script: &str, input: &[u8]) -> Vec<u8> {
    let (success, out, err) = attempt(script, input);
    assert!(
        success,
        "{script}: {} (packages bash and openssl are needed)",
        String::from_utf8_lossy(&err)
    );
    out
}

/// As `run`, as text without blanks at the end.
pub(crate) fn text(script: &str, input: &[u8]) -> String {
    String::from_utf8(run(script, input))
        .unwrap()
        .trim_end()
        .into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}

/// Whether a script succeeds, what it writes, and what it says.
fn attempt(script: &str, input: &[u8]) -> (bool, Vec<u8>, Vec<u8>) {
    let mut child = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .env("OPENSSL_CONF", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is installed");
    // A script that does not read may be gone already.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("the script ends");
    (output.status.success(), output.stdout, output.stderr)
}
