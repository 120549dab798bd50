//! Log lines of connectors, read from the journal: a recording holds its delivery's lines. Keeps no index of them.

use std::ops::ControlFlow;

use crate::changes::{Change, Frame, FrameKind, Recording};
use crate::journal::Location;
use crate::{Shared, Store, StoreError};
use handoff_model::effects::{LogLevel, LogLine};
use handoff_model::failure::Failure;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

/// Segments that one read without a cursor, or one page, covers: bounds the cost for an installation with few lines.
const SEGMENTS_MAX: usize = 8;

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LoggedLine {
    /// When its delivery ended.
    pub at: Timestamp,
    /// The installation.
    pub installation: InstallationId,
    /// The entry that was being handled.
    pub position: Position,
    /// The generation that ran.
    pub generation: Generation,
    /// The line.
    pub line: LogLine,
}

/// Lines of the log, oldest first.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// The lines. Those of one delivery stay together, so there may be some more than requested.
    pub lines: Vec<LoggedLine>,
    /// Where to continue.
    pub next: (u64, u32),
    /// The requested location no longer exists: lines may be missing before the first one.
    pub missed: bool,
}

impl Store {
    /// The current end of the log: later lines are after this location.
    #[must_use]
    pub fn log_end(&self) -> (u64, u32) {
        let durable = *self.shared.durable.lock();
        (durable.segment, durable.offset)
    }

    /// Log lines from a location on; without a location, the last lines of the newest segments.
    pub fn logs(
        &self,
        from: Option<(u64, u32)>,
        installation: Option<InstallationId>,
        least: LogLevel,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let durable = *self.shared.durable.lock();
        let mut segments: Vec<u64> = self.shared.journal.segments()?.iter().map(|segment| segment.number).collect();
        segments.retain(|number| *number <= durable.segment);
        let reader = LogReader { shared: &self.shared, durable, installation, least };
        match from {
            Some((segment, offset)) => {
                let missed = segments.first().is_some_and(|first| segment < *first);
                segments.retain(|number| *number >= segment);
                reader.forward(&segments, Location { segment, offset }, limit, missed)
            }
            None => reader.newest(&segments, limit),
        }
    }
}

/// One read of the log.
struct LogReader<'s> {
    shared: &'s Shared,
    durable: Location,
    installation: Option<InstallationId>,
    least: LogLevel,
}

impl LogReader<'_> {
    fn forward(&self, segments: &[u64], from: Location, limit: usize, missed: bool) -> Result<LogPage, StoreError> {
        let (mut lines, mut next) = (Vec::new(), from);
        for number in segments.iter().take(SEGMENTS_MAX) {
            let offset = if *number == from.segment { from.offset } else { 0 };
            next = self.segment(Location { segment: *number, offset }, limit, &mut lines)?;
            if lines.len() >= limit {
                return Ok(LogPage { lines, next: (next.segment, next.offset), missed });
            }
        }
        // Read to the end: the next read starts after everything that is durable.
        if segments.len() <= SEGMENTS_MAX {
            next = next.max(self.durable);
        }
        Ok(LogPage { lines, next: (next.segment, next.offset), missed })
    }

    fn newest(&self, segments: &[u64], limit: usize) -> Result<LogPage, StoreError> {
        let mut found: Vec<LoggedLine> = Vec::new();
        for number in segments.iter().rev().take(SEGMENTS_MAX) {
            let mut lines = Vec::new();
            self.segment(Location { segment: *number, offset: 0 }, usize::MAX, &mut lines)?;
            lines.append(&mut found);
            found = lines;
            if found.len() >= limit {
                break;
            }
        }
        found.drain(..found.len().saturating_sub(limit));
        Ok(LogPage { lines: found, next: (self.durable.segment, self.durable.offset), missed: false })
    }

    /// Adds the lines of a segment from a location on until there are enough. Returns where to continue.
    fn segment(&self, from: Location, limit: usize, found: &mut Vec<LoggedLine>) -> Result<Location, StoreError> {
        let end = Location { segment: from.segment.saturating_add(1), offset: 0 }.min(self.durable);
        let mut failed = None;
        let next = self.shared.journal.scan(from..end, &mut |at, payload| {
            if let Err(error) = self.add_lines(at, payload, found) {
                failed = Some(error);
            }
            let is_enough = failed.is_some() || found.len() >= limit;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        failed.map_or(Ok(next), Err)
    }

    fn add_lines(&self, at: Location, payload: &[u8], found: &mut Vec<LoggedLine>) -> Result<(), StoreError> {
        if !matches!(FrameKind::of_payload(payload), Some(FrameKind::Committed | FrameKind::Failed)) {
            return Ok(());
        }
        let delivery = Frame::decode(payload, at)?.changes.into_iter().find_map(|change| match change {
            Change::DeliveryCommitted(committed) => Some((committed.entry, committed.recording, None)),
            Change::DeliveryFailed(failed) => Some((failed.entry, failed.recording, Some(failed.failure))),
            _ => None,
        });
        let Some((entry, recording, failure)) = delivery else { return Ok(()) };
        if self.installation.is_none_or(|wanted| wanted == entry.installation) {
            let lines = lines_of(&recording, failure).filter(|line| line.level >= self.least);
            found.extend(lines.map(|line| LoggedLine {
                at: recording.finished_at,
                installation: entry.installation,
                position: entry.position,
                generation: recording.generation,
                line,
            }));
        }
        Ok(())
    }
}

/// The lines of the connector, followed by the failure if the delivery failed.
fn lines_of(recording: &Recording, failure: Option<Failure>) -> impl Iterator<Item = LogLine> + use<> {
    let attempt = recording.attempt.to_string();
    let last = failure.map(|failure| LogLine {
        level: LogLevel::Error,
        message: format!("delivery failed: {}", failure.message),
        fields: vec![("code".to_owned(), failure.code), ("attempt".to_owned(), attempt)],
    });
    recording.logs.clone().into_iter().chain(last)
}
