//! How far a run over many nodes is, while it goes on: a bar on a terminal, and a line now and then elsewhere.

use std::time::Duration;

use super::lines::count;

/// What is told where a signal ends a run over many nodes.
pub const INTERRUPTED: &str =
    "interrupted: what was made stays, and the same command makes the rest";
/// The same of an import, and of a renewal: who reads what was written is told by the run that wrote it, and by no other.
pub const IMPORT_INTERRUPTED: &str = "interrupted: what was put in its place stays, and the same command does the rest; what is \
     to be restarted for what is in its place it does not tell";
/// With names or with --all the same command would renew again what it had renewed.
pub const RENEWAL_INTERRUPTED: &str = "interrupted: what was renewed stays, and 'certs renew' over the same inventory without \
     names renews what is still due; what is to be restarted for what was renewed it does not tell";

/// What takes a bar away.
const CLEAR: &str = "\r\x1b[K";
/// A run that is over before is told by its report.
const FIRST: Duration = Duration::from_millis(500);
/// How often a bar is drawn.
const REDRAWN: Duration = Duration::from_millis(100);
/// How often a line is written: whoever reads it keeps it.
const PLAIN: Duration = Duration::from_secs(5);
/// The narrowest bar that shows anything, and the widest.
const BAR: [usize; 2] = [10, 40];

/// What is done with one node after the other.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Stage {
    /// Its archive is made.
    Archiving,
    /// What is there is looked at.
    Judging,
    /// What lacks is made.
    Making,
}

/// How far it is.
#[derive(Clone, Copy)]
pub struct Progress {
    /// What is done.
    pub stage: Stage,
    /// With so many nodes it is done.
    pub done: usize,
    /// So many there are to be.
    pub all: usize,
}

/// What was told so far.
pub struct Meter {
    terminal: bool,
    stage: Option<Stage>,
    /// When the stage began, and when something was told last, or could have been, from when the run began.
    begun: Duration,
    told: Duration,
    drawn: bool,
}

impl Meter {
    /// One that draws a bar, or writes lines.
    pub fn new(terminal: bool) -> Self {
        Self {
            terminal,
            stage: None,
            begun: Duration::ZERO,
            told: Duration::ZERO,
            drawn: false,
        }
    }

    /// What standard error gets at this time, from when the run began.
    pub fn tell(
        &mut self,
        progress: Progress,
        now: Duration,
        width: impl Fn() -> Option<usize>,
    ) -> Option<String> {
        if self.stage != Some(progress.stage) {
            self.stage = Some(progress.stage);
            self.begun = now;
            // Of its first nodes nobody could tell how fast they are.
            self.told = now;
        }
        let since = now.saturating_sub(self.told);
        let pause = match (self.terminal, self.drawn) {
            (true, true) => REDRAWN,
            (true, false) => FIRST,
            (false, _) => PLAIN,
        };
        if since < pause || progress.done == 0 {
            return None;
        }
        self.told = now;
        let spent = now.saturating_sub(self.begun);
        if self.terminal {
            self.drawn = true;
            let width = width().unwrap_or(80);
            return Some(format!("{CLEAR}{}", bar(progress, spent, width)));
        }
        Some(format!("{}\n", plain(progress, spent)))
    }

    /// What makes room for a line of another kind.
    pub fn cleared(&mut self) -> &'static str {
        if std::mem::take(&mut self.drawn) {
            CLEAR
        } else {
            ""
        }
    }
}

fn plain(progress: Progress, spent: Duration) -> String {
    let Progress { stage, done, all } = progress;
    let did = match stage {
        Stage::Archiving => "archived",
        Stage::Judging => "judged",
        Stage::Making => "made",
    };
    let [rate, left] = speed(progress, spent);
    format!("{did} {done} of {}{rate}{left}", count(all, "node"))
}

/// In one line of the terminal, whose last column stays empty, for the cursor.
fn bar(progress: Progress, spent: Duration, width: usize) -> String {
    let Progress { stage, done, all } = progress;
    let does = match stage {
        Stage::Archiving => "archiving",
        Stage::Judging => "judging",
        Stage::Making => "making",
    };
    let room = width.saturating_sub(1);
    let mut line = format!("{does} {done}/{all}");
    let mut whole = true;
    for part in speed(progress, spent) {
        whole &= line.len() + part.len() <= room;
        if whole {
            line.push_str(&part);
        }
    }
    let [least, most] = BAR;
    let cells = room.saturating_sub(line.len() + "[] ".len()).min(most);
    if cells >= least {
        let full = done.min(all) * cells / all.max(1);
        let (full, empty) = ("#".repeat(full), "-".repeat(cells - full));
        line = format!("[{full}{empty}] {line}");
    }
    line.truncate(room);
    line
}

/// So many a second, and when it will be over; nothing, where that is not known.
fn speed(progress: Progress, spent: Duration) -> [String; 2] {
    let Progress { done, all, .. } = progress;
    let of = |number: usize| u64::try_from(number).unwrap_or_default();
    let milliseconds = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 || done == 0 {
        return Default::default();
    }
    let rate = of(done) * 1000 / milliseconds;
    let left = of(all.saturating_sub(done));
    let seconds = left.saturating_mul(milliseconds).div_ceil(of(done) * 1000);
    let left = match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    };
    [format!(", {rate}/s"), format!(", {left} left")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn judged(done: usize) -> Progress {
        Progress {
            stage: Stage::Judging,
            done,
            all: 5000,
        }
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_bar_fits_the_terminal_and_leaves_out_what_does_not() {
        for (width, line) in [
            (
                200,
                "[##########------------------------------] judging 1250/5000, 625/s, 6 s left",
            ),
            (
                60,
                "[#####-----------------] judging 1250/5000, 625/s, 6 s left",
            ),
            (50, "[###---------] judging 1250/5000, 625/s, 6 s left"),
            (40, "judging 1250/5000, 625/s, 6 s left"),
            (30, "judging 1250/5000, 625/s"),
            (20, "judging 1250/5000"),
            (10, "judging 1"),
            (1, ""),
            (0, ""),
        ] {
            let drawn = bar(judged(1250), at(2000), width);
            assert_eq!(drawn, line, "{width}");
            assert!(drawn.len() < width.max(1), "{width}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_whole_units_and_never_as_nothing() {
        for (done, spent, left) in [
            (4999, 1000, ", 1 s left"),
            (5000, 1000, ", 0 s left"),
            (1000, 15_000, ", 1 min left"),
            (1000, 20_000, ", 2 min left"),
            (1, 1000, ", 2 h left"),
        ] {
            assert_eq!(speed(judged(done), at(spent))[1], left, "{done} {spent}");
        }
        assert_eq!(speed(judged(0), at(1000))[0], "");
        assert_eq!(speed(judged(7), at(0))[0], "");
    }

    #[test]
    fn a_bar_is_drawn_now_and_then_and_goes_for_another_line() {
        let mut meter = Meter::new(true);
        let mut tell = |done, now| meter.tell(judged(done), at(now), || Some(40)).is_some();
        let drawn = [0, 499, 500, 550, 600, 650, 700].map(|now| tell(1, now));
        assert_eq!(drawn, [false, false, true, false, true, false, true]);
        assert_eq!(meter.cleared(), CLEAR);
        assert_eq!(meter.cleared(), "");
    }

    #[test]
    fn a_line_is_written_every_five_seconds_and_the_rate_is_that_of_its_stage() {
        let mut meter = Meter::new(false);
        let none = || -> Option<usize> { panic!("a line is as wide as it is") };
        assert_eq!(meter.tell(judged(1), at(1000), none), None);
        assert_eq!(meter.tell(judged(99), at(5999), none), None);
        let line = meter.tell(judged(1000), at(6000), none);
        assert_eq!(
            line.as_deref(),
            Some("judged 1000 of 5000 nodes, 200/s, 20 s left\n")
        );
        let made = |done| Progress {
            stage: Stage::Making,
            done,
            all: 100,
        };
        assert_eq!(meter.tell(made(0), at(11_000), none), None);
        assert_eq!(meter.tell(made(1), at(15_999), none), None);
        let line = meter.tell(made(10), at(16_000), none);
        assert_eq!(
            line.as_deref(),
            Some("made 10 of 100 nodes, 2/s, 45 s left\n")
        );
        assert_eq!(meter.cleared(), "");
    }
}
