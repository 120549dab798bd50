//! Shared support for the store's tests: a store in its own folder, events, deliveries, and kills.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use crate::journal::Journal;
use crate::keys::QueueKey;
use crate::{
    Appended, Attempt, FailureAction, NewEvent, NewGeneration, Ready, Recipients, RequestOutcome, Store, StoreError,
    StoreOptions, Verdict,
};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, OutboxRequest, ReadSet, Trace};
use handoff_model::event::{Event, PARTITION_KEY};
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::http::Request;
use handoff_model::installation::{GenerationContent, GenerationReason, Installation, NewDetails};
use handoff_model::names::{Generation, InstallationId, Position, RooftopName};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// Runs one asynchronous call.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The rooftop of the tests' installations and events.
pub(super) fn rooftop() -> RooftopName {
    "main-street".parse().unwrap()
}

/// The scope of the tests' installations and events.
pub(super) fn scope() -> Scope {
    rooftop().into()
}

/// A store in its own folder.
pub(super) struct Bench {
    pub(super) dir: TempDir,
    pub(super) options: StoreOptions,
    store: Option<Store>,
}

impl std::ops::Deref for Bench {
    type Target = Store;
    fn deref(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

impl Bench {
    /// Begins an attempt at a request if it may begin, and records its end. False if the request was over.
    pub(super) fn send_once(&self, id: InstallationId, position: Position, at: Timestamp, end: RequestOutcome) -> bool {
        run(self.start_send(id, position)).unwrap();
        run(self.finish_send(id, position, at, end)).unwrap()
    }

    pub(super) fn new(change: impl FnOnce(&mut StoreOptions)) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), change).unwrap()
    }

    /// Opens an existing folder.
    pub(super) fn open_in(dir: TempDir, change: impl FnOnce(&mut StoreOptions)) -> Result<Self, StoreError> {
        let mut options = StoreOptions::in_small_steps(dir.path());
        options.cache_bytes = 1 << 20;
        change(&mut options);
        let store = Some(Store::open(options.clone())?);
        Ok(Self { dir, options, store })
    }

    /// A store over a journal, with its index in a separate folder.
    pub(super) fn over(journal: Arc<dyn Journal>, change: impl FnOnce(&mut StoreOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::in_small_steps(dir.path());
        options.cache_bytes = 1 << 20;
        change(&mut options);
        let store = Some(Store::open_with(options.clone(), journal).unwrap());
        Self { dir, options, store }
    }

    /// Reopens the store over a journal.
    pub(super) fn over_again(&mut self, journal: Arc<dyn Journal>) {
        self.store = Some(Store::open_with(self.options.clone(), journal).unwrap());
    }

    /// A folder with the data that a kill at this moment would leave, except during a checkpoint. A batch is answered
    /// before its checkpoint begins, so a copy during which one began does not count: it is a mixture of two moments.
    pub(super) fn copy(&self) -> TempDir {
        loop {
            let moves = self.when_at_rest();
            let copy = tempfile::tempdir().unwrap();
            match try_copy_folder(self.dir.path(), copy.path()) {
                Ok(()) if self.shared.view.moves_at_rest() == Some(moves) => return copy,
                Ok(()) => {}
                // A rewritten index has just replaced the one that was being copied.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits for the running checkpoint, if any. Returns how often rows have moved between layers so far.
    pub(super) fn when_at_rest(&self) -> u64 {
        loop {
            if let Some(moves) = self.shared.view.moves_at_rest() {
                return moves;
            }
            std::thread::yield_now();
        }
    }

    /// Continues in a copied folder, as a new process would.
    pub(super) fn go_on_in(&mut self, dir: TempDir) -> Result<(), StoreError> {
        self.store.take().unwrap().close();
        self.options.dir = dir.path().to_path_buf();
        self.dir = dir;
        self.store = Some(Store::open(self.options.clone())?);
        Ok(())
    }

    /// Kills the store and restarts it.
    pub(super) fn kill(&mut self) {
        let copy = self.copy();
        self.go_on_in(copy).unwrap();
    }

    /// Closes the store regularly.
    pub(super) fn close(&mut self) {
        self.store.take().unwrap().close();
    }

    pub(super) fn reopen(&mut self) -> Result<(), StoreError> {
        self.store = Some(Store::open(self.options.clone())?);
        Ok(())
    }

    pub(super) fn install(&self, name: &str, accepts: &[&str]) -> Arc<Installation> {
        let expected = self.installation(&name.parse().unwrap()).map(|known| known.active.generation);
        run(self.put_generation(generation(name, accepts, expected))).unwrap()
    }

    pub(super) fn append_one(&self, event: Event) -> Appended {
        let new = NewEvent { event, to: Recipients::Rooftop(rooftop()) };
        run(self.append(vec![new], Timestamp(1), None)).unwrap()[0]
    }

    /// Appends an event and returns its position.
    pub(super) fn add(&self, id: &str, key: Option<&str>) -> Position {
        match self.append_one(event(id, key)) {
            Appended::Accepted { position, .. } => position,
            Appended::Duplicate { .. } => panic!("{id} is a duplicate"),
        }
    }

    pub(super) fn ready_positions(&self, id: InstallationId) -> Vec<u64> {
        self.ready(id, None, 1_000).unwrap().iter().map(|ready| ready.position.0).collect()
    }

    /// The attempt of the active generation at an entry, as of now.
    pub(super) fn attempt(&self, id: InstallationId, entry: Ready) -> Attempt {
        let claim = self.claim(id, entry).unwrap();
        Attempt {
            installation: id,
            position: entry.position,
            queue_key: entry.queue_key,
            generation: self.installation_by_id(id).unwrap().active.generation,
            input: Default::default(),
            number: claim.as_ref().map_or(0, |claim| claim.attempts) + 1,
            scope: claim.map_or_else(scope, |claim| claim.scope),
            time: Timestamp(1),
            finished_at: Timestamp(2),
        }
    }

    /// The first entry that is ready.
    pub(super) fn first(&self, id: InstallationId) -> Ready {
        self.ready(id, None, 1).unwrap()[0]
    }

    pub(super) fn commit_first(&self, id: InstallationId, effects: Effects) -> Verdict {
        let attempt = self.attempt(id, self.first(id));
        run(self.commit(attempt, self.snapshot(), effects, Trace::default())).unwrap()
    }

    pub(super) fn fail_first(&self, id: InstallationId, then: FailureAction) -> Verdict {
        let attempt = self.attempt(id, self.first(id));
        run(self.fail(attempt, self.snapshot(), Failure::retry("no", "not now"), then, Trace::default())).unwrap()
    }
}

pub(super) fn copy_folder(from: &Path, to: &Path) {
    try_copy_folder(from, to).unwrap();
}

fn try_copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            try_copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

pub(super) fn generation(name: &str, accepts: &[&str], expected: Option<Generation>) -> NewGeneration {
    let accepts = accepts.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    NewGeneration {
        name: name.parse().unwrap(),
        scope: scope(),
        content: GenerationContent {
            package: format!("acme/{name}"),
            version: "1.0.0".parse().unwrap(),
            digest: "sha256:00".to_owned(),
            state_schema: 1,
            // Larger than one row of the index.
            config_json: format!("{{\"text\":\"{}\"}}", "x".repeat(4_000)),
            grants: Grants { accepts, emits: ["emitted".to_owned()].into(), ..Grants::default() },
            ingress_json: "{}".to_owned(),
        },
        by: Actor::user("ann"),
        reason: if expected.is_some() { GenerationReason::Reconfigure } else { GenerationReason::Install },
        note: None,
        at: Timestamp(1),
        expected,
        details: NewDetails::default(),
        migration: None,
        changes_json: None,
        leave: None,
    }
}

/// An event of type `lead`.
pub(super) fn event(id: &str, key: Option<&str>) -> Event {
    Event {
        id: id.to_owned(),
        source: "/outside".to_owned(),
        type_name: "lead".to_owned(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: key.map(|key| (PARTITION_KEY.to_owned(), key.to_owned())).into_iter().collect(),
        data: format!("data of {id}").into_bytes(),
    }
}

pub(super) fn request(key: &str) -> OutboxRequest {
    let request = Request {
        method: "POST".to_owned(),
        url: "https://crm.example/leads".to_owned(),
        headers: Vec::new(),
        body: Some(key.as_bytes().to_vec()),
        auth: None,
        timeout_ms: None,
    };
    OutboxRequest { key: key.to_owned(), request, answer: true, partition_key: None }
}

pub(super) fn writes(writes: &[(&str, Option<&[u8]>)]) -> Effects {
    let state_writes = writes.iter().map(|(key, value)| ((*key).to_owned(), value.map(<[u8]>::to_vec))).collect();
    Effects { state_writes, ..Effects::default() }
}

pub(super) fn reads(keys: &[&str]) -> Trace {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Trace { reads: ReadSet { keys, scans: Vec::new() }, ..Trace::default() }
}

pub(super) fn queue_key(key: Option<&str>, position: u64) -> QueueKey {
    key.map_or_else(|| QueueKey::of_position(Position(position)), QueueKey::of_partition_key)
}
