//! A frame of the journal: the changes of one commit, and their encoding. Knows no file and applies nothing.
//!
//! ```text
//! kind u8 | change | change | ...
//! ```
//!
//! The kind lets a reader that needs only deliveries skip all other frames without decoding them. Each change is in
//! postcard.

use crate::StoreError;
use crate::journal::Location;
use crate::rows::encode_after;

use super::{Change, LoggedEvent, LoggedRequest};

/// The kind of changes in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// No change. Any number of zeros may follow: repair fills a damaged part with such frames.
    Empty,
    /// None of the kinds below.
    Other,
    /// A committed delivery, possibly with other changes.
    Committed,
    /// A failed delivery, possibly with other changes.
    Failed,
}

impl FrameKind {
    const ALL: [Self; 4] = [Self::Empty, Self::Other, Self::Committed, Self::Failed];

    /// The kind of the frame with this payload, if it has one.
    pub(crate) fn of_payload(payload: &[u8]) -> Option<Self> {
        let first = usize::from(*payload.first()?);
        Self::ALL.get(first).copied()
    }

    fn of_changes(changes: &[Change]) -> Self {
        let kind = |change: &Change| match change {
            Change::DeliveryCommitted(_) => Some(Self::Committed),
            Change::DeliveryFailed(_) => Some(Self::Failed),
            _ => None,
        };
        let other = if changes.is_empty() { Self::Empty } else { Self::Other };
        changes.iter().find_map(kind).unwrap_or(other)
    }

    fn number(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Other => 1,
            Self::Committed => 2,
            Self::Failed => 3,
        }
    }
}

/// The changes of one commit: all of them take effect, or none.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) changes: Vec<Change>,
}

impl Frame {
    /// The frame's payload.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(256);
        payload.push(FrameKind::of_changes(&self.changes).number());
        self.changes.iter().fold(payload, encode_after)
    }

    /// Decodes the payload of the frame at `at`.
    pub(crate) fn decode(payload: &[u8], at: Location) -> Result<Self, StoreError> {
        let bad = |source| StoreError::BadFrame { segment: at.segment, offset: at.offset, source };
        let unknown = || bad(postcard::Error::DeserializeBadEncoding);
        let kind = FrameKind::of_payload(payload).ok_or_else(unknown)?;
        let mut rest = payload.get(1..).unwrap_or_default();
        if kind == FrameKind::Empty {
            return if rest.iter().all(|byte| *byte == 0) { Ok(Self { changes: Vec::new() }) } else { Err(unknown()) };
        }
        let mut changes = Vec::with_capacity(2);
        while !rest.is_empty() {
            let (change, after) = postcard::take_from_bytes::<Change>(rest).map_err(bad)?;
            changes.push(change);
            rest = after;
        }
        // A wrong kind would hide a delivery from readers that skip frames by kind.
        if FrameKind::of_changes(&changes) == kind { Ok(Self { changes }) } else { Err(unknown()) }
    }

    /// The events of the frame, in index order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &LoggedEvent> {
        self.changes.iter().flat_map(Change::events)
    }

    /// The event with an index among all events of the frame.
    pub(crate) fn event(&self, index: u32) -> Option<&LoggedEvent> {
        let mut index = usize::try_from(index).ok()?;
        for change in &self.changes {
            let events = change.events();
            match events.get(index) {
                Some(event) => return Some(event),
                None => index -= events.len(),
            }
        }
        None
    }

    /// The request with an index among all requests of the frame.
    pub(crate) fn request(&self, index: u32) -> Option<&LoggedRequest> {
        let mut index = usize::try_from(index).ok()?;
        for change in &self.changes {
            if let Some(request) = change.request(index) {
                return Some(request);
            }
            index = index.checked_sub(change.request_count())?;
        }
        None
    }
}
