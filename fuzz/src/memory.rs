//! Counts what is allocated. libFuzzer's own limit of a single allocation works under a sanitizer alone, which stable Rust
//! has not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// What this thread holds, and the most it held since it was last asked.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, counted.
pub(crate) struct Meter;

fn count(change: impl FnOnce(usize) -> usize) {
    // At the end of a thread nothing is counted any more.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = change(now);
        held.set((now, most.max(now)));
    });
}

// SAFETY: every call goes on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|held| held.saturating_add(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|held| held.saturating_add(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(|held| held.saturating_sub(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there for a moment, but where they are large the system moves pages.
        count(|held| held.saturating_sub(layout.size()).saturating_add(size));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most that was held at a time while `run` ran, beyond what was held before.
pub(crate) fn peak(run: impl FnOnce()) -> usize {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    run();
    HELD.with(Cell::get).1.saturating_sub(before)
}
