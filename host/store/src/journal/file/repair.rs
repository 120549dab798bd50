//! Repairs damaged segments while no host runs: reports the losses, and replaces the damage if a person accepts them.
//!
//! Never guesses content, and keeps a copy of each file that it changes. Knows nothing of the index: the effects of a
//! lost frame stay in the index if a checkpoint included them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use handoff_model::time::Timestamp;

use crate::files;
use crate::journal::{FrameMeaning, JournalError, Loss};

use super::mark;
use super::salvage::{Part, bridge, parts};
use super::segment::{SegmentNumber, list_segments, path as segment_path};

/// Checks the segments of a folder for damage. With `accept`, replaces each damaged part with empty frames, so that the
/// host can start without it; a copy of the file is kept in the folder `copies`. A tail that was never acknowledged is
/// not damage.
pub(super) fn repair(
    dir: &Path,
    copies: &Path,
    accept: bool,
    meaning: &FrameMeaning<'_>,
    now: Timestamp,
) -> Result<Vec<Loss>, JournalError> {
    let known = list_segments(dir)?;
    let mark = mark::read(dir);
    let marked = mark.map(|mark| mark.segment);
    let (Some(first), Some(last)) = (known.first().copied().or(marked), known.last().copied().max(marked)) else {
        return Ok(Vec::new());
    };
    let mut losses = Vec::new();
    for number in first..=last {
        let path = segment_path(dir, number);
        let io = JournalError::io("repair", &path);
        let read = known.contains(&number).then(|| fs::read(&path)).transpose();
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return Err(io(error)),
        };
        let own_mark = mark.filter(|mark| mark.segment == number).map(|mark| mark.offset);
        let acknowledged = usize::try_from(own_mark.unwrap_or(0)).unwrap_or(usize::MAX);
        let found = losses_of(&path, bytes.as_deref(), number, acknowledged, number == last, meaning);
        if accept && !found.is_empty() {
            let bytes = bytes.unwrap_or_default();
            let no_way = || std::io::Error::other("the damage is too small for a frame: restore a backup");
            let mended = bridge(&bytes, number, acknowledged, meaning.empty, now).ok_or_else(no_way);
            keep_copy(copies, &path, &bytes)
                .and(mended)
                .and_then(|mended| files::replace(&path, |file| file.write_all(&mended)))
                .map_err(io)?;
        }
        losses.extend(found);
    }
    if accept && !losses.is_empty() {
        mark::forget(dir)?;
    }
    Ok(losses)
}

fn losses_of(
    path: &Path,
    bytes: Option<&[u8]>,
    number: SegmentNumber,
    acknowledged: usize,
    is_last: bool,
    meaning: &FrameMeaning<'_>,
) -> Vec<Loss> {
    let loss = |from: usize, to: usize, problem: &str| Loss {
        path: path.to_path_buf(),
        byte: u64::try_from(from).unwrap_or(u64::MAX),
        bytes: u64::try_from(to.saturating_sub(from)).unwrap_or(u64::MAX),
        problem: problem.to_owned(),
        after_position: None,
        before_position: None,
    };
    let Some(bytes) = bytes else { return vec![loss(0, acknowledged, "the segment is missing")] };
    let parts = parts(bytes, number);
    let positions =
        |payload: &std::ops::Range<usize>| (meaning.positions)(bytes.get(payload.clone()).unwrap_or_default());
    let mut losses = Vec::new();
    let mut end = bytes.len();
    for (index, part) in parts.iter().enumerate() {
        let Part::Bad(bad, problem) = part else { continue };
        // Part of the last batch before a crash, which was never acknowledged.
        if is_last && bad.end == bytes.len() && bad.start >= acknowledged {
            end = bad.start;
            continue;
        }
        let frames = |part: &Part| if let Part::Frame(payload) = part { positions(payload) } else { None };
        losses.push(Loss {
            after_position: parts.iter().take(index).filter_map(frames).map(|(_, highest)| highest).max(),
            before_position: parts.iter().skip(index).filter_map(frames).map(|(lowest, _)| lowest).min(),
            ..loss(bad.start, bad.end, problem)
        });
    }
    if end < acknowledged {
        let missing = loss(end, acknowledged, "the segment ends before what was acknowledged");
        match losses.last_mut().filter(|last| last.byte + last.bytes == missing.byte) {
            Some(last) => last.bytes += missing.bytes,
            None => losses.push(missing),
        }
    }
    losses
}

fn keep_copy(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    files::create_folder(folder)?;
    let name = path.file_name().unwrap_or_default();
    let free = (0..).map(|number: u32| folder.join(format!("{}.{number}", name.display())));
    for copy in free {
        if !copy.exists() {
            return files::replace(&copy, |file| file.write_all(bytes));
        }
    }
    Ok(())
}
