//! Keeps which conditions are open: compares what the host finds wrong now with what it found before. Each condition is
//! known by its kind and subject, so that the same one is one incident however often it is found. Reads and writes
//! nothing itself.

use std::collections::BTreeMap;

use handoff_control::incidents::IncidentView;
use handoff_model::host_records::IncidentRecord;
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_store::Store;
use serde_json::Value;

use super::raise::scope_of;

/// A condition that comes back within this time is the same incident, so that one that comes and goes fills neither log
/// nor audit.
const QUIET_MS: u64 = 60_000;
/// Open conditions. More of them say nothing that these do not say.
const OPEN_MAX: usize = 1_000;

/// Something that the host stopped or refuses by itself, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// A kebab-case word: `paused`, `target-failing`.
    pub(crate) kind: &'static str,
    /// What it is about, within its kind.
    pub(crate) subject: String,
    /// The installations whose work it holds up. None: the whole host.
    pub(crate) affects: Vec<InstallationName>,
    /// Since when, if that is known; otherwise since it was found.
    pub(crate) since: Option<Timestamp>,
    /// What is wrong, in one sentence.
    pub(crate) message: String,
    /// What waits meanwhile.
    pub(crate) waits: Option<String>,
    /// What to do.
    pub(crate) command: Option<String>,
}

type Key = (String, String);

/// An open condition with its history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) id: String,
    pub(crate) since: Timestamp,
    /// How often it has begun.
    pub(crate) count: u64,
    pub(crate) condition: Condition,
}

/// A change to store.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Save {
    /// It is open. `is_news`: with an audit entry.
    Put { open: Open, is_news: bool },
    /// It is closed. With `ended`, it does not come back: with an audit entry.
    Remove { ended: Option<Open> },
}

/// A message for the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    Began(Open),
    Over(Open),
}

/// All open conditions of a host.
#[derive(Default)]
pub(crate) struct Keeper {
    open: BTreeMap<Key, Open>,
    /// Closed a moment ago: perhaps they come back.
    closed: BTreeMap<Key, (Timestamp, Open)>,
    /// Open when the host stopped, and not found again yet.
    restored: BTreeMap<Key, (String, IncidentRecord)>,
    /// What is not stored yet, by id.
    unsaved: BTreeMap<String, Save>,
    news: Vec<News>,
}

impl Keeper {
    /// Continues with the conditions that were open when the host stopped.
    pub(crate) fn restore(&mut self, stored: Vec<(String, IncidentRecord)>) {
        for (id, record) in stored.into_iter().filter(|(_, record)| record.closes_itself) {
            self.restored.insert((record.kind.clone(), record.subject.clone()), (id, record));
        }
    }

    /// What was open when the host stopped and has not been found since is over.
    pub(crate) fn forget_restored(&mut self) {
        for (_, (id, _)) in std::mem::take(&mut self.restored) {
            self.unsaved.insert(id, Save::Remove { ended: None });
        }
    }

    /// Takes over what is wrong now.
    pub(crate) fn update(&mut self, now: Timestamp, found: Vec<Condition>) {
        self.end_quiet(now);
        let mut before = std::mem::take(&mut self.open);
        for condition in found.into_iter().take(OPEN_MAX) {
            let key = (condition.kind.to_owned(), condition.subject.clone());
            let open = match before.remove(&key) {
                Some(open) => Open { condition, ..open },
                None => self.begin(&key, now, condition),
            };
            self.open.insert(key, open);
        }
        for (key, open) in before {
            self.unsaved.insert(open.id.clone(), Save::Remove { ended: None });
            self.closed.insert(key, (now, open));
        }
    }

    /// What was closed for a while is over: if it comes back, it is a new incident.
    fn end_quiet(&mut self, now: Timestamp) {
        let over = |closed_at: Timestamp| now < closed_at || now.since_ms(closed_at) >= QUIET_MS;
        for (_, (_, open)) in self.closed.extract_if(.., |_, (closed_at, _)| over(*closed_at)) {
            self.news.push(News::Over(open.clone()));
            self.unsaved.insert(open.id.clone(), Save::Remove { ended: Some(open) });
        }
    }

    fn begin(&mut self, key: &Key, now: Timestamp, condition: Condition) -> Open {
        if let Some((id, record)) = self.restored.remove(key) {
            return Open { id, since: record.at, count: record.count, condition };
        }
        if let Some((_, open)) = self.closed.remove(key) {
            let open = Open { count: open.count.saturating_add(1), condition, ..open };
            self.unsaved.insert(open.id.clone(), Save::Put { open: open.clone(), is_news: false });
            return open;
        }
        let since = condition.since.unwrap_or(now);
        let open = Open { id: id(now, &condition), since, count: 1, condition };
        self.news.push(News::Began(open.clone()));
        self.unsaved.insert(open.id.clone(), Save::Put { open: open.clone(), is_news: true });
        open
    }

    /// What has to be logged.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Open conditions, newest first.
    pub(crate) fn open(&self) -> Vec<Open> {
        let mut open: Vec<Open> = self.open.values().cloned().collect();
        open.sort_by_key(|open| std::cmp::Reverse(open.since));
        open
    }

    /// What has to be stored. The caller stores it, or returns it with [`Keeper::put_back`].
    pub(crate) fn take_unsaved(&mut self) -> BTreeMap<String, Save> {
        std::mem::take(&mut self.unsaved)
    }

    /// Changes that could not be stored. A newer change of the same incident counts.
    pub(crate) fn put_back(&mut self, unsaved: BTreeMap<String, Save>) {
        for (id, save) in unsaved {
            self.unsaved.entry(id).or_insert(save);
        }
    }
}

/// Ids sort by time, as those of other incidents do, and can be typed.
fn id(now: Timestamp, condition: &Condition) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let subject: String = condition.subject.chars().take(100).map(word).collect();
    format!("{:015}-{}-{subject}", now.0, condition.kind)
}

impl Open {
    pub(crate) fn record(&self) -> IncidentRecord {
        let Condition { kind, subject, message, command, .. } = self.condition.clone();
        IncidentRecord {
            at: self.since,
            kind: kind.to_owned(),
            subject,
            closes_itself: true,
            count: self.count,
            installation: self.installation(),
            message,
            command,
            evidence_json: "null".to_owned(),
        }
    }

    pub(crate) fn view(&self, store: &Store) -> IncidentView {
        let condition = self.condition.clone();
        IncidentView {
            id: self.id.clone(),
            at: self.since.into(),
            kind: condition.kind.to_owned(),
            subject: condition.subject,
            installation: self.installation(),
            scope: scope_of(store, self.installation().as_ref()),
            message: condition.message,
            waits: condition.waits,
            command: condition.command,
            closes_itself: true,
            count: self.count,
            evidence: Value::Null,
        }
    }

    /// The installation, if it concerns one.
    fn installation(&self) -> Option<InstallationName> {
        match self.condition.affects.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(subject: &str, message: &str) -> Condition {
        Condition {
            kind: "paused",
            subject: subject.to_owned(),
            affects: Vec::new(),
            since: None,
            message: message.to_owned(),
            waits: None,
            command: None,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    fn saved(keeper: &mut Keeper) -> Vec<String> {
        let word = |(id, save): (String, Save)| match save {
            Save::Put { open, is_news } => format!("put {id} {} {is_news}", open.count),
            Save::Remove { ended } => format!("remove {id} {}", ended.is_some()),
        };
        keeper.take_unsaved().into_iter().map(word).collect()
    }

    #[test]
    fn the_same_condition_is_one_incident_and_closes_when_it_is_over() {
        let mut keeper = Keeper::default();
        for second in 10..20 {
            keeper.update(at(second), vec![condition("north", &format!("{second} refused"))]);
        }
        let open = keeper.open();
        assert_eq!((open.len(), open[0].since, open[0].count), (1, at(10), 1));
        assert_eq!(open[0].condition.message, "19 refused", "the newest message counts");
        assert_eq!(saved(&mut keeper), ["put 000000000010000-paused-north 1 true"]);
        keeper.update(at(20), Vec::new());
        assert!(keeper.open().is_empty());
        assert_eq!(saved(&mut keeper), ["remove 000000000010000-paused-north false"]);
        keeper.update(at(80), Vec::new());
        assert_eq!(saved(&mut keeper), ["remove 000000000010000-paused-north true"], "it did not come back");
    }

    #[test]
    fn a_condition_that_comes_and_goes_is_counted_and_not_logged_again() {
        let mut keeper = Keeper::default();
        for second in 0..50 {
            let found = if second % 2 == 0 { vec![condition("crm:443 with north", "x")] } else { Vec::new() };
            keeper.update(at(second), found);
        }
        keeper.update(at(50), vec![condition("crm:443 with north", "x")]);
        let open = keeper.open();
        assert_eq!((open[0].since, open[0].count), (at(0), 26));
        assert_eq!(saved(&mut keeper), ["put 000000000000000-paused-crm-443-with-north 26 false"]);
        keeper.update(at(60), Vec::new());
        keeper.update(at(200), vec![condition("crm:443 with north", "x")]);
        assert_eq!(keeper.open()[0].since, at(200), "after a while it is a new one");
    }

    #[test]
    fn each_condition_is_logged_when_it_begins_and_when_it_is_over() {
        let mut keeper = Keeper::default();
        let mut told = Vec::new();
        for second in 0..200 {
            let found = if second < 50 && second % 3 > 0 { vec![condition("north", "x")] } else { Vec::new() };
            keeper.update(at(second), found);
            told.extend(keeper.take_news().into_iter().map(|news| match news {
                News::Began(open) => format!("{second}: began {}", open.count),
                News::Over(open) => format!("{second}: over after {}", open.count),
            }));
        }
        assert_eq!(told, ["1: began 1", "110: over after 17"]);
    }

    #[test]
    fn a_restart_continues_what_is_still_so_and_closes_the_rest() {
        let mut before = Keeper::default();
        before.update(at(10), vec![condition("north", "x"), condition("south", "x")]);
        let stored: Vec<_> = before.open().iter().map(|open| (open.id.clone(), open.record())).collect();
        let mut after = Keeper::default();
        after.restore(stored);
        after.update(at(100), vec![condition("north", "still")]);
        assert_eq!(after.open()[0].since, at(10));
        after.forget_restored();
        assert_eq!(saved(&mut after), ["remove 000000000010000-paused-south false"]);
    }

    #[test]
    fn what_could_not_be_stored_is_stored_later_unless_it_changed() {
        let mut keeper = Keeper::default();
        keeper.update(at(1), vec![condition("north", "x"), condition("south", "x")]);
        let unsaved = keeper.take_unsaved();
        keeper.update(at(2), vec![condition("north", "x")]);
        keeper.put_back(unsaved);
        let expected = ["put 000000000001000-paused-north 1 true", "remove 000000000001000-paused-south false"];
        assert_eq!(saved(&mut keeper), expected);
    }
}
