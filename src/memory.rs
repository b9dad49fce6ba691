//! What happens when there is no more memory: one line, no leftover files, exit code 2.

use std::alloc::{GlobalAlloc, Layout, System};

use aofkit::cli::out_of_memory;

/// The system's allocator. Where that has no memory, the process ends with a message; the standard library would abort
/// it.
struct OrExit;

#[global_allocator]
static ALLOCATOR: OrExit = OrExit;

/// What was allocated, if it was.
#[inline]
fn or_exit(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() {
        out_of_memory(Some(size));
    }
    pointer
}

// SAFETY: every method passes its arguments on to the method of the same name of `System`, whose contract is the same,
// and returns what that returned, or does not return. `out_of_memory` neither unwinds nor comes back.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for OrExit {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        or_exit(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        or_exit(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promised; what `alloc` and `alloc_zeroed` return is of `System`.
        or_exit(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised; what `alloc` and `alloc_zeroed` return is of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
