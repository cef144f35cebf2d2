//! The fuzz targets: one function each, of octets. Whatever they are, it must not panic, hang or take memory beyond the
//! target's bound; and what was understood must still be the same when it was written and read again.
//!
//! `tests/fuzz_corpus.rs` includes this file, so that the corpus is run by `cargo test` as well.

mod certificate;
mod inventory;
mod journal;
mod key;
mod kubeadm;
mod kubeconfig;
mod name;
mod pem;
mod request;

pub use journal::finished;

/// A target, and what it may take.
pub struct Target {
    /// The name of its program and of its corpus.
    pub name: &'static str,
    /// What it does with an input. It panics where something is wrong.
    pub run: fn(&[u8]),
    /// Octets of memory for each of the input.
    pub times: usize,
    /// Octets of memory for none.
    pub plus: usize,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "certificate",
        run: certificate::run,
        times: 64,
        plus: 64 * KIB,
    },
    Target {
        name: "inventory",
        run: inventory::run,
        // A map that an alias puts into itself is read a hundred times before it is refused.
        times: 1024,
        plus: MIB,
    },
    Target {
        name: "journal",
        run: journal::run,
        times: 64,
        // A file that is held against its digest is read into a buffer for the largest one.
        plus: 2 * MIB,
    },
    Target {
        name: "key",
        run: key::run,
        times: 64,
        plus: 64 * KIB,
    },
    Target {
        name: "kubeadm",
        run: kubeadm::run,
        times: 512,
        plus: 256 * KIB,
    },
    Target {
        name: "kubeconfig",
        run: kubeconfig::run,
        times: 512,
        plus: 256 * KIB,
    },
    Target {
        name: "pem",
        run: pem::run,
        times: 16,
        plus: 16 * KIB,
    },
    Target {
        name: "request",
        run: request::run,
        times: 64,
        plus: 64 * KIB,
    },
    Target {
        name: "subject",
        run: name::run,
        times: 256,
        plus: 16 * KIB,
    },
];
