//! One watched folder: its paths and descriptors, recorded changes, and faults. It makes no system call itself.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, Id, Op};
use crate::faults::Faults;

/// Number of watches: without any, no call takes a lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// A watch keeps its number permanently.
static WATCHES: Mutex<Vec<Option<Arc<Shared>>>> = Mutex::new(Vec::new());

/// A folder whose changes are recorded and may be made to fail, until this goes out of scope.
pub struct Watch {
    shared: Arc<Shared>,
    number: usize,
}

/// While it lives, no sync in the folder returns.
pub struct Gate<'a>(&'a Shared);

pub(crate) struct Shared {
    root: PathBuf,
    state: Mutex<State>,
    gate: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    is_closed: bool,
    waiting: usize,
}

pub(crate) struct State {
    pub(crate) faults: Faults,
    /// None if nothing is to be recorded.
    log: Option<Vec<Op>>,
    paths: BTreeMap<PathBuf, Id>,
    next: Id,
}

impl Watch {
    /// Watches a folder. Returns its content.
    pub fn new(root: &Path) -> io::Result<(Self, Disk)> {
        let root = root.canonicalize()?;
        let (disk, paths) = Disk::read(&root)?;
        Ok((Self::start(root, paths, Some(Vec::new())), disk))
    }

    pub(crate) fn start(root: PathBuf, paths: BTreeMap<PathBuf, Id>, log: Option<Vec<Op>>) -> Self {
        let next = paths.values().max().map_or(1, |id| id + 1);
        let state = Mutex::new(State { faults: Faults::default(), log, paths, next });
        let shared = Arc::new(Shared { root, state, gate: Mutex::default(), moved: Condvar::new() });
        let mut watches = unpoisoned(&WATCHES);
        watches.push(Some(shared.clone()));
        COUNT.fetch_add(1, Ordering::SeqCst);
        Self { shared, number: watches.len() - 1 }
    }

    /// Number of changes so far: a time for a power cut.
    #[must_use]
    pub fn moment(&self) -> usize {
        self.shared.state().log.as_ref().map_or(0, Vec::len)
    }

    /// All changes so far, in order.
    #[must_use]
    pub fn ops(&self) -> Vec<Op> {
        self.shared.state().log.clone().unwrap_or_default()
    }

    /// Sets the faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// Blocks all syncs until the gate is dropped.
    #[must_use]
    pub fn hold_syncs(&self) -> Gate<'_> {
        unpoisoned(&self.shared.gate).is_closed = true;
        Gate(&self.shared)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(slot) = unpoisoned(&WATCHES).get_mut(self.number) {
            *slot = None;
        }
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate<'_> {
    /// Waits until a sync is blocked.
    pub fn wait_for_sync(&self) {
        let mut gate = unpoisoned(&self.0.gate);
        while gate.waiting == 0 {
            gate = self.0.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        unpoisoned(&self.0.gate).is_closed = false;
        self.0.moved.notify_all();
    }
}

/// Whether any folder is watched.
pub(crate) fn is_any() -> bool {
    COUNT.load(Ordering::SeqCst) > 0
}

/// The watch that contains a path, with its number.
pub(crate) fn of_path(path: &Path) -> Option<(u32, Arc<Shared>)> {
    let watches = unpoisoned(&WATCHES);
    let found =
        (0..).zip(watches.iter()).find(|(_, watch)| watch.as_ref().is_some_and(|watch| path.starts_with(&watch.root)));
    found.and_then(|(number, watch)| Some((number, watch.clone()?)))
}

/// A watch by its number, if it is still active.
pub(crate) fn of_number(number: u32) -> Option<Arc<Shared>> {
    unpoisoned(&WATCHES).get(usize::try_from(number).ok()?)?.clone()
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        unpoisoned(&self.state)
    }

    /// Waits while syncs are blocked.
    pub(crate) fn pass_gate(&self) {
        let mut gate = unpoisoned(&self.gate);
        gate.waiting += 1;
        self.moved.notify_all();
        while gate.is_closed {
            gate = self.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        gate.waiting -= 1;
    }

    /// A path below the root.
    pub(crate) fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }

    /// The whole path of a file.
    pub(crate) fn path_of(&self, id: Id) -> Option<PathBuf> {
        self.state().path_of(id).map(|path| self.root.join(path))
    }
}

impl State {
    pub(crate) fn note(&mut self, op: Op) {
        if let Some(log) = &mut self.log {
            log.push(op);
        }
    }

    pub(crate) fn path_of(&self, id: Id) -> Option<PathBuf> {
        self.paths.iter().find(|(_, other)| **other == id).map(|(path, _)| path.clone())
    }

    /// The path in the form that faults use.
    pub(crate) fn name_of(&self, id: Id) -> String {
        self.path_of(id).unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn id(&self, path: &Path) -> Option<Id> {
        self.paths.get(path).copied()
    }

    /// A file or folder was created.
    pub(crate) fn created(&mut self, path: PathBuf, is_dir: bool) -> Id {
        let id = self.next;
        self.next += 1;
        let (dir, name) = self.locate(&path);
        self.paths.insert(path, id);
        self.note(Op::Create { dir, name, id, is_dir });
        id
    }

    pub(crate) fn unlinked(&mut self, path: &Path) {
        let (dir, name) = self.locate(path);
        self.paths.remove(path);
        self.note(Op::Unlink { dir, name });
    }

    pub(crate) fn renamed(&mut self, from: &Path, to: &Path) {
        let ((dir, name), (to_dir, to_name)) = (self.locate(from), self.locate(to));
        let moved: Vec<(PathBuf, Id)> = self
            .paths
            .iter()
            .filter_map(|(path, id)| Some((path.strip_prefix(from).ok()?.to_path_buf(), *id)))
            .collect();
        self.paths.retain(|path, _| !path.starts_with(from) && !path.starts_with(to));
        for (below, id) in moved {
            // Joining an empty path would end the path with a separator.
            let path = if below.as_os_str().is_empty() { to.to_path_buf() } else { to.join(below) };
            self.paths.insert(path, id);
        }
        self.note(Op::Rename { dir, name, to_dir, to_name });
    }

    fn locate(&self, path: &Path) -> (Id, String) {
        let dir = path.parent().and_then(|parent| self.id(parent)).unwrap_or(0);
        (dir, path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
