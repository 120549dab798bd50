//! What real senders do to a watched folder: stop in the middle, use a name again, choose odd names and times, and
//! remove a file again.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, SystemTime};

use super::*;

impl Bench {
    /// Lets what lies in the folder settle; returns the report of the scan that takes it.
    async fn settle(&mut self) -> ScanReport {
        let first = self.scan_after(0).await;
        assert_eq!(first.delivered, Vec::<String>::new(), "not settled yet");
        self.scan_after(2_000).await
    }

    /// The names in the folder itself.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("readable").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != "done" && name != "refused");
        names.sort();
        names
    }

    fn texts(&self) -> Vec<String> {
        self.sink.taken.lock().iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect()
    }
}

#[tokio::test]
async fn a_file_that_stalled_and_comes_again_whole_is_another_event() {
    let mut bench = Bench::new();
    bench.write("stalled.xml", "<half");
    assert_eq!(bench.settle().await.delivered, ["stalled.xml"], "no pause tells a stalled sender from a done one");
    bench.write("stalled.xml", "<half/>");
    assert_eq!(bench.settle().await.delivered, ["stalled.xml"]);
    assert_eq!((bench.texts(), bench.ids().len()), (vec!["<half".to_owned(), "<half/>".to_owned()], 2));
}

#[tokio::test]
async fn the_same_name_every_day_is_another_event_and_nothing_is_overwritten() {
    let mut bench = Bench::new();
    for text in ["monday", "tuesday", "tuesday"] {
        bench.write("daily.xml", text);
        assert_eq!(bench.settle().await.delivered, ["daily.xml"]);
    }
    assert_eq!((bench.ids().len(), bench.left()), (3, Vec::new()));
    for kept in ["daily.xml", "daily.xml.1", "daily.xml.2"] {
        assert!(bench.has(&format!("done/2026-09-21/{kept}")), "{kept}");
    }
}

#[tokio::test]
async fn files_with_odd_names_are_taken_each_once() {
    let mut bench = Bench::new();
    let long = format!("{}.xml", "a".repeat(251));
    let composed = "M\u{fc}ller.xml";
    let decomposed = "Mu\u{308}ller.xml";
    let odd: [&[u8]; 9] = [
        composed.as_bytes(),
        decomposed.as_bytes(),
        b"latin1-\xe9.xml",
        b"new\nline.xml",
        b"-rf.xml",
        b" .xml",
        long.as_bytes(),
        b"UPPER.XML",
        b"done.xml",
    ];
    for (number, name) in odd.iter().enumerate() {
        fs::write(bench.folder.path().join(OsStr::from_bytes(name)), number.to_string()).expect("written");
    }
    let report = bench.settle().await;
    assert_eq!((report.delivered.len(), report.refused.len(), report.troubles.len()), (odd.len(), 0, 0), "{report:?}");
    assert_eq!((bench.ids().len(), bench.left()), (odd.len(), Vec::new()));
    let taken = bench.sink.taken.lock();
    assert!(taken.iter().all(|event| event.check() == Ok(())), "each is a valid event");
}

#[tokio::test]
async fn an_empty_file_is_taken_or_refused_once() {
    let mut bench = Bench::new();
    bench.write("empty.xml", "");
    let report = bench.settle().await;
    assert_eq!(report.delivered.len() + report.refused.len(), 1, "{report:?}");
    assert_eq!(bench.left(), Vec::<String>::new());
    assert_eq!(bench.scan_after(10_000).await, ScanReport::default());
}

#[tokio::test]
async fn files_settle_whatever_their_time_says() {
    let mut bench = Bench::new();
    let in_2100 = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    for (name, time) in [("future.xml", in_2100), ("past.xml", SystemTime::UNIX_EPOCH)] {
        bench.write(name, name);
        let file = fs::File::options().write(true).open(bench.folder.path().join(name)).expect("opened");
        file.set_modified(time).expect("the time is set");
    }
    assert_eq!(bench.settle().await.delivered, ["past.xml", "future.xml"]);
}

#[tokio::test]
async fn a_file_removed_before_it_settled_leaves_no_trace() {
    let mut bench = Bench::new();
    bench.write("gone.xml", "x");
    bench.scan_after(0).await;
    fs::remove_file(bench.folder.path().join("gone.xml")).expect("removed");
    assert_eq!(bench.scan_after(2_000).await, ScanReport::default());
}

#[tokio::test]
async fn a_thousand_files_at_once_are_all_taken() {
    let mut bench = Bench::new();
    for number in 0..1_200 {
        bench.write(&format!("many-{number:04}.xml"), &number.to_string());
    }
    let mut scans = 0;
    bench.scan_after(0).await;
    while !bench.left().is_empty() {
        bench.scan_after(2_000).await;
        scans += 1;
        assert!(scans < 100, "{} files are left", bench.left().len());
    }
    assert_eq!(bench.ids().len(), 1_200);
}
