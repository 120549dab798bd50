//! Searches the log for a text: subjects, ids and data of events, and bodies of outbox requests. Looks at raw frames first
//! and decodes only those that can match, newest segment first. Changes nothing, and puts no content into errors.

mod pattern;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

use memchr::memmem;

use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

pub use pattern::Pattern;

use super::changes::{Change, Frame, LoggedEvent, LoggedRequest};
use super::journal::{BlobDigest, BlobKind, Location, try_visit};
use super::keys;
use super::rows::{EventRow, OutboxRow, decode};
use super::{Shared, Store, StoreError};

/// What to search for, and where.
#[derive(Debug)]
pub struct FindQuery {
    /// The text.
    pub pattern: Pattern,
    /// Only what the host took or wrote since then.
    pub since: Option<Timestamp>,
    /// Only events and requests of this scope.
    pub scope: Option<Scope>,
    /// Maximum number of results.
    pub limit: usize,
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The position of the event or request.
    pub position: Position,
    /// Its scope.
    pub scope: Scope,
    /// When the host took or wrote it.
    pub at: Timestamp,
    /// What it is.
    pub what: FoundWhat,
    /// Where the text was found: `subject`, `id`, `data` or `body`.
    pub place: &'static str,
    /// The text around it.
    pub excerpt: String,
}

/// What holds a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundWhat {
    /// An event of the log.
    Event {
        /// Its type.
        type_name: String,
        /// Its id.
        id: String,
        /// Its subject.
        subject: Option<String>,
    },
    /// An outbox request.
    Request {
        /// The installation that sends it.
        installation: InstallationId,
        /// Method and URL.
        target: String,
    },
}

/// The end of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindEnd {
    /// Number of matches that were reported.
    pub found: u64,
    /// Whether there may be more: the limit was reached.
    pub more: bool,
    /// Bytes of the log that were searched.
    pub bytes: u64,
}

/// Reports a match, and says whether to continue.
pub type OnFound<'f> = dyn FnMut(Found) -> ControlFlow<()> + 'f;

/// What is searched for in raw frames.
struct Search<'a> {
    shared: &'a Shared,
    query: &'a FindQuery,
    /// Bodies beside the journal that match, with the text around the match.
    bodies: BTreeMap<BlobDigest, String>,
    /// Find the digests of these bodies in raw frames.
    probes: Vec<memmem::Finder<'static>>,
}

/// What one segment holds.
#[derive(Default)]
struct InSegment {
    found: Vec<Found>,
    /// The lowest position that it gave to an event.
    lowest: Option<Position>,
    bytes: u64,
}

/// Matches that are not reported yet, newest first. Old events that were carried forward are in new segments.
struct Held {
    all: BTreeMap<Reverse<Position>, Found>,
    limit: u64,
    end: FindEnd,
}

/// With more matching bodies than this, every frame is decoded.
const PROBES_MAX: usize = 64;
/// Segments that are searched at the same time.
const THREADS: usize = 2;

impl Store {
    /// Searches the durable part of the log, newest first. Reports matches as they are found. Reads the whole log: call
    /// it off the async threads.
    pub fn find(&self, query: &FindQuery, on_found: &mut OnFound<'_>) -> Result<FindEnd, StoreError> {
        let shared = &self.shared;
        let limit = u64::try_from(query.limit).unwrap_or(u64::MAX);
        let mut held = Held { all: BTreeMap::new(), limit, end: FindEnd::default() };
        let mut search = Search { shared, query, bodies: BTreeMap::new(), probes: Vec::new() };
        held.end.bytes = search.look_at_bodies()?;
        let durable = *shared.durable.lock();
        let mut segments = shared.journal.segments()?;
        // Everything in such a segment is older than that.
        let is_old = |closed_at: Timestamp| query.since.is_some_and(|since| closed_at < since);
        segments.retain(|segment| !segment.closed_at.is_some_and(is_old));
        let ranges = segments.iter().rev().map(|segment| {
            Location::start_of(segment.number)..Location::start_of(segment.number.saturating_add(1)).min(durable)
        });
        let ranges: Vec<_> = ranges.filter(|range| range.start < range.end).collect();
        for some in ranges.chunks(THREADS) {
            for done in search.segments(some) {
                let InSegment { found, lowest, bytes } = done?;
                held.end.bytes = held.end.bytes.saturating_add(bytes);
                held.all.extend(found.into_iter().map(|found| (Reverse(found.position), found)));
                // An older segment may hold what lies before.
                if held.report(lowest.unwrap_or(Position(u64::MAX)), on_found).is_break() {
                    return Ok(held.end);
                }
            }
        }
        let _ = held.report(Position(0), on_found);
        Ok(held.end)
    }
}

impl Held {
    /// Reports held matches down to a position, newest first.
    fn report(&mut self, floor: Position, on_found: &mut OnFound<'_>) -> ControlFlow<()> {
        while let Some(next) = self.all.first_entry().filter(|next| next.key().0 >= floor) {
            if self.end.found == self.limit {
                self.end.more = true;
                return ControlFlow::Break(());
            }
            self.end.found += 1;
            on_found(next.remove())?;
        }
        ControlFlow::Continue(())
    }
}

impl Search<'_> {
    /// Finds the bodies that match. Returns how many bytes were searched.
    fn look_at_bodies(&mut self) -> Result<u64, StoreError> {
        let (blobs, mut lower, mut searched) = (self.shared.journal.blobs(), Vec::new(), 0_u64);
        for digest in blobs.older_than(BlobKind::Body, Duration::ZERO)? {
            // One that was just removed is of an event that retention dropped.
            let Some(bytes) = blobs.get(BlobKind::Body, &digest)? else { continue };
            searched = searched.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if self.query.pattern.may_be_in(&bytes, &mut lower)
                && let Some(excerpt) = self.query.pattern.excerpt(&bytes)
            {
                self.bodies.insert(digest, excerpt);
            }
        }
        if self.bodies.len() <= PROBES_MAX {
            self.probes = self.bodies.keys().map(|digest| memmem::Finder::new(digest).into_owned()).collect();
        }
        Ok(searched)
    }

    /// Searches segments at the same time. The results are in the order of the segments.
    fn segments(&self, ranges: &[Range<Location>]) -> Vec<Result<InSegment, StoreError>> {
        std::thread::scope(|scope| {
            let work: Vec<_> = ranges.iter().map(|range| scope.spawn(|| self.segment(range.clone()))).collect();
            let panicked = |_| Err(StoreError::Stopped("a search broke off".to_owned()));
            work.into_iter().map(|one| one.join().unwrap_or_else(panicked)).collect()
        })
    }

    fn segment(&self, range: Range<Location>) -> Result<InSegment, StoreError> {
        let (mut done, mut lower) = (InSegment::default(), Vec::new());
        let visit = |at: Location, payload: &[u8]| {
            done.bytes = done.bytes.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
            let is_first = done.lowest.is_none();
            if !is_first && !self.may_match(payload, &mut lower) {
                return Ok(());
            }
            let frame = Frame::decode(payload, at)?;
            if is_first {
                // Positions ascend: the first new event of a segment has its lowest.
                done.lowest = frame.changes.iter().flat_map(Change::queued_events).map(|event| event.position).min();
            }
            self.frame(&frame, at, &mut done.found)
        };
        try_visit(visit, |visit| self.shared.journal.scan(range, visit))?;
        Ok(done)
    }

    fn may_match(&self, payload: &[u8], lower: &mut Vec<u8>) -> bool {
        self.query.pattern.may_be_in(payload, lower)
            || self.bodies.len() > self.probes.len()
            || self.probes.iter().any(|probe| probe.find(payload).is_some())
    }

    fn frame(&self, frame: &Frame, at: Location, found: &mut Vec<Found>) -> Result<(), StoreError> {
        for logged in frame.events() {
            if let Some(one) = self.event(logged)
                && self.is_current_event(logged.position, at)?
            {
                found.push(one);
            }
        }
        for (id, logged) in frame.changes.iter().flat_map(requests_of) {
            if let Some(one) = self.request(id, logged)
                && self.is_current_request(id, logged.position, at)?
            {
                found.push(one);
            }
        }
        Ok(())
    }

    fn is_wanted(&self, scope: &Scope, at: Timestamp) -> bool {
        self.query.scope.as_ref().is_none_or(|wanted| wanted == scope)
            && self.query.since.is_none_or(|since| at >= since)
    }

    fn event(&self, logged: &LoggedEvent) -> Option<Found> {
        let LoggedEvent { position, scope, event, blob, received_at, .. } = logged;
        if !self.is_wanted(scope, *received_at) {
            return None;
        }
        let look = |place, bytes: &[u8]| Some((place, self.query.pattern.excerpt(bytes)?));
        let of_body = || Some(("data", self.bodies.get(blob.as_ref()?)?.clone()));
        let subject = event.subject.as_deref().unwrap_or_default();
        let (place, excerpt) = look("subject", subject.as_bytes())
            .or_else(|| look("id", event.id.as_bytes()))
            .or_else(|| look("data", &event.data))
            .or_else(of_body)?;
        let what = FoundWhat::Event {
            type_name: event.type_name.clone(),
            id: event.id.clone(),
            subject: event.subject.clone(),
        };
        Some(Found { position: *position, scope: scope.clone(), at: *received_at, what, place, excerpt })
    }

    fn request(&self, installation: InstallationId, logged: &LoggedRequest) -> Option<Found> {
        let (row, request) = (&logged.row, &logged.request.request);
        if !self.is_wanted(&row.scope, row.created_at) {
            return None;
        }
        let excerpt = self.query.pattern.excerpt(request.body.as_deref()?)?;
        let what = FoundWhat::Request { installation, target: format!("{} {}", request.method, request.url) };
        let (position, scope, at) = (logged.position, row.scope.clone(), row.created_at);
        Some(Found { position, scope, at, what, place: "body", excerpt })
    }

    /// False if the event was carried forward to another frame, or dropped.
    fn is_current_event(&self, position: Position, at: Location) -> Result<bool, StoreError> {
        let key = keys::event(position);
        let row = self.shared.view.get(&key)?.map(|row| decode::<EventRow>(&key, &row)).transpose()?;
        Ok(row.is_some_and(|row| row.at == at))
    }

    fn is_current_request(&self, id: InstallationId, position: Position, at: Location) -> Result<bool, StoreError> {
        let key = keys::outbox(id, position);
        let row = self.shared.view.get(&key)?.map(|row| decode::<OutboxRow>(&key, &row)).transpose()?;
        Ok(row.is_some_and(|row| row.at == at))
    }
}

fn requests_of(change: &Change) -> Vec<(InstallationId, &LoggedRequest)> {
    match change {
        Change::DeliveryCommitted(committed) => {
            committed.outbox.iter().map(|request| (committed.entry.installation, request)).collect()
        }
        Change::RequestsCarried(carried) => {
            carried.iter().map(|carried| (carried.installation, &carried.request)).collect()
        }
        _ => Vec::new(),
    }
}
