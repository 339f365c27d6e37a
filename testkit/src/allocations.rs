//! Counts what a thread allocates, and what is allocated.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, counting for each thread how often it was asked for memory, and for
/// all of them how much they have. A test binary makes it its own with `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// What `work` returns, and how often this thread allocated meanwhile. Zero in a binary that has
/// not made [`CountingAllocator`] its own.
pub fn allocations_in<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = ALLOCATIONS.get();
    let result = work();
    (result, ALLOCATIONS.get() - before)
}

/// Bytes that are allocated now, by all threads. Zero where [`allocations_in`] says zero.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(Ordering::Relaxed)
}

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    LIVE_BYTES.fetch_add(bytes, Ordering::Relaxed);
    // A thread that ends may free and allocate when its own variables are gone already.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator as it is; counting neither
// allocates nor panics.
#[expect(
    unsafe_code,
    reason = "allocations can only be counted by an allocator"
)]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, bytes) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
