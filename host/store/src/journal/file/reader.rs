//! Reads frames: one at a known location, or all from a location on. Distinguishes a torn tail from damage.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::journal::{JournalError, Location, frame};

use super::mark;
use super::segment::{self, HEADER_BYTES, SegmentNumber, list_segments, remove_segment};

/// Segments that are kept open for reading.
const OPEN_MAX: usize = 8;
/// Bytes of the first read: most frames fit, so that one call is enough.
const GUESS_BYTES: usize = 4 << 10;

/// Reads single frames, and keeps recently read segments open.
pub(crate) struct FrameReader {
    dir: PathBuf,
    /// Least recently read first.
    open: Mutex<Vec<(SegmentNumber, Arc<File>)>>,
}

impl FrameReader {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, open: Mutex::default() }
    }

    /// The payload of the frame at `at`.
    pub(crate) fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        let path = || segment::path(&self.dir, at.segment);
        let file = self.file(at.segment)?;
        let offset = u64::from(at.offset);
        let damaged = |problem: &str| JournalError::Damaged { path: path(), offset, problem: problem.to_owned() };
        let mut bytes = vec![0; GUESS_BYTES];
        let found =
            read_up_to(&file, &mut bytes, offset).map_err(|source| JournalError::io("read", &path())(source))?;
        bytes.truncate(found);
        let Some(length) = bytes.first_chunk::<4>() else { return Err(damaged("it is cut off")) };
        let size = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if size > frame::PAYLOAD_BYTES_MAX {
            return Err(damaged("its length is impossible"));
        }
        bytes.resize(frame::HEADER_BYTES + size, 0);
        if let Some(rest) = bytes.get_mut(found..).filter(|rest| !rest.is_empty()) {
            let offset = offset + u64::try_from(found).unwrap_or(0);
            file.read_exact_at(rest, offset).map_err(|source| JournalError::io("read", &path())(source))?;
        }
        frame::read(&bytes).map_err(damaged)?;
        bytes.drain(..frame::HEADER_BYTES);
        Ok(bytes)
    }

    /// Closes a deleted segment: its disk space is freed only when the file is no longer open.
    pub(crate) fn forget(&self, number: SegmentNumber) {
        self.open.lock().retain(|(open, _)| *open != number);
    }

    fn file(&self, number: SegmentNumber) -> Result<Arc<File>, JournalError> {
        let mut open = self.open.lock();
        if let Some(place) = open.iter().position(|(other, _)| *other == number) {
            let found = open.remove(place);
            let file = found.1.clone();
            open.push(found);
            return Ok(file);
        }
        let path = segment::path(&self.dir, number);
        let file = Arc::new(File::open(&path).map_err(JournalError::io("open", &path))?);
        if open.len() == OPEN_MAX {
            open.remove(0);
        }
        open.push((number, file.clone()));
        Ok(file)
    }
}

/// Reads up to `bytes.len()` bytes, fewer at the end of the file.
fn read_up_to(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut found = 0;
    while let Some(rest) = bytes.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + u64::try_from(found).unwrap_or(0)) {
            Ok(0) => break,
            Ok(more) => found += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The point where a scan of a segment ended early.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) offset: u32,
    pub(crate) problem: &'static str,
    /// A later frame states that this location was durable.
    was_acknowledged: bool,
}

impl Damage {
    /// The error for people.
    pub(crate) fn error(&self, dir: &Path, number: SegmentNumber) -> JournalError {
        let path = segment::path(dir, number);
        JournalError::Damaged { path, offset: u64::from(self.offset), problem: self.problem.to_owned() }
    }
}

/// Calls `visit` for each valid frame of a segment from `from` on. Returns the end of the valid part, and the damage
/// after it, if any.
pub(crate) fn scan_segment<E: From<JournalError>>(
    dir: &Path,
    number: SegmentNumber,
    from: u32,
    mut visit: impl FnMut(Location, &[u8]) -> Result<(), E>,
) -> Result<(u32, Option<Damage>), E> {
    let path = segment::path(dir, number);
    let bytes = fs::read(&path).map_err(JournalError::io("read", &path))?;
    if segment::created_at(&bytes, number).is_none() {
        let problem = "its header is not that of this segment";
        return Ok((0, Some(Damage { offset: 0, problem, was_acknowledged: true })));
    }
    let mut offset = usize::try_from(from).unwrap_or(usize::MAX).max(HEADER_BYTES);
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let place = u32::try_from(offset).unwrap_or(u32::MAX);
        match frame::read(rest) {
            Ok(found) => {
                visit(Location { segment: number, offset: place }, found.payload)?;
                offset += found.length;
            }
            Err(problem) => {
                let was_acknowledged = was_acknowledged(rest, place);
                return Ok((place, Some(Damage { offset: place, problem, was_acknowledged })));
            }
        }
    }
    Ok((u32::try_from(offset).unwrap_or(u32::MAX), None))
}

/// True if a valid frame after the bad one at the start of `rest` states that the bad one was durable.
fn was_acknowledged(rest: &[u8], place: u32) -> bool {
    (1..rest.len()).any(|skip| {
        // Checked before the checksum, which is slower: a frame never starts before the end that it calls durable.
        let own = place.saturating_add(u32::try_from(skip).unwrap_or(u32::MAX));
        rest.get(skip..).is_some_and(|tail| {
            frame::synced(tail).is_some_and(|synced| synced > place && synced <= own) && frame::read(tail).is_ok()
        })
    })
}

/// Reads all frames from a location on.
pub(crate) struct Frames;

impl Frames {
    /// Visits every frame from `from` to the end of the journal. Returns the end of the journal, where the writer
    /// continues: a torn tail that was never acknowledged is left out. Damage before it is an error.
    pub(crate) fn replay<E: From<JournalError>>(
        dir: &Path,
        from: Option<Location>,
        mut visit: impl FnMut(Location, &[u8]) -> Result<(), E>,
    ) -> Result<Option<Location>, E> {
        let start = from.unwrap_or_default();
        let mut segments = list_segments(dir)?;
        segments.retain(|number| *number >= start.segment);
        // Without a start the journal must be complete: the content of dropped segments is only in an index.
        let first = from.map_or(1, |from| from.segment);
        if segments.first().map_or(from.is_some(), |found| *found != first) {
            return Err(gap(dir, first).into());
        }
        if let Some(from) = from {
            check_reaches(dir, from)?;
        }
        let acknowledged = mark::read(dir).filter(|mark| segments.first().is_none_or(|first| mark.segment >= *first));
        let mut end = None;
        let mut expected = None;
        let last = segments.last().copied();
        for number in segments {
            if expected.is_some_and(|expected| expected != number) {
                return Err(gap(dir, expected.unwrap_or(number)).into());
            }
            expected = Some(number + 1);
            let offset = if number == start.segment { start.offset } else { 0 };
            let (sound, damage) = scan_segment(dir, number, offset, &mut visit)?;
            match damage {
                None => end = Some(Location { segment: number, offset: sound }),
                // A crash during the creation of the segment: nothing in it was ever acknowledged.
                Some(_)
                    if Some(number) == last
                        && Some(number) != from.map(|from| from.segment)
                        && is_unfinished(dir, number)? =>
                {
                    remove_segment(dir, number)?;
                }
                Some(damage) if Some(number) == last && !damage.was_acknowledged && sound > 0 => {
                    end = Some(Location { segment: number, offset: sound });
                    let reaches = acknowledged.is_none_or(|mark| Some(mark) <= end);
                    if !reaches {
                        return Err(damage.error(dir, number).into());
                    }
                }
                Some(damage) => return Err(damage.error(dir, number).into()),
            }
        }
        check_mark(dir, acknowledged, end)?;
        Ok(end)
    }
}

/// Checks that the index is not ahead of the journal's end. It can only be if the disk lost synced data.
fn check_reaches(dir: &Path, from: Location) -> Result<(), JournalError> {
    let path = segment::path(dir, from.segment);
    let length = fs::metadata(&path).map_err(JournalError::io("inspect", &path))?.len();
    if length < u64::from(from.offset) {
        let problem = format!("the segment ends here, but the index knows it up to byte {}", from.offset);
        return Err(JournalError::Damaged { path, offset: length, problem });
    }
    Ok(())
}

/// Checks that the journal does not end before the mark. It can only do so if the disk lost synced data.
fn check_mark(dir: &Path, mark: Option<Location>, end: Option<Location>) -> Result<(), JournalError> {
    let Some(mark) = mark.filter(|mark| Some(*mark) > end) else { return Ok(()) };
    match end.filter(|end| end.segment == mark.segment) {
        Some(end) => {
            let problem = format!("the segment ends here, but was acknowledged up to byte {}", mark.offset);
            let path = segment::path(dir, mark.segment);
            Err(JournalError::Damaged { path, offset: u64::from(end.offset), problem })
        }
        None => Err(gap(dir, mark.segment)),
    }
}

fn is_unfinished(dir: &Path, number: SegmentNumber) -> Result<bool, JournalError> {
    let path = segment::path(dir, number);
    let length = fs::metadata(&path).map_err(JournalError::io("inspect", &path))?.len();
    Ok(length <= u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX))
}

fn gap(dir: &Path, number: SegmentNumber) -> JournalError {
    let path = segment::path(dir, number);
    JournalError::Damaged { path, offset: 0, problem: "the segment is missing".to_owned() }
}
