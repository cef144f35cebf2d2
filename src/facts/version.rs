//! Versions of Kubernetes.

use std::fmt;
use std::str::FromStr;

/// A release of Kubernetes; what follows the patch number (`-alpha.1`) is left out.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// 1 for ever, it seems.
    pub major: u32,
    /// The release.
    pub minor: u32,
    /// The patch release.
    pub patch: u32,
}

impl Version {
    /// The newest release whose certificates are known.
    pub const NEWEST: Self = Self {
        major: 1,
        minor: 36,
        patch: 2,
    };

    /// The version that a label of the download server stands for, as far as this is known without asking that server.
    ///
    /// `stable`, `latest`, `stable-1`, `ci/latest` and the like are the newest one; `stable-1.30` is of that release.
    pub(super) fn from_label(text: &str) -> Option<Self> {
        let label = text
            .strip_prefix("ci/")
            .or_else(|| text.strip_prefix("release/"))
            .unwrap_or(text);
        let (name, release) = label.split_once('-').unwrap_or((label, "1"));
        if !matches!(name, "latest" | "stable") {
            return None;
        }
        match release.strip_prefix("1.") {
            None => (release == "1").then_some(Self::NEWEST),
            Some(minor) => match number(minor)? {
                minor if minor == Self::NEWEST.minor => Some(Self::NEWEST),
                minor => Some(Self {
                    major: 1,
                    minor,
                    patch: 0,
                }),
            },
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "is no version of Kubernetes: give one such as v1.36.2".to_owned();
        let bare = text.strip_prefix('v').unwrap_or(text);
        let end = bare.find(['-', '+']).unwrap_or(bare.len());
        let (core, suffix) = bare.split_at(end);
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        if suffix.len() == 1 || !suffix.chars().all(word) {
            return Err(malformed());
        }
        let numbers: Vec<u32> = core
            .split('.')
            .map(number)
            .collect::<Option<_>>()
            .ok_or_else(malformed)?;
        match numbers[..] {
            [1, minor, patch] => Ok(Self {
                major: 1,
                minor,
                patch,
            }),
            [_, _, _] => Err("is no version of Kubernetes, which are all v1".into()),
            [1, minor] => Err(format!("lacks the patch release: give v1.{minor}.0")),
            _ => Err(malformed()),
        }
    }
}

fn number(text: &str) -> Option<u32> {
    let plain =
        text.bytes().all(|octet| octet.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(minor: u32, patch: u32) -> Version {
        Version {
            major: 1,
            minor,
            patch,
        }
    }

    #[test]
    fn versions_are_read_with_and_without_v() {
        for (text, expected) in [
            ("v1.36.2", version(36, 2)),
            ("1.36.2", version(36, 2)),
            ("v1.37.0-alpha.1", version(37, 0)),
            ("v1.35.0-rc.1+abc", version(35, 0)),
            ("v1.36.2+vendor.1", version(36, 2)),
        ] {
            assert_eq!(text.parse(), Ok(expected));
        }
        assert_eq!(version(36, 2).to_string(), "v1.36.2");
        assert!(version(36, 0) < version(36, 1) && version(35, 9) < version(36, 0));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for (text, reason) in [
            ("v1.36", "give v1.36.0"),
            ("1", "such as v1.36.2"),
            ("v2.0.0", "all v1"),
            ("v1.36.2.3", "such as"),
            ("v1.036.2", "such as"),
            ("v1.36.", "such as"),
            ("v1.36.2-", "such as"),
            ("v1.36.2-a b", "such as"),
            ("v1.36.99999999999", "such as"),
            ("latest", "such as"),
            ("vv1.36.2", "such as"),
        ] {
            let error = text.parse::<Version>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn labels_stand_for_the_newest_known_release() {
        for (text, expected) in [
            ("stable", Some(Version::NEWEST)),
            ("stable-1", Some(Version::NEWEST)),
            ("latest", Some(Version::NEWEST)),
            ("ci/latest", Some(Version::NEWEST)),
            ("ci/latest-1", Some(Version::NEWEST)),
            ("stable-1.36", Some(Version::NEWEST)),
            ("stable-1.28", Some(version(28, 0))),
            ("stable-2", None),
            ("stable-1.x", None),
            ("stable-1.", None),
            ("unstable", None),
        ] {
            assert_eq!(Version::from_label(text), expected, "{text}");
        }
    }
}
