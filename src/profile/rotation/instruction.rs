//! One thing that is to be done between two stages of a replacement.

/// What comes to be where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A person does it, or a program that knows the cluster.
    Do,
    /// Nothing: the process reads by itself what changed.
    None,
    /// The process is started again.
    Restart,
}

impl Action {
    /// As reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::None => "none",
            Self::Restart => "restart",
        }
    }
}

/// One thing that is to be done, or to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The process that reads, or what else is concerned.
    pub process: &'static str,
    /// What is done with it.
    pub action: Action,
    /// What it is for, or what goes before it.
    pub text: &'static str,
    /// What does it, where that is a command.
    pub command: &'static str,
    /// Succeeds once the process is well again.
    pub wait: &'static str,
    /// Succeeds if it has read what changed.
    pub proof: &'static str,
    /// What it is instead where one run wrote the trees of all nodes.
    pub of_many: OfMany,
}

/// What is to be done where one run wrote the trees of all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfMany {
    /// The same.
    Same,
    /// The same, of this process, or of whom it concerns instead, and what goes before it.
    After(&'static str, &'static str),
    /// This, and nothing where there is one tree: kubeadm's nodes have no such process.
    Only,
}

/// What goes before it where one run wrote the trees of nodes, and the process is on none of them.
pub const ON_NO_NODE: &str = "It runs on none of these nodes. Where it does, first put {file} in the place of the one that it \
    reads and, once another CA signs, have what that is to issue to it issued anew.";

/// A process that is started again: how, how it is waited for, and what proves that it was.
pub(super) const fn restart(
    process: &'static str,
    text: &'static str,
    [command, wait, proof]: [&'static str; 3],
) -> Instruction {
    Instruction {
        process,
        action: Action::Restart,
        text,
        command,
        wait,
        proof,
        of_many: OfMany::Same,
    }
}

/// A process that reads it again by itself, and what proves that it did.
pub(super) const fn reads(process: &'static str, proof: &'static str) -> Instruction {
    Instruction {
        process,
        action: Action::None,
        text: "",
        command: "",
        wait: "",
        proof,
        of_many: OfMany::Same,
    }
}

/// What a person does.
pub(super) const fn person(process: &'static str, text: &'static str) -> Instruction {
    Instruction {
        process,
        action: Action::Do,
        text,
        command: "",
        wait: "",
        proof: "",
        of_many: OfMany::Same,
    }
}
