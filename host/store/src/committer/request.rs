//! Requests to the committer, and the two queues in which they wait. Makes no decisions.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::bodies::PreparedEvent;
use crate::conflicts::Snapshot;
use crate::host_records::HostRecord;
use crate::read::Handled;
use crate::rollback_job::{Cursor, HeldAction, RollbackJob};
use crate::{
    Appended, Attempt, DeadLetterIds, FailureAction, NewAudit, NewGeneration, Reply, RequestOutcome, Retained,
    ScheduleTick, StoreError, Uninstall, UninstallOutcome, Verdict,
};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, Trace};
use handoff_model::failure::Failure;
use handoff_model::installation::{Installation, Pause};
use handoff_model::names::{InstallationId, InstallationName, Position};
use handoff_model::time::Timestamp;

/// A request to the committer.
pub(crate) enum Request {
    Append {
        events: Vec<PreparedEvent>,
        received_at: Timestamp,
        tick: Option<ScheduleTick>,
        audit: Option<Box<NewAudit>>,
        reply: Reply<Vec<Appended>>,
    },
    Commit(Box<Commit>),
    Fail(Box<Fail>),
    StartSend {
        installation: InstallationId,
        position: Position,
        reply: Reply<Option<u32>>,
    },
    FinishSend {
        installation: InstallationId,
        position: Position,
        at: Timestamp,
        outcome: Box<RequestOutcome>,
        reply: Reply<bool>,
    },
    FireTimers {
        now: Timestamp,
        reply: Reply<Option<Timestamp>>,
    },
    PutGeneration {
        new: Box<NewGeneration>,
        reply: Reply<Arc<Installation>>,
    },
    PutGenerations {
        new: Vec<NewGeneration>,
        reply: Reply<Vec<Result<Arc<Installation>, StoreError>>>,
    },
    SetPaused {
        name: InstallationName,
        paused: Option<Pause>,
        by: Actor,
        at: Timestamp,
        reply: Reply<Arc<Installation>>,
    },
    Redrive {
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<Vec<Position>>,
    },
    Discard {
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<usize>,
    },
    SetAside {
        installation: InstallationId,
        position: Position,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<()>,
    },
    FireTimer {
        installation: InstallationId,
        key: String,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<Position>,
    },
    RetryNow {
        installation: InstallationId,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<(usize, bool)>,
    },
    SetHostRecord {
        record: Box<HostRecord>,
        audit: Option<NewAudit>,
        reply: Reply<()>,
    },
    AddAudit {
        new: Box<NewAudit>,
        reply: Reply<()>,
    },
    ContinueRollback {
        id: InstallationId,
        at: Timestamp,
        handled: Option<(Cursor, Handled)>,
        reply: Reply<RollbackJob>,
    },
    DropUndo {
        older_than: Timestamp,
        reply: Reply<(u64, bool)>,
    },
    ResolveHeld {
        which: Vec<(InstallationId, Position)>,
        then: HeldAction,
        by: Actor,
        reason: String,
        at: Timestamp,
        reply: Reply<usize>,
    },
    HurryRequests {
        which: Vec<(InstallationId, Position)>,
        at: Timestamp,
        reply: Reply<usize>,
    },
    Retain {
        older_than: Timestamp,
        bytes_max: u64,
        reply: Reply<Retained>,
    },
    Checkpoint {
        reply: Reply<()>,
    },
    Uninstall {
        ask: Box<Uninstall>,
        reply: Reply<UninstallOutcome>,
    },
    /// Wakes the committer: an urgent request waits.
    Urgent,
}

/// Requests in two queues: urgent requests overtake all others.
pub(crate) struct Requests {
    pub(crate) all: mpsc::Receiver<Request>,
    pub(crate) urgent: mpsc::Receiver<Request>,
}

impl Requests {
    /// The next request, and whether it is urgent. None if no request waits.
    pub(crate) fn next(&mut self) -> Option<(Request, bool)> {
        let urgent = self.urgent.try_recv().ok().map(|request| (request, true));
        urgent.or_else(|| self.all.try_recv().ok().map(|request| (request, false)))
    }
}

/// A delivery that succeeded.
pub(crate) struct Commit {
    pub(crate) attempt: Attempt,
    pub(crate) snapshot: Snapshot,
    pub(crate) effects: Effects,
    pub(crate) trace: Trace,
    pub(crate) reply: Reply<Verdict>,
}

/// A delivery that failed.
pub(crate) struct Fail {
    pub(crate) attempt: Attempt,
    pub(crate) snapshot: Snapshot,
    pub(crate) failure: Failure,
    pub(crate) then: FailureAction,
    pub(crate) trace: Trace,
    pub(crate) reply: Reply<Verdict>,
}

impl Request {
    /// Answers that no more requests are accepted.
    pub(super) fn refuse(self, why: Option<&StoreError>) {
        fn tell<T>(reply: Reply<T>, why: Option<&StoreError>) {
            let why = why.map_or_else(|| StoreError::Stopped(String::new()), StoreError::stopped);
            drop(reply.send(Err(why)));
        }
        match self {
            Self::Append { reply, .. } => tell(reply, why),
            Self::Commit(commit) => tell(commit.reply, why),
            Self::Fail(fail) => tell(fail.reply, why),
            Self::StartSend { reply, .. } => tell(reply, why),
            Self::FinishSend { reply, .. } => tell(reply, why),
            Self::FireTimers { reply, .. } => tell(reply, why),
            Self::PutGeneration { reply, .. } | Self::SetPaused { reply, .. } => tell(reply, why),
            Self::PutGenerations { reply, .. } => tell(reply, why),
            Self::Redrive { reply, .. } => tell(reply, why),
            Self::RetryNow { reply, .. } => tell(reply, why),
            Self::SetAside { reply, .. } => tell(reply, why),
            Self::FireTimer { reply, .. } => tell(reply, why),
            Self::Discard { reply, .. } | Self::ResolveHeld { reply, .. } | Self::HurryRequests { reply, .. } => {
                tell(reply, why);
            }
            Self::ContinueRollback { reply, .. } => tell(reply, why),
            Self::DropUndo { reply, .. } => tell(reply, why),
            Self::Retain { reply, .. } => tell(reply, why),
            Self::Uninstall { reply, .. } => tell(reply, why),
            Self::Checkpoint { reply } | Self::SetHostRecord { reply, .. } | Self::AddAudit { reply, .. } => {
                tell(reply, why)
            }
            Self::Urgent => {}
        }
    }
}
