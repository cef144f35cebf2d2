//! Users and groups by name or number, for `--owner` and `--group`.

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgroups};

use crate::location::Owner;

/// The owner that the names or numbers mean, checked: this process must be able to give files to
/// them.
pub fn resolve_owner(user: Option<&str>, group: Option<&str>) -> Result<Owner> {
    let owner = Owner {
        user: user.map(self::user).transpose()?,
        group: group.map(self::group).transpose()?,
    };
    match barred(owner)? {
        None => Ok(owner),
        Some(Barred { why, flag }) => bail!("{why}: run as root, or leave out {flag}"),
    }
}

/// Why this process may not give files to somebody.
pub(super) struct Barred {
    pub why: String,
    /// The flag that would have asked for it.
    flag: &'static str,
}

/// Whether this process may give files to `owner`.
pub(super) fn barred(owner: Owner) -> Result<Option<Barred>> {
    if geteuid().is_root() {
        return Ok(None);
    }
    let barred = |why, flag| Ok(Some(Barred { why, flag }));
    if let Some(user) = owner.user
        && user != geteuid().as_raw()
    {
        return barred(
            format!("only root can give files to user {user}"),
            "--owner",
        );
    }
    if let Some(group) = owner.group
        && group != getegid().as_raw()
        && !getgroups()
            .context("read this process's groups")?
            .contains(&Gid::from_raw(group))
    {
        return barred(
            format!("only root or a member can give files to group {group}"),
            "--group",
        );
    }
    Ok(None)
}

fn user(text: &str) -> Result<u32> {
    let found = User::from_name(text)
        .with_context(|| format!("--owner {text}: read the users of this machine"))?;
    match found.map(|user| user.uid.as_raw()).or_else(|| number(text)) {
        Some(user) => Ok(user),
        None => {
            bail!("--owner {text:?}: no such user on this machine: give a user's name or number")
        }
    }
}

fn group(text: &str) -> Result<u32> {
    let found = Group::from_name(text)
        .with_context(|| format!("--group {text}: read the groups of this machine"))?;
    match found
        .map(|group| group.gid.as_raw())
        .or_else(|| number(text))
    {
        Some(group) => Ok(group),
        None => {
            bail!("--group {text:?}: no such group on this machine: give a group's name or number")
        }
    }
}

/// Digits alone. The largest number means "as it is" to chown(2), so it names nobody.
fn number(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number != u32::MAX)
}

/// Root, who owns everything anyway, the user that this process acts as, and the one whom it gives
/// files to.
pub fn trusted_users(owner: Owner) -> Vec<u32> {
    let mut users = vec![0, effective_user()];
    users.extend(owner.user);
    users
}

/// The user that this process acts as.
pub(super) fn effective_user() -> u32 {
    Uid::effective().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_a_group_are_found_by_name() {
        assert_eq!(user("root").unwrap(), 0);
        assert_eq!(group("root").unwrap(), 0);
    }

    #[test]
    fn a_number_needs_no_entry_in_the_user_database() {
        assert_eq!(user("4123456").unwrap(), 4_123_456);
        assert_eq!(group("0").unwrap(), 0);
    }

    #[test]
    fn what_is_neither_a_name_nor_a_number_is_told_with_its_flag() {
        for text in [
            "nobody-of-this-name",
            "",
            "-1",
            "+1",
            "4294967295",
            "4294967296",
            "1.5",
            "a\0b",
        ] {
            let error = user(text).unwrap_err().to_string();
            assert!(
                error.starts_with("--owner ") && error.contains("name or number"),
                "{error}"
            );
            let error = group(text).unwrap_err().to_string();
            assert!(
                error.starts_with("--group ") && error.contains("name or number"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_owner_is_what_was_asked_for_and_no_more() {
        let owner = resolve_owner(None, None).unwrap();
        assert_eq!(owner, Owner::default());
        let own = effective_user();
        let owner = resolve_owner(Some(&own.to_string()), None).unwrap();
        assert_eq!(
            owner,
            Owner {
                user: Some(own),
                group: None
            }
        );
    }
}
