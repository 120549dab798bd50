//! The heap of a connector's component: dlmalloc, as in the standard library, which first uses memory that already
//! exists. Only for wasm32, where it is the global allocator.
//!
//! A call has its own instance, and each growth of its memory is a system call that stops the host's other threads for
//! a moment. The standard library's heap begins with a growth, grows in the smallest steps, and leaves the memory
//! between the program's data and the end of its first memory unused.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::{addr_of, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// Bytes of a page of WebAssembly memory (WebAssembly Core Specification, 4.2.8).
const PAGE_BYTES: usize = 64 << 10;
/// Minimum growth of memory, in pages.
const GROW_PAGES: usize = 16;

unsafe extern "C" {
    /// The end of the program's own data; the linker defines it.
    static __heap_base: u8;
}

/// Memory in large pieces: first the space behind the program's data, then what the host grants.
struct Pages {
    is_first: AtomicBool,
}

// SAFETY: each piece of memory is returned once, because growth returns new pages and the first piece is guarded by a
// flag.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if self.is_first.swap(false, Ordering::Relaxed) {
            let start = (addr_of!(__heap_base) as usize).next_multiple_of(16);
            let room = (core::arch::wasm32::memory_size(0) * PAGE_BYTES).saturating_sub(start);
            if room >= size {
                return (start as *mut u8, room, 0);
            }
        }
        let pages = size.div_ceil(PAGE_BYTES);
        // A larger growth is only an optimization: close to its limit a connector still gets what it needs.
        for pages in [pages.max(GROW_PAGES), pages] {
            let before = core::arch::wasm32::memory_grow(0, pages);
            if before != usize::MAX {
                return ((before * PAGE_BYTES) as *mut u8, pages * PAGE_BYTES, 0);
            }
        }
        (null_mut(), 0, 0)
    }

    fn remap(&self, _ptr: *mut u8, _old: usize, _new: usize, _can_move: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _ptr: *mut u8, _old: usize, _new: usize) -> bool {
        false
    }

    fn free(&self, _ptr: *mut u8, _size: usize) -> bool {
        false
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: connectors have one thread; the contract has no way to start another.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { is_first: AtomicBool::new(true) })));

// SAFETY: dlmalloc satisfies `GlobalAlloc`; the cell is never borrowed twice, because nothing here calls back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above; the caller guarantees size and alignment.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from here.
        unsafe { (*self.0.get()).free(ptr, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above; the pointer came from here.
        unsafe { (*self.0.get()).realloc(ptr, layout.size(), layout.align(), new_size) }
    }
}
