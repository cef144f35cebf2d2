//! Exit codes.

use crate::finding::{Code, Severity};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything is as wanted.
    Done,
    /// A file could not be read or written, the lock was not to be had, signing failed.
    Failed,
    /// Arguments or configuration are wrong.
    Usage,
    /// Done, with warnings.
    Warnings,
    /// What is there is not as wanted: errors found, or the plan was refused.
    Errors,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Warnings => 3,
            Self::Errors => 4,
        }
    }

    /// The end of a run that was refused for these findings. Of what could not be read it is not
    /// known whether it is as wanted: the run failed.
    pub fn of_refusal(mut codes: impl Iterator<Item = Code>) -> Self {
        if codes.any(|code| code == Code::ReadFailed) {
            Self::Failed
        } else {
            Self::Errors
        }
    }

    /// The end of a run that was not refused. Nothing below `least` counts.
    pub fn of_findings(worst: Option<Severity>, least: Severity) -> Self {
        match worst {
            Some(severity) if severity < least => Self::Done,
            Some(Severity::Error) => Self::Errors,
            Some(Severity::Warning) => Self::Warnings,
            Some(Severity::Note) | None => Self::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_0_to_4_in_order() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Warnings,
            Exit::Errors,
        ];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_refusal_for_what_could_not_be_read_is_a_failure() {
        let codes = [Code::Expired, Code::ReadFailed];
        assert_eq!(Exit::of_refusal(codes.into_iter()), Exit::Failed);
        assert_eq!(Exit::of_refusal(codes[..1].iter().copied()), Exit::Errors);
    }

    #[test]
    fn the_worst_finding_decides_unless_it_is_below_the_least_that_counts() {
        let (note, warning, error) = (Severity::Note, Severity::Warning, Severity::Error);
        for (worst, least, exit) in [
            (None, warning, Exit::Done),
            (Some(note), warning, Exit::Done),
            (Some(warning), warning, Exit::Warnings),
            (Some(error), warning, Exit::Errors),
            (Some(warning), error, Exit::Done),
            (Some(error), error, Exit::Errors),
            (Some(note), note, Exit::Done),
        ] {
            assert_eq!(
                Exit::of_findings(worst, least),
                exit,
                "{worst:?} from {least:?}"
            );
        }
    }
}
