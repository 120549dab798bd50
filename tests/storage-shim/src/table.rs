//! Maps file descriptors to files of watches. It takes no lock: calls for other files must cost nothing, and a forked
//! child must never wait.

use std::sync::atomic::{AtomicU64, Ordering};

/// Higher descriptors are not watched.
const FDS_MAX: usize = 1 << 16;

static FDS: [AtomicU64; FDS_MAX] = [const { AtomicU64::new(0) }; FDS_MAX];

fn slot(fd: i32) -> Option<&'static AtomicU64> {
    FDS.get(usize::try_from(fd).ok()?)
}

/// Records that `fd` is file `id` of watch number `watch`.
pub(crate) fn set(fd: i32, watch: u32, id: u32) {
    if let Some(slot) = slot(fd) {
        slot.store(u64::from(watch + 1) << 32 | u64::from(id), Ordering::SeqCst);
    }
}

/// The watch and file of a descriptor.
pub(crate) fn get(fd: i32) -> Option<(u32, u32)> {
    let value = slot(fd)?.load(Ordering::SeqCst);
    let watch = u32::try_from(value >> 32).ok()?.checked_sub(1)?;
    Some((watch, u32::try_from(value & u64::from(u32::MAX)).ok()?))
}

/// Removes a descriptor that is about to be closed.
pub(crate) fn clear(fd: i32) {
    if let Some(slot) = slot(fd) {
        slot.store(0, Ordering::SeqCst);
    }
}
