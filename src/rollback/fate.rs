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
        let Some((what, stage)) = rotation(command) else {
            continue;
        };
        match stage {
            "back" => {
                if let Some(undone) = last(commands, &fates, what, number + 1) {
                    fates[undone] = Fate::Aged;
                }
            }
            // Also what was undone before: it holds the same key.
            "drop" => {
                for older in number + 1..commands.len() {
                    if is_reversible(commands[older], what) {
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

/// The run that a step back in the rotation of `what` undoes: the youngest stage that is not undone yet, and
/// not ended.
pub fn standing(commands: &[&str], what: &str) -> Option<usize> {
    last(commands, &fates(commands), what, 0)
}

/// The youngest kept run of a rotation, of those from number `from` on.
fn last(commands: &[&str], fates: &[Fate], what: &str, from: usize) -> Option<usize> {
    let stands =
        |number: &usize| fates[*number] == Fate::Kept && is_reversible(commands[*number], what);
    (from..commands.len()).find(stands)
}

fn is_reversible(command: &str, what: &str) -> bool {
    rotation(command).is_some_and(|(of, stage)| of == what && REVERSIBLE.contains(&stage))
}

/// `rotate-etcd-ca-trust` → `etcd-ca`, `trust`.
fn rotation(command: &str) -> Option<(&str, &str)> {
    command.strip_prefix("rotate-")?.rsplit_once('-')
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
            told("rotate-ca-trust rotate-etcd-ca-trust rotate-ca-drop rotate-sa-back"),
            "gkaa"
        );
        assert_eq!(told("rotate-etcd-ca-issue rotate-ca-drop"), "ka");
    }

    #[test]
    fn a_step_back_undoes_the_youngest_stage_that_is_not_undone_yet() {
        assert_eq!(
            told("rotate-ca-trust rotate-ca-issue rotate-ca-back"),
            "kaa"
        );
        let all = "rotate-ca-trust rotate-ca-issue rotate-ca-back rotate-ca-back";
        assert_eq!(told(all), "aaaa");
        let forth = "rotate-ca-trust rotate-ca-issue rotate-ca-back rotate-ca-issue";
        assert_eq!(told(forth), "kaak");
        assert_eq!(told("rotate-ca-back rotate-ca-trust"), "ak");
    }

    #[test]
    fn what_was_undone_goes_with_the_end_too_since_it_holds_the_former_key() {
        let runs = "rotate-ca-trust rotate-ca-issue rotate-ca-back rotate-ca-issue rotate-ca-drop";
        assert_eq!(told(runs), "ggaga");
    }

    #[test]
    fn the_run_that_a_step_back_undoes_is_the_youngest_that_stands() {
        let commands = [
            "renew",
            "rotate-ca-back",
            "rotate-ca-issue",
            "rotate-etcd-ca-trust",
            "rotate-ca-trust",
        ];
        assert_eq!(standing(&commands, "ca"), Some(4));
        assert_eq!(standing(&commands, "etcd-ca"), Some(3));
        assert_eq!(standing(&commands, "sa"), None);
        let ended = ["rotate-ca-drop", "rotate-ca-issue", "rotate-ca-trust"];
        assert_eq!(standing(&ended, "ca"), None);
    }
}
