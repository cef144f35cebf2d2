//! The thin end: clock, host and terminal in; bytes and an exit code out.

#[path = "main/long.rs"]
mod long;

use std::io::{self, IsTerminal, Read, Write};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use certs::cli::Cli;
use certs::cmd::{Env, Outcome, run};
use certs::facts::Host;
use clap::Parser;
use long::Long;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use nix::sys::signal::{SigSet, SigmaskHow, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::{read, write};
use zeroize::Zeroizing;

/// The variable that may hold the password of an export.
const PASSWORD: &str = "CERTS_EXPORT_PASSWORD";
/// The variable that may hold the passphrase of CA keys.
const PASSPHRASE: &str = "CERTS_CA_PASSPHRASE";

fn main() -> ExitCode {
    // A core dump would hold every key. Where this is refused, nothing else would be better.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    // At the limit of a file's size (ulimit -f) the write is to fail, and what it began to go, as at any other.
    let _ = size_limit().thread_block();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return printed(&said),
    };
    let name = nix::unistd::gethostname()
        .unwrap_or_default()
        .into_string()
        .unwrap_or_default();
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    let long = Arc::new(Long::new(io::stderr().is_terminal() && !dumb));
    let mut env = Env {
        now: now(),
        host: Host {
            name: &name,
            default_address: &default_address,
        },
        stdin: &mut read_stdin,
        ca_passphrase: std::env::var_os(PASSPHRASE)
            .filter(|passphrase| !passphrase.is_empty())
            .map(|passphrase| Zeroizing::new(passphrase.into_vec())),
        export_password: std::env::var_os(PASSWORD)
            .map(|password| Zeroizing::new(password.into_vec())),
        ask: &mut ask,
        terminal,
        exec: &mut |command, told, input, cut_off| {
            long::watch(&long, cut_off);
            exec(command, told, input).inspect(|()| long::watch(&long, "interrupted"))
        },
        notice: &mut |sentence| long.line(sentence),
        progress: &|progress| long.tell(progress),
        begun: &mut |interrupted| long::watch(&long, interrupted),
        width: terminal.then(width).flatten(),
        colour: terminal
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && !dumb,
    };
    let outcome = run(cli, &mut env);
    long.clear();
    written(&outcome)
}

/// Standard error is written even where standard output cannot be.
fn written(outcome: &Outcome) -> ExitCode {
    let stderr = io::stderr().write_all(&outcome.stderr);
    let done = "; what it would say was done";
    let stdout =
        outcome.stdout.is_empty() || told(done, || io::stdout().write_all(&outcome.stdout));
    if stdout && !stderr.is_err_and(|error| !gone(&error)) {
        ExitCode::from(outcome.exit.code())
    } else {
        ExitCode::FAILURE
    }
}

/// Help, the version, or what is wrong with the arguments.
fn printed(said: &clap::Error) -> ExitCode {
    if said.use_stderr() {
        let _ = said.print();
    } else if !told("", || said.print()) {
        return ExitCode::FAILURE;
    }
    u8::try_from(said.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Whether standard output has what `print` writes, or its reader has gone, which is no error: what was to be
/// done is done.
fn told(done: &str, print: impl FnOnce() -> io::Result<()>) -> bool {
    // The standard library takes it for written where it may not be: a write of nothing tells.
    let written = write(io::stdout(), &[])
        .map_err(io::Error::from)
        .and_then(|_| print())
        .and_then(|()| io::stdout().flush());
    match written {
        Err(error) if !gone(&error) => {
            let _ = writeln!(io::stderr(), "error: write standard output: {error}{done}");
            false
        }
        _ => true,
    }
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// What the kernel sends to who writes beyond the limit of a file's size.
fn size_limit() -> SigSet {
    SigSet::from_iter([SIGXFSZ])
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the clock is read"
)]
fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// The address of the default route's interface. Connecting a datagram socket asks the kernel
/// for the route and sends nothing; both addresses are for documentation (RFC 5737, RFC 3849).
fn default_address(v6: bool) -> Option<IpAddr> {
    let (local, remote) = if v6 {
        ("[::]:0", "[2001:db8::1]:9")
    } else {
        ("0.0.0.0:0", "192.0.2.1:9")
    };
    let socket = UdpSocket::bind(local).ok()?;
    socket.connect(remote).ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|address| !address.is_unspecified())
}

/// Large enough from the start: growing would leave copies that nobody wipes.
fn read_stdin() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let room = usize::try_from(certs::store::LARGEST)? + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    io::stdin()
        .lock()
        .take(certs::store::LARGEST + 1)
        .read_to_end(&mut bytes)?;
    anyhow::ensure!(
        u64::try_from(bytes.len()).is_ok_and(|length| length <= certs::store::LARGEST),
        "is larger than 1 MiB"
    );
    Ok(bytes)
}

/// A line from the terminal, which does not show it meanwhile, as readpassphrase(3) reads it. A signal that
/// ends the program or stops it does so once the terminal is as it was.
fn ask(prompt: &str) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    let stdin = io::stdin();
    let mut ending = SigSet::empty();
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP] {
        ending.add(signal);
    }
    loop {
        let Ok(shown) = tcgetattr(&stdin) else {
            return Ok(None);
        };
        let mut hidden = shown.clone();
        hidden.local_flags &= !LocalFlags::ECHO;
        let before = ending.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let signals = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?;
        tcsetattr(&stdin, SetArg::TCSAFLUSH, &hidden)?;
        let _ = write!(io::stderr(), "{prompt}");
        let line = secret_line(stdin.as_fd(), &signals);
        tcsetattr(&stdin, SetArg::TCSAFLUSH, &shown)?;
        let _ = writeln!(io::stderr());
        let came = match line {
            Ok(Typed::Line(line)) => {
                before.thread_set_mask()?;
                return Ok(Some(line));
            }
            Ok(Typed::Signal(signal)) => signal,
            Err(error) => return Err(error),
        };
        raise(came)?;
        before.thread_set_mask()?;
        // It is still here: the signal is one that the program was told to ignore, or it stopped and goes on.
    }
}

/// What came of a prompt.
enum Typed {
    Line(Zeroizing<Vec<u8>>),
    Signal(Signal),
}

/// Without the line's end. What is read octet by octet leaves no copy in a buffer.
fn secret_line(from: BorrowedFd<'_>, signals: &SignalFd) -> anyhow::Result<Typed> {
    // A terminal gives no longer lines, so that nothing grows and leaves a copy.
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    let mut octet = [0];
    while line.len() < 4096 {
        let mut either = [signals.as_fd(), from].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        poll(&mut either, PollTimeout::NONE)?;
        if either[0].any() == Some(true)
            && let Some(came) = signals.read_signal()?
        {
            return Ok(Typed::Signal(Signal::try_from(i32::try_from(
                came.ssi_signo,
            )?)?));
        }
        if read(from, &mut octet)? == 0 || octet == *b"\n" {
            break;
        }
        line.extend_from_slice(&octet);
    }
    Ok(Typed::Line(line))
}

/// Its standard output is our standard error: what is on ours is the report, which may be read by a
/// program. Passphrases are none of its business.
fn exec(command: &str, environment: &[(&str, String)], input: &[u8]) -> Result<(), String> {
    let stdout = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .map_or_else(|_| Stdio::null(), Stdio::from);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env_remove(PASSPHRASE)
        .env_remove(PASSWORD)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(stdout);
    let mut running =
        as_started(|| shell.spawn()).map_err(|error| format!("could not be started: {error}"))?;
    if let Some(mut stdin) = running.stdin.take() {
        // Who does not read it all has ended, or needs no more.
        let _ = stdin.write_all(input);
    }
    let status = running
        .wait()
        .map_err(|error| format!("could not be waited for: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with the exit code {code}"),
        (None, Some(signal)) => format!("was ended by the signal {signal}"),
        (None, None) => format!("failed: {status}"),
    })
}

/// With the signals that the program was started with: a child has those of who starts it. One that came
/// meanwhile is taken before, for the write that it was sent for has failed.
fn as_started<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut signals = size_limit();
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?
        .read_signal()?;
    signals.extend(long::ENDING);
    let before = signals.thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    let started = start();
    before.thread_set_mask()?;
    started
}

fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
