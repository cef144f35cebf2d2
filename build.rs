//! Leaves the tables for unwinding out of the program that is shipped, a tenth of it: a panic there aborts, and of stripped
//! code a backtrace names nothing. The linker does it, since the compiler refuses `-C force-unwind-tables=no` wherever a
//! panic unwinds, as it does in tests and in build scripts, and cargo's flags go to these as well.
#![allow(
    clippy::disallowed_macros,
    reason = "cargo is told so; the ban is the program's"
)]

fn main() {
    let told = |name| std::env::var(name).unwrap_or_default();
    let released = told("PROFILE") == "release";
    // Without libgcc_s.so the unwinder is in the program: it aborts where it has no tables of its own, and anyhow has it walk
    // the stack at each error if RUST_BACKTRACE is set.
    let unwinder_inside = told("CARGO_CFG_TARGET_FEATURE")
        .split(',')
        .any(|feature| feature == "crt-static");
    // GNU ld and LLVM's lld, which rustc takes by itself, read the script; gold and mold refuse it.
    let own_linker = told("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if released && !unwinder_inside && !own_linker {
        let here = told("CARGO_MANIFEST_DIR");
        println!("cargo::rustc-link-arg-bin=certs=-T{here}/no-unwinding.ld");
    }
    println!("cargo::rerun-if-changed=no-unwinding.ld");
    println!("cargo::rerun-if-changed=build.rs");
}
