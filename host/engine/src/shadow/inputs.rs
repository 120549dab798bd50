//! The recorded inputs of a delivery that runs again: answers to its look-ups, and the state as it was then. Uses no
//! network and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use handoff_model::call::{LookUps, StateReadError, StateReader};
use handoff_model::grants::Grants;
use handoff_model::http::{Exchange, HttpError, Request, Response};
use handoff_model::names::InstallationId;
use handoff_store::Store;

/// Look-ups without a recorded answer that are listed; more are only counted.
const NAMED_MAX: usize = 5;
/// Most bytes of values that one run keeps because live deliveries replace them meanwhile. Beyond it, state counts as
/// assumed.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// Rows of present state read at a time.
const CHUNK: usize = 256;

type Values = BTreeMap<String, Option<Vec<u8>>>;

/// Answers look-ups from a recording; matches the whole request.
pub(super) struct RecordedLookUps {
    exchanges: Vec<Exchange>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    used: BTreeSet<usize>,
    missing: NotRecorded,
}

/// Look-ups without a recorded answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotRecorded {
    /// How many.
    pub count: u64,
    /// The first of them: method and URL.
    pub named: Vec<String>,
}

impl RecordedLookUps {
    pub(super) fn new(exchanges: Vec<Exchange>) -> Self {
        Self { exchanges, asked: Mutex::default() }
    }

    pub(super) fn not_recorded(&self) -> NotRecorded {
        self.asked.lock().missing.clone()
    }

    /// Returns each recorded answer once, in order; after that, the last one again.
    fn answer(&self, request: &Request) -> Result<Response, HttpError> {
        let mut asked = self.asked.lock();
        let is_same = |exchange: &Exchange| exchange.request == *request;
        let all = || self.exchanges.iter().enumerate().filter(|(_, exchange)| is_same(exchange));
        let next = all().find(|(index, _)| !asked.used.contains(index)).or_else(|| all().next_back());
        if let Some((index, exchange)) = next {
            asked.used.insert(index);
            return exchange.result.clone();
        }
        let what = format!("{} {}", request.method, request.url);
        asked.missing.count += 1;
        let text = format!("not-recorded: the recorded delivery did not ask {what}, so that a replay has no answer");
        if asked.missing.named.len() < NAMED_MAX {
            asked.missing.named.push(super::fields::cut(&what));
        }
        Err(HttpError::Unreachable(text))
    }
}

impl LookUps for RecordedLookUps {
    fn fetch<'a>(&'a self, _: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        std::future::ready(self.answer(request)).boxed()
    }
}

/// Where live deliveries save the values that they are about to replace, while a run reads state beside them.
#[derive(Default)]
pub(crate) struct Taps {
    open: AtomicUsize,
    taps: Mutex<Vec<Weak<Tap>>>,
}

/// What one run keeps of the state as it was when the run began.
pub(super) struct Tap {
    installation: InstallationId,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    values: Values,
    bytes: usize,
    overflown: bool,
}

impl Taps {
    pub(super) fn open(&self, installation: InstallationId) -> Arc<Tap> {
        let tap = Arc::new(Tap { installation, kept: Mutex::default() });
        let mut taps = self.taps.lock();
        taps.retain(|tap| tap.strong_count() > 0);
        taps.push(Arc::downgrade(&tap));
        self.open.store(taps.len(), Ordering::Release);
        tap
    }

    /// Called before a delivery passes its writes to the store. Costs one read of a number unless a run is active.
    pub(crate) fn before_commit(&self, store: &Store, id: InstallationId, writes: &Values) {
        if self.open.load(Ordering::Acquire) == 0 || writes.is_empty() {
            return;
        }
        let open: Vec<Arc<Tap>> = {
            let mut taps = self.taps.lock();
            taps.retain(|tap| tap.strong_count() > 0);
            self.open.store(taps.len(), Ordering::Release);
            taps.iter().filter_map(Weak::upgrade).filter(|tap| tap.installation == id).collect()
        };
        for tap in open {
            tap.keep(store, writes);
        }
    }
}

impl Tap {
    /// The first value that is kept of a key is the one from before the run.
    fn keep(&self, store: &Store, writes: &Values) {
        for key in writes.keys() {
            if self.kept.lock().values.contains_key(key) {
                continue;
            }
            let value = store.state_get(self.installation, key);
            let mut kept = self.kept.lock();
            kept.bytes += key.len() + value.as_ref().map_or(0, |value| value.as_ref().map_or(0, Vec::len));
            kept.overflown |= kept.bytes > KEPT_BYTES_MAX || value.is_err();
            if kept.overflown {
                kept.values.clear();
                return;
            }
            kept.values.entry(key.clone()).or_insert(value.unwrap_or_default());
        }
    }
}

/// An installation's state at a time in the past, overlaid with the writes of a run.
pub(super) struct PastState {
    store: Store,
    installation: InstallationId,
    tap: Arc<Tap>,
    layer: Mutex<Layer>,
}

#[derive(Default)]
struct Layer {
    /// What differs from the present: values from before the run's first delivery, then the run's writes.
    values: Values,
    bytes: usize,
    /// Keys whose value here is assumed.
    unknown: BTreeSet<String>,
    /// Everything that is not in `values` may have changed since.
    present_is_unsure: bool,
    /// A value was read that is not certain.
    assumed: bool,
    /// The values that were read.
    read: Values,
}

impl PastState {
    pub(super) fn new(
        (store, installation): (Store, InstallationId),
        tap: Arc<Tap>,
        values: Values,
        unknown: BTreeSet<String>,
        present_is_unsure: bool,
    ) -> Self {
        let bytes = values.iter().map(|(key, value)| size(key, value)).sum();
        let layer = Layer { values, bytes, unknown, present_is_unsure, ..Layer::default() };
        Self { store, installation, tap, layer: Mutex::new(layer) }
    }

    /// Overlays the state with writes. Returns the size of all overlaid writes so far, in bytes.
    pub(super) fn write(&self, writes: impl IntoIterator<Item = (String, Option<Vec<u8>>)>) -> usize {
        let mut layer = self.layer.lock();
        for (key, value) in writes {
            layer.unknown.remove(&key);
            layer.bytes += size(&key, &value);
            if let Some(old) = layer.values.insert(key.clone(), value) {
                layer.bytes = layer.bytes.saturating_sub(size(&key, &old));
            }
        }
        layer.bytes
    }

    /// From now on, present values count as uncertain.
    pub(super) fn distrust_present(&self) {
        self.layer.lock().present_is_unsure = true;
    }

    /// Returns whether anything that was read since the last call was assumed, and everything that was read.
    pub(super) fn take_notes(&self) -> (bool, Values) {
        let mut layer = self.layer.lock();
        (std::mem::take(&mut layer.assumed), std::mem::take(&mut layer.read))
    }

    /// Overlays rows of the present state with what differs: keys with `prefix` after `after`, up to `until`.
    fn lay_over(&self, rows: &mut BTreeMap<String, Vec<u8>>, prefix: &str, after: Option<&str>, until: Option<&str>) {
        let is_in = |key: &str| {
            key.starts_with(prefix) && after.is_none_or(|after| key > after) && until.is_none_or(|until| key <= until)
        };
        let mut lay = |key: &String, value: &Option<Vec<u8>>| match value {
            Some(value) => drop(rows.insert(key.clone(), value.clone())),
            None => drop(rows.remove(key)),
        };
        let mut layer = self.layer.lock();
        {
            let kept = self.tap.kept.lock();
            layer.assumed |= kept.overflown;
            let from_tap = kept.values.iter().filter(|(key, _)| is_in(key) && !layer.values.contains_key(*key));
            from_tap.for_each(|(key, value)| lay(key, value));
        }
        let from = layer.values.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        from.filter(|(key, _)| is_in(key)).for_each(|(key, value)| lay(key, value));
        let is_guess =
            layer.unknown.range(prefix.to_owned()..).take_while(|key| key.starts_with(prefix)).any(|key| is_in(key));
        layer.assumed |= is_guess || layer.present_is_unsure;
    }
}

impl StateReader for PastState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        let mut layer = self.layer.lock();
        let value = match layer.values.get(key).cloned() {
            Some(value) => {
                layer.assumed |= layer.unknown.contains(key);
                value
            }
            None => {
                // Read the present first: if it is new already, the tap has the old value by now.
                let now = self.store.state_get(self.installation, key);
                let now = now.map_err(|error| StateReadError(error.to_string()))?;
                let kept = self.tap.kept.lock();
                layer.assumed |= kept.overflown || layer.present_is_unsure;
                kept.values.get(key).cloned().unwrap_or(now)
            }
        };
        layer.read.insert(key.to_owned(), value.clone());
        Ok(value)
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError> {
        let mut found = Vec::new();
        let mut after = after.map(ToOwned::to_owned);
        while found.len() < limit {
            let rows = self.store.state_scan(self.installation, prefix, after.as_deref(), CHUNK);
            let rows = rows.map_err(|error| StateReadError(error.to_string()))?;
            let until = rows.last().filter(|_| rows.len() == CHUNK).map(|(key, _)| key.clone());
            let mut rows: BTreeMap<_, _> = rows.into_iter().collect();
            self.lay_over(&mut rows, prefix, after.as_deref(), until.as_deref());
            found.extend(rows);
            after = until;
            if after.is_none() {
                break;
            }
        }
        found.truncate(limit);
        let read = found.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        self.layer.lock().read.extend(read);
        Ok(found)
    }
}

fn size(key: &str, value: &Option<Vec<u8>>) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len)
}
