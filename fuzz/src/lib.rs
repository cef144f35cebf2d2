//! What the fuzz targets share: the targets, which `tests/fuzz_corpus.rs` runs too, and the meter of memory.

mod memory;
pub mod targets;

#[global_allocator]
static METER: memory::Meter = memory::Meter;

/// Runs a target on an input, and holds it to its bound of memory.
///
/// # Panics
///
/// If the target finds something wrong, or takes more than it may.
pub fn checked(name: &str, bytes: &[u8]) {
    let target = targets::TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("every program has its target");
    let peak = memory::peak(|| (target.run)(bytes));
    let most = target.times * bytes.len() + target.plus;
    assert!(
        peak <= most,
        "{name} took {peak} octets of memory for {} of input, {most} are the most",
        bytes.len()
    );
}
