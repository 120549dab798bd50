//! Opens a data folder: locks it, opens the index, replays the journal after the last checkpoint, starts the committer.
//! Accepts no requests.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use handoff_model::installation::Installation;
use handoff_model::names::InstallationId;

use super::applier::{Applier, Source};
use super::changes::{Change, Frame};
use super::checkpoint::{self, Checkpoint, Checkpoints};
use super::committer::{Committer, Requests};
use super::index::Index;
use super::journal::{FileJournal, FrameMeaning, Journal, Location, Loss, Tail, try_visit};
use super::keys::table;
use super::read::Cache;
use super::rollback_job::Marker;
use super::rows::decode;
use super::uninstall::Uninstalled;
use super::{Asking, CommitterThread, Shared, Store, StoreError, StoreOptions, export, files, rewrite};

/// Requests that may wait for the committer before callers block.
const REQUESTS_MAX: usize = 4_096;
/// Urgent requests that may wait for the committer before callers block.
const URGENT_MAX: usize = 64;

/// Opens a store over a given journal, or over the data folder's journal files.
pub(super) fn open(options: StoreOptions, journal: Option<Arc<dyn Journal>>) -> Result<Store, StoreError> {
    recover(options, journal).map(start)
}

/// Checks the journal files of a data folder for damage. With `accept`, replaces each damaged part with frames without
/// changes, so that the host can start without it; a copy of the file is kept in the data folder's folder `damaged`. A
/// tail that was never acknowledged is not damage. Fails if a host has the folder open.
pub fn repair(options: &StoreOptions, accept: bool) -> Result<Vec<Loss>, StoreError> {
    let _lock = lock(&options.dir)?;
    let journal = FileJournal::unopened(&options.dir, options.segment_bytes);
    let positions = |payload: &[u8]| {
        let frame = Frame::decode(payload, Location::default()).ok()?;
        // Carried events are skipped: their positions are from any earlier time.
        let all = frame.changes.iter().flat_map(Change::queued_events).map(|event| event.position.0);
        Some((all.clone().min()?, all.max()?))
    };
    let empty = Frame { changes: Vec::new() }.encode();
    Ok(journal.repair(accept, &FrameMeaning { positions: &positions, empty: &empty })?)
}

/// Opens a store whose committer is driven by the caller.
pub(super) fn open_by_hand(
    options: StoreOptions,
    journal: Option<Arc<dyn Journal>>,
) -> Result<(Store, super::committer::ByHand), StoreError> {
    let committer = recover(options, journal)?;
    let shared = committer.shared.clone();
    let (asking, requests) = queues();
    let store = Store { shared, requests: asking, committer: Arc::new(CommitterThread(Mutex::default())) };
    Ok((store, super::committer::ByHand::new(committer, requests)))
}

/// Recovers the committer from the data of the last process.
fn recover(options: StoreOptions, journal: Option<Arc<dyn Journal>>) -> Result<Committer, StoreError> {
    let lock = prepare_folder(&options)?;
    let journal = match journal {
        Some(journal) => journal,
        None => Arc::new(FileJournal::open(&options.dir, options.segment_bytes)?),
    };
    let (index, checkpoint) = open_index(&options, journal.as_ref())?;
    let shared = Arc::new(Shared {
        view: super::buffer::View::new(index),
        snapshots: Arc::default(),
        installations: RwLock::default(),
        uninstalled: RwLock::default(),
        routing: RwLock::default(),
        counts: RwLock::new(checkpoint.as_ref().map(|checkpoint| checkpoint.counts.clone()).unwrap_or_default()),
        track_records: RwLock::new(
            checkpoint.as_ref().map(|checkpoint| checkpoint.track_records.clone()).unwrap_or_default(),
        ),
        wakeups: super::Wakeups::default(),
        next_position: AtomicU64::new(checkpoint.as_ref().map_or(1, |checkpoint| checkpoint.next_position)),
        next_installation: AtomicU32::new(checkpoint.as_ref().map_or(1, |checkpoint| checkpoint.next_installation)),
        durable: Mutex::default(),
        cache: Cache::default(),
        journal,
        retention: Mutex::default(),
        journal_volume: Mutex::default(),
        stopped: Mutex::default(),
        blocked: Mutex::default(),
        audit_head: Mutex::default(),
        markers: RwLock::default(),
        replays: Mutex::default(),
        options,
        _lock: lock,
    });
    // This is the head as of the checkpoint or later, if the index holds later rows. Replay gives the same result.
    *shared.audit_head.lock() = shared.stored_audit_head()?;
    *shared.markers.write() = load_markers(&shared)?;
    *shared.installations.write() = load_installations(&shared)?;
    *shared.uninstalled.write() = load_uninstalled(&shared)?;
    let tail = replay(&shared, checkpoint.as_ref())?;
    let mut writer = shared.journal.writer(tail)?;
    *shared.durable.lock() = writer.durable(false)?;
    Ok(Committer::new(shared, writer, Checkpoints::default()))
}

/// Creates the data folder, durably, and takes the lock.
fn prepare_folder(options: &StoreOptions) -> Result<File, StoreError> {
    let path = options.dir.clone();
    files::create_folder(&path).map_err(|source| StoreError::Io { action: "create", path, source })?;
    lock(&options.dir)
}

fn start(mut committer: Committer) -> Store {
    let shared = committer.shared.clone();
    let (asking, requests) = queues();
    committer.callers = Some(asking.all.downgrade());
    let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || committer.run(requests));
    let thread = match thread {
        Ok(thread) => Some(thread),
        Err(error) => {
            // All requests will fail because the committer is gone.
            tracing::error!(%error, "cannot start the committer");
            None
        }
    };
    Store { shared, requests: asking, committer: Arc::new(CommitterThread(Mutex::new(thread))) }
}

fn queues() -> (Asking, Requests) {
    let (all, urgent) = (mpsc::channel(REQUESTS_MAX), mpsc::channel(URGENT_MAX));
    (Asking { all: all.0, urgent: urgent.0 }, Requests { all: all.1, urgent: urgent.1 })
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| StoreError::Io { action: "open", path, source })?;
    file.try_lock().map_err(|_| StoreError::InUse(dir.to_path_buf()))?;
    Ok(file)
}

/// Opens sled. If it does not open or cannot be read, it is rebuilt from the newest export and the journal.
fn open_index(options: &StoreOptions, journal: &dyn Journal) -> Result<(Index, Option<Checkpoint>), StoreError> {
    let dir = rewrite::settle(options)?;
    let opened = Index::open(&dir, options.cache_bytes, options.steps.index_watch).and_then(|index| {
        let checkpoint = read_checkpoint(&index)?;
        Ok((index, checkpoint))
    });
    match opened {
        Ok((index, Some(checkpoint))) => Ok((index, Some(checkpoint))),
        // Its files are sound.
        Err(error @ (StoreError::Schema { .. } | StoreError::InUse(_))) => Err(error),
        // An index without a checkpoint is incomplete: the export, if there is one, is newer.
        Ok((index, None)) => restore(journal, index),
        Err(error) => {
            let aside = options.dir.join("index.broken");
            tracing::warn!(%error, "the index does not open: it is kept as `index.broken` and made again from the journal");
            drop(fs::remove_dir_all(&aside));
            fs::rename(&dir, &aside).map_err(|source| StoreError::Io { action: "move", path: dir.clone(), source })?;
            restore(journal, Index::open(&dir, options.cache_bytes, options.steps.index_watch)?)
        }
    }
}

fn restore(journal: &dyn Journal, index: Index) -> Result<(Index, Option<Checkpoint>), StoreError> {
    export::restore(journal, &index)?;
    let checkpoint = read_checkpoint(&index)?;
    Ok((index, checkpoint))
}

fn read_checkpoint(index: &Index) -> Result<Option<Checkpoint>, StoreError> {
    let key = checkpoint::key();
    index.get(&key)?.map(|row| Checkpoint::read(&key, &row)).transpose()
}

/// Applies the journal after the checkpoint. Returns the end of the journal.
fn replay(shared: &Arc<Shared>, checkpoint: Option<&Checkpoint>) -> Result<Tail, StoreError> {
    let applier = Applier::new(shared.clone(), Source::Replay);
    let mut frames = 0_u64;
    let from = checkpoint.map(|checkpoint| checkpoint.journal);
    let visit = |at, payload: &[u8]| {
        let frame = Frame::decode(payload, at)?;
        // Without room for a checkpoint, the buffer holds as much as it held before the process ended.
        if shared.view.buffered_bytes() > shared.options.buffer_bytes && checkpoint::check_room(shared).is_ok() {
            // Up to this frame, which is replayed again if the process dies here.
            checkpoint::prepare(shared, at)()?;
        }
        applier.apply(&frame, at);
        frames += 1;
        Ok::<(), StoreError>(())
    };
    let tail = try_visit(visit, |visit| shared.journal.replay(from, visit))?;
    tracing::info!(frames, "journal replayed");
    Ok(tail)
}

fn load_markers(shared: &Shared) -> Result<BTreeMap<InstallationId, Arc<Marker>>, StoreError> {
    let rows = shared.view.scan(&[table::ROLLBACK_JOB], None, usize::MAX >> 1)?;
    rows.iter()
        .map(|(key, row)| {
            let marker: Marker = decode(key, row)?;
            Ok((marker.installation, Arc::new(marker)))
        })
        .collect()
}

fn load_uninstalled(shared: &Shared) -> Result<BTreeMap<InstallationId, Arc<Uninstalled>>, StoreError> {
    let rows = shared.view.scan(&[table::UNINSTALLED], None, usize::MAX >> 1)?;
    rows.iter()
        .map(|(key, row)| {
            let uninstalled: Uninstalled = decode(key, row)?;
            Ok((uninstalled.installation.id, Arc::new(uninstalled)))
        })
        .collect()
}

fn load_installations(shared: &Shared) -> Result<BTreeMap<InstallationId, Arc<Installation>>, StoreError> {
    let rows = shared.view.scan(&[table::INSTALLATION], None, usize::MAX >> 1)?;
    rows.iter()
        .map(|(key, row)| {
            let installation: Installation = decode(key, row)?;
            Ok((installation.id, Arc::new(installation)))
        })
        .collect()
}
