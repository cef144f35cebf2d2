//! Which backups stay, by the commands of their runs. Pure; the store does it, and makes nothing of a command.
//!
//! The stages of a rotation are gone back by what they replaced, so those backups stay as long as that
//! may be. They hold the former CA's private key, which the last stage is to end.

/// What becomes of a backup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It stays while it is among the youngest of these.
    Aged,
    /// It goes at once.
    Gone,
    /// It stays.
    Kept,
}

/// The fate of each backup, by the commands of their runs, the youngest first.
pub type Fates = fn(&[&str]) -> Vec<Fate>;

/// The stages of a rotation that can be gone back.
const REVERSIBLE: [&str; 2] = ["trust", "issue"];

/// The backups of a rotation are kept until a later stage ends it, or a step back has put back what they hold.
pub fn fates(commands: &[&str]) -> Vec<Fate> {
    let mut fates = vec![Fate::Aged; commands.len()];
    for (number, command) in commands.iter().enumerate().rev() {
        let Some(run) = rotation(command) else {
            continue;
        };
        // That what the next one signed was taken back is to be known until a further run says that it was heeded.
        for older in number + 1..commands.len() {
            if rotation(commands[older]).is_some_and(|older| older.back && older.what == run.what)
                && fates[older] == Fate::Kept
            {
                fates[older] = Fate::Aged;
            }
        }
        match run.stage {
            _ if run.back => {
                if run.stage == "issue" {
                    fates[number] = Fate::Kept;
                }
                if let Some(undone) = last(commands, &fates, (run.what, run.stage), number + 1) {
                    fates[undone] = Fate::Aged;
                }
            }
            // Also what was undone before: it holds the same key.
            "drop" => {
                for older in number + 1..commands.len() {
                    let mut stages = REVERSIBLE.into_iter();
                    if stages.any(|stage| is_of(commands[older], (run.what, stage))) {
                        fates[older] = Fate::Gone;
                    }
                }
                // What signs since the last end, and was taken back on the way there, is a former one now.
                let of_row = |older: &usize| {
                    rotation(commands[*older]).filter(|older| older.what == run.what)
                };
                let ends = |older: &usize| {
                    of_row(older).is_some_and(|older| older.stage == "drop" && !older.back)
                };
                let mut before = number + 1..commands.len();
                if before.find(ends).is_some() {
                    for older in before.filter(|older| of_row(older).is_some()) {
                        fates[older] = Fate::Gone;
                    }
                }
            }
            stage if REVERSIBLE.contains(&stage) => fates[number] = Fate::Kept,
            _ => {}
        }
    }
    fates
}

/// What was replaced for good by a run after which a backup of its stages is left that holds the former key.
pub fn ended<'a>(commands: &[&'a str]) -> Option<&'a str> {
    let gone = fates(commands)
        .into_iter()
        .position(|fate| fate == Fate::Gone)?;
    rotation(commands[gone]).map(|run| run.what)
}

/// The command of the run that undoes this one, where that is a stage of a rotation or a step back: its backup then
/// holds what that one's did, and has the same fate.
pub fn inverse(command: &str) -> Option<String> {
    let Run { what, stage, back } = rotation(command)?;
    let known = REVERSIBLE.contains(&stage) || stage == "drop";
    known.then(|| {
        let back = if back { "" } else { "back-" };
        format!("rotate-{what}-{back}{stage}")
    })
}

/// The run that brought this to a stage and is to be undone: the youngest that is not undone yet, and not ended.
pub fn standing(commands: &[&str], of: (&str, &str)) -> Option<usize> {
    last(commands, &fates(commands), of, 0)
}

/// The youngest kept run of a stage of a rotation, of those from number `from` on. An older one may be gone that a step
/// back has undone, so each such step tells its stage.
fn last(commands: &[&str], fates: &[Fate], of: (&str, &str), from: usize) -> Option<usize> {
    let stands = |number: &usize| fates[*number] == Fate::Kept && is_of(commands[*number], of);
    (from..commands.len()).find(stands)
}

fn is_of(command: &str, (what, stage): (&str, &str)) -> bool {
    rotation(command).is_some_and(|run| !run.back && (run.what, run.stage) == (what, stage))
}

/// What a command says of a rotation.
struct Run<'a> {
    what: &'a str,
    stage: &'a str,
    /// Whether it went back from that stage.
    back: bool,
}

/// `rotate-etcd-ca-trust` → `etcd-ca`, `trust`; `rotate-etcd-ca-back-trust` → the same, gone back.
fn rotation(command: &str) -> Option<Run<'_>> {
    let (rest, stage) = command.strip_prefix("rotate-")?.rsplit_once('-')?;
    let back = rest.strip_suffix("-back");
    Some(Run {
        what: back.unwrap_or(rest),
        stage,
        back: back.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fates of runs told the oldest first, as they happened, in a letter each.
    fn told(runs: &str) -> String {
        let mut commands: Vec<&str> = runs.split(' ').collect();
        commands.reverse();
        let letter = |fate: Fate| match fate {
            Fate::Aged => 'a',
            Fate::Gone => 'g',
            Fate::Kept => 'k',
        };
        fates(&commands).into_iter().rev().map(letter).collect()
    }

    #[test]
    fn what_is_no_rotation_ages() {
        assert_eq!(fates(&[]), []);
        assert_eq!(
            told("all renew rollback rotate rotate-ca rotate-ca-status"),
            "aaaaaa"
        );
    }

    #[test]
    fn the_stages_of_a_rotation_stay_until_its_end_and_go_then() {
        assert_eq!(told("rotate-ca-trust renew rotate-ca-issue renew"), "kaka");
        assert_eq!(
            told("rotate-ca-trust rotate-ca-issue rotate-ca-drop all"),
            "ggaa"
        );
        let again = "rotate-ca-trust rotate-ca-issue rotate-ca-drop rotate-ca-trust";
        assert_eq!(told(again), "ggak");
    }

    #[test]
    fn a_rotation_says_nothing_of_another() {
        assert_eq!(
            told("rotate-ca-trust rotate-etcd-ca-trust rotate-ca-drop rotate-sa-back-trust"),
            "gkaa"
        );
        assert_eq!(told("rotate-etcd-ca-issue rotate-ca-drop"), "ka");
    }

    #[test]
    fn a_step_back_undoes_the_youngest_run_of_its_stage_that_is_not_undone_yet() {
        let once = "rotate-ca-trust rotate-ca-issue rotate-ca-back-issue";
        assert_eq!(told(once), "kak");
        assert_eq!(told(&format!("{once} rotate-ca-back-trust")), "aaaa");
        assert_eq!(told(&format!("{once} rotate-ca-issue")), "kaak");
        assert_eq!(told("rotate-ca-back-trust rotate-ca-trust"), "ak");
        // What it undid is gone by now.
        assert_eq!(told("rotate-ca-trust rotate-ca-back-issue"), "kk");
        assert_eq!(told(&format!("{once} renew rotate-sa-trust")), "kakak");
    }

    #[test]
    fn what_was_undone_goes_with_the_end_too_since_it_holds_the_former_key() {
        let runs =
            "rotate-ca-trust rotate-ca-issue rotate-ca-back-issue rotate-ca-issue rotate-ca-drop";
        assert_eq!(told(runs), "ggaga");
        // The one that signed since, by the time another does.
        let again = format!("{runs} rotate-etcd-ca-drop rotate-ca-trust rotate-ca-issue");
        assert_eq!(told(&again), "ggagaakk");
        assert_eq!(told(&format!("{again} rotate-ca-drop")), "ggggaagga");
    }

    #[test]
    fn the_run_that_a_step_back_undoes_is_the_youngest_of_its_stage_that_stands() {
        let commands = [
            "renew",
            "rotate-ca-back-issue",
            "rotate-ca-issue",
            "rotate-etcd-ca-trust",
            "rotate-ca-trust",
        ];
        assert_eq!(standing(&commands, ("ca", "trust")), Some(4));
        assert_eq!(standing(&commands, ("ca", "issue")), None);
        assert_eq!(standing(&commands, ("etcd-ca", "trust")), Some(3));
        assert_eq!(standing(&commands, ("sa", "trust")), None);
        let ended = ["rotate-ca-drop", "rotate-ca-issue", "rotate-ca-trust"];
        assert_eq!(standing(&ended, ("ca", "issue")), None);
    }

    #[test]
    fn what_undoes_a_stage_is_a_command_that_a_journal_can_tell_and_the_other_way_round() {
        for row in crate::profile::rotation::rotated() {
            for stage in ["trust", "issue", "drop"] {
                let forth = format!("rotate-{}-{stage}", row.name);
                let back = inverse(&forth).unwrap();
                assert_eq!(inverse(&back), Some(forth));
                // As `journal` reads them.
                assert!(back.len() <= 32, "{back}");
            }
        }
        assert_eq!(inverse("rollback"), None);
        assert_eq!(inverse("rotate-ca-status"), None);
    }

    #[test]
    fn what_was_ended_is_told_as_long_as_a_backup_of_it_is_left() {
        let runs = [
            "rotate-ca-drop",
            "renew",
            "rotate-ca-issue",
            "rotate-sa-trust",
        ];
        assert_eq!(ended(&runs), Some("ca"));
        assert_eq!(ended(&["rotate-ca-drop", "rotate-sa-trust"]), None);
    }
}
