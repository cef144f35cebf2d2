//! What can usually be done about an error of the system.

use nix::errno::Errno;

/// The usual way out of an error, as the end of a sentence.
pub(super) fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EACCES | Errno::EPERM => ": check its permissions and attributes, or run as root",
        Errno::EBUSY => ": it is mounted on its own, so change what is mounted there",
        Errno::EDQUOT | Errno::ENOSPC => ": make room and run again",
        Errno::EEXIST => ": it has appeared meanwhile, run again",
        Errno::EISDIR | Errno::ENOTEMPTY => ": move that directory away and run again",
        Errno::EROFS => ": choose another directory",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_have_a_usual_way_out_name_it() {
        for (errno, words) in [
            (Errno::EACCES, "or run as root"),
            (Errno::EPERM, "or run as root"),
            (Errno::EBUSY, "mounted on its own"),
            (Errno::EDQUOT, "make room"),
            (Errno::ENOSPC, "make room"),
            (Errno::EEXIST, "appeared meanwhile"),
            (Errno::EISDIR, "move that directory away"),
            (Errno::ENOTEMPTY, "move that directory away"),
            (Errno::EROFS, "choose another directory"),
        ] {
            assert!(advice(errno).contains(words), "{errno}");
        }
        assert_eq!(advice(Errno::EIO), "");
    }
}
