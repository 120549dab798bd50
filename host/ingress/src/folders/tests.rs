//! Real files in temporary folders, a manual clock, and a sink that records or refuses.

mod attacks;
mod senders;

use std::collections::BTreeMap;
use std::fs;

use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::sink::BoxFuture;

#[derive(Default)]
struct Notes {
    taken: Mutex<Vec<Event>>,
    answer: Mutex<Option<SinkError>>,
}

impl Sink for Notes {
    fn accept(&self, events: Vec<Incoming>) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            if let Some(error) = self.answer.lock().clone() {
                return Err(error);
            }
            self.taken.lock().extend(events.into_iter().map(|incoming| incoming.event));
            Ok(())
        })
    }
}

const START: Timestamp = Timestamp(1_790_000_000_000);

struct Bench {
    folder: TempDir,
    scanner: FolderScanner,
    sink: Notes,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let scanner = scanner(folder.path());
        Self { folder, scanner, sink: Notes::default(), now: START }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("written");
    }

    fn has(&self, path: &str) -> bool {
        self.folder.path().join(path).symlink_metadata().is_ok()
    }

    async fn scan_after(&mut self, ms: u64) -> ScanReport {
        self.now = self.now.plus_ms(ms);
        self.scanner.scan_once(&self.sink, self.now).await.expect("a scan")
    }

    /// The events that the store would keep: one per id.
    fn ids(&self) -> BTreeMap<String, String> {
        let taken = self.sink.taken.lock();
        taken.iter().map(|e| (e.id.clone(), e.subject.clone().unwrap_or_default())).collect()
    }
}

fn scanner(folder: &Path) -> FolderScanner {
    let settings = FolderSettings {
        name: "drops".to_owned(),
        path: folder.to_owned(),
        archive: Some(folder.to_owned()),
        pattern: "*.xml".to_owned(),
        content_type: None,
        settle_ms: 2_000,
        done_days: 7,
    };
    FolderScanner::new("leads".parse().expect("a name"), settings, PathBuf::new(), 100)
}

#[tokio::test]
async fn a_file_is_delivered_once_when_it_has_settled() {
    let mut bench = Bench::new();
    bench.write("a.XML", "<adf/>");
    assert_eq!(bench.scan_after(0).await.unsettled, 1);
    assert_eq!(bench.scan_after(1_999).await.unsettled, 1);
    assert_eq!(bench.scan_after(1).await.delivered, ["a.XML"]);
    assert_eq!(bench.scan_after(10_000).await, ScanReport::default());
    let event = bench.sink.taken.lock().first().cloned().expect("an event");
    assert_eq!((event.source.as_str(), event.data.as_slice()), ("/folders/leads/drops", b"<adf/>".as_slice()));
    assert_eq!(event.data_content_type.as_deref(), Some("application/xml"));
    assert_eq!(event.check(), Ok(()));
    assert!(bench.has("done/2026-09-21/a.XML") && !bench.has("a.XML"));
}

#[tokio::test]
async fn a_file_that_grows_waits_until_it_stops() {
    let mut bench = Bench::new();
    for part in ["<a", "<adf", "<adf/>"] {
        bench.write("a.xml", part);
        assert_eq!(bench.scan_after(1_500).await.unsettled, 1, "{part}");
    }
    assert_eq!(bench.scan_after(2_000).await.delivered, ["a.xml"]);
    assert_eq!(bench.sink.taken.lock().first().map(|e| e.data.clone()), Some(b"<adf/>".to_vec()));
}

#[tokio::test]
async fn unfinished_names_other_patterns_and_folders_are_left_alone() {
    let mut bench = Bench::new();
    for name in [".hidden.xml", "a.xml.tmp", "a.xml.part", "b.csv", "~$c.xml", "d.xml~"] {
        bench.write(name, "x");
    }
    fs::create_dir(bench.folder.path().join("folder.xml")).expect("made");
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(10_000).await, ScanReport::default());
    assert!(bench.has("a.xml.part") && bench.has("b.csv") && bench.has("folder.xml"));
}

#[tokio::test]
async fn links_pipes_and_large_files_are_refused_with_a_reason() {
    let mut bench = Bench::new();
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), "root:x").expect("written");
    std::os::unix::fs::symlink(secret.path(), bench.folder.path().join("link.xml")).expect("linked");
    let pipe = bench.folder.path().join("pipe.xml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    bench.write("big.xml", &"x".repeat(101));
    let mut refused = bench.scan_after(0).await.refused;
    refused.extend(bench.scan_after(2_000).await.refused);
    let mut names: Vec<_> = refused.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["big.xml", "link.xml", "pipe.xml"]);
    let reason = fs::read_to_string(bench.folder.path().join("refused/big.xml.reason.txt")).expect("a reason");
    assert_eq!(
        reason,
        "big.xml was refused: it has 101 bytes; at most 100 are accepted (`[limits.engine] event-bytes`)\n"
    );
    assert!(bench.has("refused/link.xml") && bench.sink.taken.lock().is_empty());
    assert_eq!(fs::read_to_string(secret.path()).expect("still there"), "root:x");
}

#[tokio::test]
async fn a_crash_before_the_move_delivers_again_with_the_same_id() {
    let mut bench = Bench::new();
    bench.write("a.xml", "<adf/>");
    bench.scan_after(0).await;
    // The move fails, as after a crash: delivered but still there.
    fs::write(bench.folder.path().join("done"), "in the way").expect("written");
    assert_eq!(bench.scan_after(2_000).await.troubles.len(), 1);
    assert_eq!(bench.scan_after(2_000).await.troubles.len(), 1);
    assert_eq!(bench.sink.taken.lock().len(), 1, "delivered again by the same process");
    fs::remove_file(bench.folder.path().join("done")).expect("removed");
    bench.scanner = scanner(bench.folder.path());
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(2_000).await.delivered, ["a.xml"]);
    assert_eq!(bench.sink.taken.lock().len(), 2);
    assert_eq!(bench.ids().len(), 1, "the store sees one event");
}

#[tokio::test]
async fn a_later_file_with_the_same_name_is_another_event() {
    let mut bench = Bench::new();
    for text in ["one", "two"] {
        bench.write("a.xml", text);
        bench.scan_after(0).await;
        assert_eq!(bench.scan_after(2_000).await.delivered, ["a.xml"]);
    }
    assert_eq!(bench.ids().len(), 2);
    assert!(bench.has("done/2026-09-21/a.xml") && bench.has("done/2026-09-21/a.xml.1"));
}

#[tokio::test]
async fn a_busy_sink_leaves_the_files_in_the_folder() {
    let mut bench = Bench::new();
    bench.write("a.xml", "1");
    bench.write("b.xml", "2");
    bench.scan_after(0).await;
    *bench.sink.answer.lock() = Some(SinkError::Busy("queue".to_owned()));
    let report = bench.scan_after(2_000).await;
    assert!(report.busy.is_some() && report.delivered.is_empty());
    *bench.sink.answer.lock() = None;
    assert_eq!(bench.scan_after(0).await.delivered.len(), 2);
    *bench.sink.answer.lock() = Some(SinkError::Refused("gone".to_owned()));
    bench.write("c.xml", "3");
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(2_000).await.refused, [("c.xml".to_owned(), "gone".to_owned())]);
}

#[tokio::test]
async fn only_old_files_in_done_are_deleted() {
    let mut bench = Bench::new();
    bench.write("a.xml", "1");
    bench.scan_after(0).await;
    bench.scan_after(2_000).await;
    fs::create_dir(bench.folder.path().join("done/keep")).expect("made");
    bench.scan_after(7 * 86_400_000).await;
    assert!(bench.has("done/2026-09-21/a.xml"), "on the seventh day");
    bench.scan_after(86_400_000).await;
    assert!(!bench.has("done/2026-09-21") && bench.has("done/keep"));
}

#[tokio::test]
async fn a_missing_folder_is_an_error() {
    let mut bench = Bench::new();
    fs::remove_dir_all(bench.folder.path()).expect("removed");
    assert!(bench.scanner.scan_once(&bench.sink, START).await.is_err());
}

#[test]
fn patterns_are_case_insensitive_and_use_constant_memory() {
    for (pattern, name, fits) in [
        ("*.xml", "Lead.XML", true),
        ("*.xml", "xml", false),
        ("lead-??.csv", "lead-07.csv", true),
        ("lead-??.csv", "lead-7.csv", false),
        ("*", "anything", true),
        ("a*b*c", "aXXbYYc", true),
        ("a*b*c", "aXXbYY", false),
        ("", "", true),
        ("é*", "É1", true),
    ] {
        assert_eq!(files::matches(pattern, name), fits, "{pattern} {name}");
    }
    assert!(!files::matches(&"*a".repeat(200), &"a".repeat(199)));
}
