//! A case that is run: a tree, what is done to it, the command, and all that it says.

use std::path::Path;
use std::process::Command;

use crate::common::base::{Base, over};
use crate::common::kubeadm::NOON;
use crate::common::public::{Public, nobody};
use crate::common::snapshot::snapshot;
use crate::common::{Finished, TempDir, at, certs, each, read, run, set_mode, text, write};

/// One case.
pub struct Case {
    pub name: &'static str,
    /// How its tree comes about, from kubeadm's with P-256 keys: see `recipes.sh`.
    pub recipe: &'static str,
    /// The command line but for the directory and the configuration.
    pub arguments: &'static [&'static str],
    pub exit: i32,
    /// Errors and warnings; where there are none, what was made, the usage or the last line.
    pub said: &'static [&'static str],
}

/// Runs all of a table.
#[track_caller]
pub fn hold(cases: &[Case], nobody: bool) {
    each(cases.iter(), |case| {
        let answer = case.holds(nobody);
        answer.map_err(|text| format!("{}: {text}", case.name))
    });
}

impl Case {
    fn holds(&self, as_nobody: bool) -> Result<(), String> {
        let place = Base::Ecdsa.copy();
        Base::Ecdsa.cook(self.recipe, place.path());
        if as_nobody {
            return self.closed(&place);
        }
        self.answered(place.path(), &mut self.command(&place))
    }

    /// As `nobody`, to whom all belongs but what is to be closed to it.
    fn closed(&self, place: &TempDir) -> Result<(), String> {
        let public = Public::new();
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(place.join("k")).arg(&public.0);
        run(&mut copy).expect(0);
        let tree = public.0.join("k");
        if !tree.join("closed").exists() {
            let mut own = Command::new("chown");
            run(own.args(["-R", "65534:65534"]).arg(&tree)).expect(0);
        }
        let config = public.0.join("c.yaml");
        write(
            &config,
            read(&place.join("c.yaml")).replace(text(place.path()), text(&public.0)),
        );
        set_mode(&config, 0o644);
        let mut command = public.certs(self.arguments);
        command.arg("--kubernetes-dir").arg(tree);
        command.arg("--config").arg(config);
        let mut command = nobody(&at(NOON, "022", &command));
        self.answered(&public.0, &mut command)
    }

    fn command(&self, place: &TempDir) -> Command {
        // A case may give its own configuration, or none.
        if self.arguments.contains(&"--config") || self.arguments.is_empty() {
            let mut command = certs(self.arguments);
            if !self.arguments.is_empty() {
                command.args(["--kubernetes-dir", text(&place.join("k"))]);
            }
            command.current_dir(place.path());
            return command;
        }
        over(self.arguments, place.path())
    }

    /// What it says is what the row says, and a refusal changed nothing.
    fn answered(&self, place: &Path, command: &mut Command) -> Result<(), String> {
        let tree = place.join("k");
        // A folder is made to be locked, before anything can be refused.
        let files = || {
            let mut files = snapshot(&tree);
            files.retain(|path, _| !tree.join(path).is_dir());
            files
        };
        let before = files();
        let finished = run(command);
        let said = said(&finished, place);
        if said != self.said || finished.status.code() != Some(self.exit) {
            return Err(format!(
                "found is\n        exit: {:?},\n        said: &{said:#?},\n{finished}",
                finished.status.code()
            ));
        }
        if self.exit != 0 && self.exit != 3 && files() != before {
            return Err("refused, and the tree has changed".to_owned());
        }
        Ok(())
    }
}

fn said(finished: &Finished, place: &Path) -> Vec<String> {
    let place = format!("{}/", place.display());
    let plain = |line: &str| line.replace(&format!("{place}k/"), "").replace(&place, "");
    let told: Vec<String> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: ") || line.starts_with("warning: "))
        .map(plain)
        .collect();
    if told.is_empty() {
        let made = finished
            .stdout
            .lines()
            .skip_while(|line| *line != "Made:")
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .filter(|line| !line.starts_with("   "))
            .filter_map(|line| line.trim().split("  ").next());
        let made: Vec<String> = made.map(|file| format!("made {}", plain(file))).collect();
        let last = finished
            .stdout
            .lines()
            .chain(finished.stderr.lines())
            .last();
        return match last {
            Some(last) if made.is_empty() => vec![plain(last)],
            _ => made,
        };
    }
    told
}
