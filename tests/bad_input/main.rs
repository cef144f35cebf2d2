//! Bad and unusual input, answered knowingly: every case that was seen with kubeadm v1.36, with our
//! answer beside kubeadm's. `tests/fixtures/kubeadm/answers.md` shows them together.
#![allow(
    clippy::disallowed_methods,
    reason = "the bans are the program's; a test prepares files"
)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod arguments;
mod case;
mod kubeconfigs;
mod tree;
mod values;
