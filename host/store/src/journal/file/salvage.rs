//! Splits a damaged segment into valid and invalid parts, and replaces the damage. Works on bytes in memory, for repair
//! only.

use std::ops::Range;

use handoff_model::time::Timestamp;

use crate::journal::frame;

use super::segment::{self, HEADER_BYTES, SegmentNumber};

/// A part of a segment, as a byte range of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A valid frame; the range of its payload.
    Frame(Range<usize>),
    /// Invalid bytes, and the reason.
    Bad(Range<usize>, &'static str),
}

/// Splits a segment into parts: after damage it continues at the next valid frame.
pub(crate) fn parts(bytes: &[u8], number: SegmentNumber) -> Vec<Part> {
    let mut parts = Vec::new();
    if segment::created_at(bytes, number).is_none() {
        parts.push(Part::Bad(0..HEADER_BYTES.min(bytes.len()), "its header is not that of this segment"));
    }
    let mut at = HEADER_BYTES;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match frame::read(rest) {
            Ok(found) => {
                parts.push(Part::Frame(at + frame::HEADER_BYTES..at + found.length));
                at += found.length;
            }
            Err(problem) => {
                let sound = |skip: &usize| rest.get(*skip..).is_some_and(|tail| is_frame(tail, at + skip));
                let to = (1..rest.len()).find(sound).map_or(bytes.len(), |skip| at + skip);
                parts.push(Part::Bad(at..to, problem));
                at = to;
            }
        }
    }
    parts
}

/// Checked before the checksum, which is slower: a frame never starts before the end that it calls durable.
fn is_frame(bytes: &[u8], place: usize) -> bool {
    let synced = frame::synced(bytes).and_then(|synced| usize::try_from(synced).ok());
    synced.is_some_and(|synced| synced <= place) && frame::read(bytes).is_ok()
}

/// Replaces the damage in a segment; data before and after it keeps its location. `nothing` is a frame without changes,
/// and may be followed by zeros. `now` is used if the header is lost. A damaged end that is too short for a frame is
/// cut off. None if the damage cannot be replaced.
pub(crate) fn bridge(
    bytes: &[u8],
    number: SegmentNumber,
    end: usize,
    nothing: &[u8],
    now: Timestamp,
) -> Option<Vec<u8>> {
    let created_at = segment::created_at(bytes, number).unwrap_or(now);
    let mut mended = segment::header(number, created_at).to_vec();
    let parts = parts(bytes, number);
    for part in parts.iter().filter(|part| !matches!(part, Part::Bad(bad, _) if bad.start == 0)) {
        match part {
            Part::Frame(payload) => {
                mended.extend_from_slice(bytes.get(payload.start.checked_sub(frame::HEADER_BYTES)?..payload.end)?);
            }
            Part::Bad(bad, _) => fill(&mut mended, bad.end, nothing, bad.end >= bytes.len())?,
        }
    }
    if mended.len() < end {
        fill(&mut mended, end, nothing, true)?;
    }
    Some(mended)
}

/// Adds frames without changes, up to an offset.
fn fill(mended: &mut Vec<u8>, to: usize, nothing: &[u8], is_end: bool) -> Option<()> {
    let least = frame::HEADER_BYTES + nothing.len();
    loop {
        let left = to.checked_sub(mended.len())?;
        if left == 0 || (is_end && left < least) {
            return Some(());
        }
        // Leaves room for one more frame if a single one would be too large.
        let one = if left > frame::PAYLOAD_BYTES_MAX { frame::PAYLOAD_BYTES_MAX - least } else { left };
        let mut payload = nothing.to_vec();
        payload.resize(one.checked_sub(frame::HEADER_BYTES).filter(|bytes| *bytes >= nothing.len())?, 0);
        frame::write(mended, &payload, u32::try_from(HEADER_BYTES).ok()?);
    }
}
