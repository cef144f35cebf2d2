//! What is told of a run over many nodes while it goes on, and when a signal ends it. Beside what `nix` has of signals
//! nothing is needed: no code of ours runs in a handler.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use certs::report::{Meter, Progress};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM};
use nix::sys::signal::{SigSet, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpid, read};

/// The signals by which a run is ended.
pub const ENDING: [Signal; 3] = [SIGHUP, SIGINT, SIGTERM];

/// The one who writes to standard error while the run goes on.
pub struct Long {
    begun: Instant,
    meter: Mutex<Meter>,
    /// What is told where a signal ends the run, once somebody waits for one.
    cut_off: Mutex<Option<String>>,
}

impl Long {
    pub fn new(terminal: bool) -> Self {
        Self {
            begun: Instant::now(),
            meter: Mutex::new(Meter::new(terminal)),
            cut_off: Mutex::new(None),
        }
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut_off(&self) -> MutexGuard<'_, Option<String>> {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    pub fn tell(&self, progress: Progress) {
        let mut meter = self.meter();
        if let Some(text) = meter.tell(progress, self.begun.elapsed(), width) {
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }

    /// A line of another kind.
    pub fn line(&self, sentence: &str) {
        let clear = self.meter().cleared();
        let _ = writeln!(io::stderr(), "{clear}{sentence}");
    }

    /// The run has ended.
    pub fn clear(&self) {
        let _ = io::stderr().write_all(self.meter().cleared().as_bytes());
    }
}

fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0))
}

/// From here on a signal that ends the run ends it as before, at once, and says so first: what is half done the next
/// run completes, as after any other end. A thread of its own waits for it, so that the run need not look for it
/// where it waits itself. To be called before there are others: they are not to be sent the signals either. Called again
/// it has something else told.
pub fn watch(long: &Arc<Long>, cut_off: &str) {
    if long.cut_off().replace(cut_off.to_owned()).is_some() {
        return;
    }
    // The first process of a container is ended by none of them.
    if getpid() == Pid::from_raw(1) {
        return;
    }
    let ignored = ignored();
    let ending = ENDING.into_iter().filter(|signal| !ignored(*signal));
    let ending: SigSet = ending.collect();
    let Ok(signals) = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC) else {
        return;
    };
    if ending.thread_block().is_err() {
        return;
    }
    let long = Arc::clone(long);
    let wait = move || {
        let came = loop {
            match signals.read_signal() {
                Ok(Some(came)) => break i32::try_from(came.ssi_signo).ok(),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(_) => break None,
            }
        };
        let signal = came.and_then(|came| Signal::try_from(came).ok());
        // Held to the end: nothing is told after it.
        let mut meter = long.meter();
        if signal.is_some() {
            let cut_off = long.cut_off().take().unwrap_or_default();
            let _ = writeln!(io::stderr(), "{}{cut_off}", meter.cleared());
        }
        let _ = ending.thread_unblock();
        let _ = signal.map(raise);
    };
    if thread::Builder::new().spawn(wait).is_err() {
        let _ = ending.thread_unblock();
    }
}

/// Whether the program was told to ignore a signal when it was started, as by nohup: blocked it would come all the same.
fn ignored() -> impl Fn(Signal) -> bool {
    let mut status = [0; 4096];
    let opened = open(
        "/proc/self/status",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    );
    let length = opened
        .and_then(|file| read(file, &mut status))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&status[..length]);
    let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mask = mask.unwrap_or_default();
    move |signal| mask >> (signal as i32 - 1) & 1 == 1
}
