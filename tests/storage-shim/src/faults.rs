//! Which calls fail, and how. It only decides; `calls` asks it before each call.

/// Faults of the disk. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Only files whose path in the folder contains this; all if empty.
    pub only: String,
    /// Free bytes. A write that does not fit is shortened, the next one fails with `ENOSPC`.
    pub room: Option<u64>,
    /// Every change fails with `EROFS`.
    pub read_only: bool,
    /// This many syncs succeed, then one fails with `EIO`, then all succeed again, as on Linux: the kernel forgets.
    pub failing_sync: Option<u64>,
    /// This many changes succeed, then one fails with `EIO`.
    pub failing_call: Option<u64>,
    /// This many changes and syncs succeed, then the process is killed before the next, as by `kill -9`.
    pub dying_call: Option<u64>,
    /// Maximum size of a write.
    pub write_bytes_max: Option<usize>,
}

/// What a write may do.
pub(crate) enum Room {
    /// Write at most this many bytes.
    Bytes(usize),
    /// Fail with this error number.
    Fails(i32),
}

impl Faults {
    fn concerns(&self, path: &str) -> bool {
        self.only.is_empty() || path.contains(&self.only)
    }

    fn die_in_time(&mut self) {
        if fails_now(&mut self.dying_call) {
            crate::calls::die();
        }
    }

    /// Before any change except a sync: the error number, if it fails.
    pub(crate) fn change(&mut self, path: &str) -> Option<i32> {
        if !self.concerns(path) {
            return None;
        }
        self.die_in_time();
        if self.read_only {
            return Some(libc::EROFS);
        }
        fails_now(&mut self.failing_call).then_some(libc::EIO)
    }

    pub(crate) fn create(&mut self, path: &str) -> Option<i32> {
        let is_full = self.concerns(path) && self.room == Some(0);
        self.change(path).or_else(|| is_full.then_some(libc::ENOSPC))
    }

    pub(crate) fn write(&mut self, path: &str, wanted: usize) -> Room {
        if let Some(error) = self.change(path) {
            return Room::Fails(error);
        }
        let mut bytes = wanted;
        if self.concerns(path) {
            bytes = bytes.min(self.write_bytes_max.unwrap_or(usize::MAX));
            if let Some(room) = &mut self.room {
                bytes = bytes.min(usize::try_from(*room).unwrap_or(usize::MAX));
                *room -= u64::try_from(bytes).unwrap_or(0);
                if bytes == 0 && wanted > 0 {
                    return Room::Fails(libc::ENOSPC);
                }
            }
        }
        Room::Bytes(bytes)
    }

    pub(crate) fn sync(&mut self, path: &str) -> Option<i32> {
        if !self.concerns(path) {
            return None;
        }
        self.die_in_time();
        let fails = fails_now(&mut self.failing_sync) || fails_now(&mut self.failing_call);
        fails.then_some(libc::EIO)
    }
}

/// Counts down; true once, when it has reached zero.
fn fails_now(left: &mut Option<u64>) -> bool {
    match left {
        Some(0) => {
            *left = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}
