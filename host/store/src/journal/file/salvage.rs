//! What is sound in a damaged segment and what is not, and how to bridge it. Works on bytes in memory, for repair alone.

use std::ops::Range;

use handoff_model::time::Timestamp;

use crate::journal::frame;

use super::segment::{self, HEADER_BYTES, SegmentNumber};

/// A part of a segment, as bytes of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A sound frame; where its payload is.
    Frame(Range<usize>),
    /// Not to be trusted, and why.
    Bad(Range<usize>, &'static str),
}

/// Takes a segment apart: after damage it goes on at the next sound frame.
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

/// Looked at before the checksum, which costs: no frame is written before what it calls durable.
fn is_frame(bytes: &[u8], place: usize) -> bool {
    let synced = frame::synced(bytes).and_then(|synced| usize::try_from(synced).ok());
    synced.is_some_and(|synced| synced <= place) && frame::read(bytes).is_ok()
}

/// The segment with its damage bridged: what is before and after it stays where it is. `nothing` is a frame that changes
/// nothing, and may be followed by zeros. `now` is for a header that is lost. A damaged end too short for a frame is cut off. None if there is no way.
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

/// Adds frames that say nothing, up to a place.
fn fill(mended: &mut Vec<u8>, to: usize, nothing: &[u8], is_end: bool) -> Option<()> {
    let least = frame::HEADER_BYTES + nothing.len();
    loop {
        let left = to.checked_sub(mended.len())?;
        if left == 0 || (is_end && left < least) {
            return Some(());
        }
        // Leaves room for one more frame where one alone would be too large.
        let one = if left > frame::PAYLOAD_BYTES_MAX { frame::PAYLOAD_BYTES_MAX - least } else { left };
        let mut payload = nothing.to_vec();
        payload.resize(one.checked_sub(frame::HEADER_BYTES).filter(|bytes| *bytes >= nothing.len())?, 0);
        frame::write(mended, &payload, u32::try_from(HEADER_BYTES).ok()?);
    }
}
