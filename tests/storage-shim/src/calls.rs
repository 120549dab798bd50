//! Redefinitions of the C library's calls by which Rust programs change files: each one calls the kernel directly,
//! records the result, and fails if a fault is set. The only unsafe code of the repository's own; it decides nothing
//! itself.
//!
//! All use the `*at` system calls, which every architecture has. A call for a watched file holds its watch's lock, so
//! that the record has the actual order.
#![expect(unsafe_code, reason = "definitions with C's calling convention, and raw system calls")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_uint, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libc::{AT_FDCWD, mode_t, off_t, size_t, ssize_t};

use crate::disk::Op;
use crate::faults::Room;
use crate::watch::{self, Shared};
use crate::{control, table};

#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[used]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    let variable = |name: &CStr| {
        // SAFETY: before `main` there is one thread, and the environment does not change.
        let value = unsafe { libc::getenv(name.as_ptr()) };
        // SAFETY: not null, and ends with a zero.
        (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
    };
    if let (Some(root), Some(file)) = (variable(c"HANDOFF_SHIM_ROOT"), variable(c"HANDOFF_SHIM_FAULTS")) {
        control::start(root, file);
    }
}

/// Ends the process at once, without any clean-up.
pub(crate) fn die() -> ! {
    // SAFETY: plain numbers; the signal cannot be caught.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::hint::spin_loop();
    }
}

fn fail(error: c_int) -> c_int {
    // SAFETY: the address of this thread's own variable.
    unsafe { *libc::__errno_location() = error };
    -1
}

fn int(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

fn size(result: c_long) -> ssize_t {
    ssize_t::try_from(result).unwrap_or(-1)
}

/// The watch of a path, which may be relative to an open folder, and the path relative to the watch's root.
unsafe fn watched(dir: c_int, path: *const c_char) -> Option<(u32, Arc<Shared>, PathBuf)> {
    if !watch::is_any() || path.is_null() {
        return None;
    }
    // SAFETY: callers pass a C string.
    let name = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    let path = if name.is_absolute() {
        name.to_path_buf()
    } else {
        let (number, id) = table::get(dir)?;
        watch::of_number(number)?.path_of(id)?.join(name)
    };
    let (number, shared) = watch::of_path(&path)?;
    control::refresh(&shared, read_control);
    let below = shared.below(&path);
    Some((number, shared, below))
}

/// The watch of a descriptor, and its file.
fn watched_fd(fd: c_int) -> Option<(Arc<Shared>, u32)> {
    let (number, id) = table::get(fd)?;
    let shared = watch::of_number(number)?;
    control::refresh(&shared, read_control);
    Some((shared, id))
}

fn read_control(path: &CStr) -> String {
    let mut bytes = [0_u8; 256];
    // SAFETY: a C string and a buffer of the given length.
    let read = unsafe {
        let fd = libc::syscall(libc::SYS_openat, AT_FDCWD, path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC, 0);
        let read = libc::syscall(libc::SYS_read, fd, bytes.as_mut_ptr(), bytes.len());
        libc::syscall(libc::SYS_close, fd);
        usize::try_from(read).unwrap_or(0)
    };
    String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned()
}

unsafe fn open_any(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, passed on.
    let real = || int(unsafe { libc::syscall(libc::SYS_openat, dir, path, flags, mode) });
    // SAFETY: as above.
    let Some((number, shared, below)) = (unsafe { watched(dir, path) }) else { return real() };
    let mut state = shared.state();
    let known = state.id(&below);
    let is_changing = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & libc::O_CREAT != 0;
    if known.is_none() && flags & libc::O_CREAT != 0 {
        if let Some(error) = state.faults.create(&below.to_string_lossy()) {
            return fail(error);
        }
    } else if is_changing && state.faults.read_only {
        return fail(libc::EROFS);
    }
    let fd = real();
    if fd < 0 {
        return fd;
    }
    let id = match known {
        Some(id) => {
            if flags & libc::O_TRUNC != 0 {
                state.note(Op::Truncate { id, bytes: 0 });
            }
            id
        }
        None if flags & libc::O_CREAT != 0 => state.created(below, false),
        None => return fd,
    };
    table::set(fd, number, id);
    fd
}

/// `open(2)`. The mode is read even if the caller passed none; the kernel ignores it then.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_any(AT_FDCWD, path, flags, mode) }
}

/// `open(2)` for large files.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_any(AT_FDCWD, path, flags | libc::O_LARGEFILE, mode) }
}

/// `openat(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_any(dir, path, flags, mode) }
}

/// `openat(2)` for large files.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_any(dir, path, flags | libc::O_LARGEFILE, mode) }
}

/// `close(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn close(fd: c_int) -> c_int {
    table::clear(fd);
    // SAFETY: passed on.
    int(unsafe { libc::syscall(libc::SYS_close, fd) })
}

/// Writes at `offset`, or at the descriptor's position.
unsafe fn write_any(fd: c_int, bytes: *const c_void, count: size_t, offset: Option<off_t>) -> ssize_t {
    // SAFETY: the caller's arguments, passed on, with a count that is no larger.
    let real = |count: size_t| {
        size(unsafe {
            match offset {
                Some(offset) => libc::syscall(libc::SYS_pwrite64, fd, bytes, count, offset),
                None => libc::syscall(libc::SYS_write, fd, bytes, count),
            }
        })
    };
    let Some((shared, id)) = watched_fd(fd) else { return real(count) };
    let mut state = shared.state();
    let name = state.name_of(id);
    let count = match state.faults.write(&name, count) {
        Room::Bytes(bytes) => bytes,
        Room::Fails(error) => return ssize_t::try_from(fail(error)).unwrap_or(-1),
    };
    let written = real(count);
    if let Ok(length) = usize::try_from(written) {
        // The position of the write: an appending descriptor moves to the end itself.
        // SAFETY: asks for a number.
        let stands = || unsafe { libc::syscall(libc::SYS_lseek, fd, 0, libc::SEEK_CUR) };
        let at = offset.map_or_else(
            || usize::try_from(stands()).unwrap_or(0).saturating_sub(length),
            |offset| usize::try_from(offset).unwrap_or(0),
        );
        // SAFETY: the kernel has just read this many bytes from there.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) }.to_vec();
        state.note(Op::Write { id, offset: at, bytes });
    }
    written
}

/// `write(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: passed on.
    unsafe { write_any(fd, bytes, count, None) }
}

/// `writev(2)`. For a watched file, writes the first non-empty piece: the caller repeats the call for the rest.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn writev(fd: c_int, pieces: *const libc::iovec, count: c_int) -> ssize_t {
    if table::get(fd).is_none() {
        // SAFETY: passed on.
        return size(unsafe { libc::syscall(libc::SYS_writev, fd, pieces, count) });
    }
    // SAFETY: the caller passes this many pieces.
    let pieces = unsafe { std::slice::from_raw_parts(pieces, usize::try_from(count).unwrap_or(0)) };
    match pieces.iter().find(|piece| piece.iov_len > 0) {
        // SAFETY: a piece from the caller.
        Some(piece) => unsafe { write_any(fd, piece.iov_base, piece.iov_len, None) },
        None => 0,
    }
}

/// `pwrite(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: passed on.
    unsafe { write_any(fd, bytes, count, Some(offset)) }
}

/// `pwrite(2)` for large files.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: passed on.
    unsafe { write_any(fd, bytes, count, Some(offset)) }
}

fn truncate_fd(fd: c_int, length: off_t) -> c_int {
    // SAFETY: plain numbers.
    let real = || int(unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) });
    let Some((shared, id)) = watched_fd(fd) else { return real() };
    let mut state = shared.state();
    let name = state.name_of(id);
    if let Some(error) = state.faults.change(&name) {
        return fail(error);
    }
    let done = real();
    if done == 0 {
        state.note(Op::Truncate { id, bytes: usize::try_from(length).unwrap_or(0) });
    }
    done
}

/// `ftruncate(2)`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    truncate_fd(fd, length)
}

/// `ftruncate(2)` for large files.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    truncate_fd(fd, length)
}

/// A sync of a watched file does not reach the real disk: the test's folder need not survive a power cut.
fn sync_any(fd: c_int, number: c_long) -> c_int {
    let Some((shared, id)) = watched_fd(fd) else {
        // SAFETY: plain numbers.
        return int(unsafe { libc::syscall(number, fd) });
    };
    shared.pass_gate();
    let mut state = shared.state();
    let name = state.name_of(id);
    if let Some(error) = state.faults.sync(&name) {
        state.note(Op::SyncFailed { id });
        return fail(error);
    }
    state.note(Op::Sync { id });
    0
}

/// `fsync(2)`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fsync(fd: c_int) -> c_int {
    sync_any(fd, libc::SYS_fsync)
}

/// `fdatasync(2)`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync_any(fd, libc::SYS_fdatasync)
}

/// `sync_file_range(2)`: starts writing, but leaves the file's length and the disk's cache as they are. No durability.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn sync_file_range(fd: c_int, offset: off_t, bytes: off_t, flags: c_uint) -> c_int {
    let Some((shared, id)) = watched_fd(fd) else {
        // SAFETY: plain numbers.
        return int(unsafe { libc::syscall(libc::SYS_sync_file_range, fd, offset, bytes, flags) });
    };
    let mut state = shared.state();
    let name = state.name_of(id);
    state.faults.sync(&name).map_or(0, fail)
}

unsafe fn rename_any(from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char, flags: c_uint) -> c_int {
    // SAFETY: the caller's arguments, passed on.
    let real = || int(unsafe { libc::syscall(libc::SYS_renameat2, from_dir, from, to_dir, to, flags) });
    // SAFETY: as above.
    let Some((_, shared, below)) = (unsafe { watched(from_dir, from) }) else { return real() };
    // SAFETY: as above.
    let Some((_, _, target)) = (unsafe { watched(to_dir, to) }) else { return fail(libc::EXDEV) };
    let mut state = shared.state();
    if let Some(error) = state.faults.change(&target.to_string_lossy()) {
        return fail(error);
    }
    let done = real();
    if done == 0 {
        state.renamed(&below, &target);
    }
    done
}

/// `rename(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { rename_any(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

/// `renameat(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn renameat(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
) -> c_int {
    // SAFETY: passed on.
    unsafe { rename_any(from_dir, from, to_dir, to, 0) }
}

unsafe fn unlink_any(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's arguments, passed on.
    let real = || int(unsafe { libc::syscall(libc::SYS_unlinkat, dir, path, flags) });
    // SAFETY: as above.
    let Some((_, shared, below)) = (unsafe { watched(dir, path) }) else { return real() };
    let mut state = shared.state();
    if let Some(error) = state.faults.change(&below.to_string_lossy()) {
        return fail(error);
    }
    let done = real();
    if done == 0 {
        state.unlinked(&below);
    }
    done
}

/// `unlink(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { unlink_any(AT_FDCWD, path, 0) }
}

/// `unlinkat(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { unlink_any(dir, path, flags) }
}

/// `rmdir(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { unlink_any(AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

unsafe fn make_folder(dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, passed on.
    let real = || int(unsafe { libc::syscall(libc::SYS_mkdirat, dir, path, mode) });
    // SAFETY: as above.
    let Some((_, shared, below)) = (unsafe { watched(dir, path) }) else { return real() };
    let mut state = shared.state();
    if state.id(&below).is_none()
        && let Some(error) = state.faults.create(&below.to_string_lossy())
    {
        return fail(error);
    }
    let done = real();
    if done == 0 {
        state.created(below, true);
    }
    done
}

/// `mkdir(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { make_folder(AT_FDCWD, path, mode) }
}

/// `mkdirat(2)`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn mkdirat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { make_folder(dir, path, mode) }
}

/// `link(2)` and similar calls are not supported: a watched program must not use them.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn linkat(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: passed on.
    unsafe {
        if watched(to_dir, to).is_some() {
            return fail(libc::EOPNOTSUPP);
        }
        int(libc::syscall(libc::SYS_linkat, from_dir, from, to_dir, to, flags))
    }
}
