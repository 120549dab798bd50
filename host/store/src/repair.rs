//! Repair of a damaged journal while no host runs: says what is lost, and bridges it if a person accepts that.
//!
//! Never guesses content, and keeps a copy of each file that it changes. Knows nothing of the index: what it holds of a
//! lost record stays, if it was in a checkpoint.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::changes::{Change, Frame};
use super::journal::{self, Location, Part, SegmentNumber, list_segments, segment_path};
use super::{StoreError, StoreOptions, files, open};

/// One damaged part of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The segment file.
    pub path: PathBuf,
    /// Where the damage begins.
    pub byte: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What is wrong.
    pub problem: String,
    /// The highest position in the same file before it. Events after this one and before the next are lost, and with them
    /// what was decided at that time about earlier ones, which may therefore be delivered again.
    pub after_position: Option<u64>,
    /// The lowest position in the same file after it.
    pub before_position: Option<u64>,
}

/// Looks for damage in the journal. With `accept`, each damaged part is bridged by a record that says nothing, so that the
/// host starts without it; a copy of the file is kept in the data folder's folder `damaged`. A tail that was never
/// acknowledged is no damage. Fails if a host works on the folder.
pub fn repair(options: &StoreOptions, accept: bool) -> Result<Vec<Loss>, StoreError> {
    let _lock = open::lock(&options.dir)?;
    let dir = open::journal_dir(options);
    let known = list_segments(&dir)?;
    let mark = journal::mark(&dir);
    let marked = mark.map(|mark| mark.segment);
    let (Some(first), Some(last)) = (known.first().copied().or(marked), known.last().copied().max(marked)) else {
        return Ok(Vec::new());
    };
    let mut losses = Vec::new();
    for number in first..=last {
        let path = segment_path(&dir, number);
        let io = |source| StoreError::Io { action: "repair", path: path.clone(), source };
        let bytes = if known.contains(&number) { Some(fs::read(&path).map_err(io)?) } else { None };
        let own_mark = mark.filter(|mark| mark.segment == number).map(|mark| mark.offset);
        let acknowledged = usize::try_from(own_mark.unwrap_or(0)).unwrap_or(usize::MAX);
        let found = losses_of(&path, bytes.as_deref(), number, acknowledged, number == last);
        if accept && !found.is_empty() {
            let bytes = bytes.unwrap_or_default();
            keep_copy(options, &path, &bytes).map_err(io)?;
            let nothing = Frame { changes: Vec::new() }.encode();
            let no_way = || io(std::io::Error::other("the damage is too small for a record: restore a backup"));
            let mended = journal::bridge(&bytes, number, acknowledged, &nothing).ok_or_else(no_way)?;
            files::replace(&path, |file| file.write_all(&mended)).map_err(io)?;
        }
        losses.extend(found);
    }
    if accept && !losses.is_empty() {
        journal::forget_mark(&dir)?;
    }
    Ok(losses)
}

fn losses_of(
    path: &Path,
    bytes: Option<&[u8]>,
    number: SegmentNumber,
    acknowledged: usize,
    is_last: bool,
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
    let parts = journal::parts(bytes, number);
    let positions = |payload: &std::ops::Range<usize>| positions(bytes.get(payload.clone()).unwrap_or_default());
    let mut losses = Vec::new();
    let mut end = bytes.len();
    for (index, part) in parts.iter().enumerate() {
        let Part::Bad(bad, problem) = part else { continue };
        // Of the last batch before a crash, which nobody was told of.
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

/// The lowest and highest position of the events in a frame.
fn positions(payload: &[u8]) -> Option<(u64, u64)> {
    let frame = Frame::decode(payload, Location::default()).ok()?;
    // What is carried forward is of any time.
    let all = frame.changes.iter().flat_map(Change::queued_events).map(|event| event.position.0);
    Some((all.clone().min()?, all.max()?))
}

fn keep_copy(options: &StoreOptions, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = options.dir.join("damaged");
    files::create_folder(&folder)?;
    let name = path.file_name().unwrap_or_default();
    let free = (0..).map(|number: u32| folder.join(format!("{}.{number}", name.display())));
    for copy in free {
        if !copy.exists() {
            return files::replace(&copy, |file| file.write_all(bytes));
        }
    }
    Ok(())
}
