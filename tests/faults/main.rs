//! Nothing lost: whatever befalls a run at whatever file operation, the tree is the old one or the
//! new one, nobody else could read a key, and nothing is left behind. The faults come from outside,
//! by strace; the program knows of none.
//!
//! Needs root, to mount file systems and to become somebody else. `FAULTS=all` tries every error at
//! every operation, where otherwise equivalent ones are sampled.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

#[path = "../common/mod.rs"]
mod common;
mod ground;
mod handed;
mod hostile;
mod kills;
mod mounts;
mod odd;
mod point;
mod refusals;
mod renewals;
mod rotations;
mod stages;
mod sweep;
mod together;
mod undo;
