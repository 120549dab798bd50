//! Attacks by a user who may write in the watched folder: links at every path that the host uses, and files that are not
//! the sender's own.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

/// A folder of the host that no sender may reach, and a file in it.
fn victim() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("victim");
    fs::write(&file, "precious").expect("written");
    (folder, file)
}

fn untouched(victim: &(TempDir, PathBuf)) {
    let names: Vec<_> = fs::read_dir(victim.0.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["victim"], "nothing was placed or deleted");
    assert_eq!(fs::read_to_string(&victim.1).expect("still there"), "precious");
}

#[tokio::test]
async fn links_in_place_of_done_refused_and_days_are_not_followed() {
    let victim = victim();
    let mut bench = Bench::new();
    for name in ["done", "refused"] {
        symlink(victim.0.path(), bench.folder.path().join(name)).expect("linked");
    }
    bench.write("a.xml", "<adf/>");
    bench.write("big.xml", &"x".repeat(101));
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(2_000).await.troubles.len(), 2);
    let done = bench.folder.path().join("done");
    fs::remove_file(&done).expect("removed");
    fs::create_dir(&done).expect("made");
    for day in ["2026-09-21", "2020-01-01"] {
        symlink(victim.0.path(), done.join(day)).expect("linked");
    }
    assert_eq!(bench.scan_after(2_000).await.troubles.len(), 2);
    untouched(&victim);
}

#[tokio::test]
async fn a_link_at_the_reason_file_is_not_written_through() {
    let victim = victim();
    let mut bench = Bench::new();
    let refused = bench.folder.path().join("refused");
    fs::create_dir(&refused).expect("made");
    symlink(&victim.1, refused.join("big.xml.reason.txt")).expect("linked");
    bench.write("big.xml", &"x".repeat(101));
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(2_000).await.refused.len(), 1);
    untouched(&victim);
    assert!(bench.has("refused/big.xml.1.reason.txt"));
}

#[tokio::test]
async fn a_watched_folder_that_became_a_link_is_an_error() {
    let victim = victim();
    let inside = victim.0.path().join("victim.xml");
    fs::rename(&victim.1, &inside).expect("moved");
    let parent = tempfile::tempdir().expect("a folder");
    let path = parent.path().join("drops");
    symlink(victim.0.path(), &path).expect("linked");
    let error = scanner(&path).scan_once(&Notes::default(), START).await.expect_err("a link");
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(inside.exists());
}

#[tokio::test]
async fn a_file_with_a_second_name_is_refused_unread() {
    let mut bench = Bench::new();
    let other = bench.folder.path().join("other.bin");
    fs::write(&other, "precious").expect("written");
    fs::hard_link(&other, bench.folder.path().join("a.xml")).expect("linked");
    bench.scan_after(0).await;
    let refused = bench.scan_after(2_000).await.refused;
    let expected = |(name, reason): &(String, String)| name == "a.xml" && reason.contains("hard link");
    assert!(refused.len() == 1 && refused.iter().all(expected), "{refused:?}");
    assert!(bench.sink.taken.lock().is_empty());
    assert_eq!(fs::read_to_string(&other).expect("still there"), "precious");
}

#[tokio::test]
async fn an_archive_that_others_may_write_is_not_used() {
    let mut bench = Bench::new();
    fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    bench.write("big.xml", &"x".repeat(101));
    bench.scan_after(0).await;
    let troubles = bench.scan_after(2_000).await.troubles;
    assert!(troubles.iter().any(|(_, problem)| problem.contains("written by other users")), "{troubles:?}");
}

#[tokio::test]
async fn the_archive_is_for_the_hosts_user_alone() {
    let mut bench = Bench::new();
    bench.write("a.xml", "<adf/>");
    bench.write("big.xml", &"x".repeat(101));
    bench.scan_after(0).await;
    bench.scan_after(2_000).await;
    let mode = |name: &str| bench.folder.path().join(name).metadata().expect("it").permissions().mode() & 0o777;
    for folder in ["done", "done/2026-09-21", "refused"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["done/2026-09-21/a.xml", "refused/big.xml", "refused/big.xml.reason.txt"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[tokio::test]
async fn odd_names_are_taken_and_stay_distinct() {
    let mut bench = Bench::new();
    let long = format!("{}.xml", "a".repeat(251));
    for name in [b"latin1-\xe9.xml".as_slice(), b"new\nline.xml", b"-rf.xml", b" .xml", long.as_bytes()] {
        fs::write(bench.folder.path().join(std::ffi::OsStr::from_bytes(name)), "<adf/>").expect("written");
    }
    bench.scan_after(0).await;
    let report = bench.scan_after(2_000).await;
    assert_eq!((report.delivered.len(), report.refused.len(), report.troubles.len()), (5, 0, 0), "{report:?}");
    assert_eq!(bench.ids().len(), 5);
    assert_eq!(fs::read_dir(bench.folder.path().join("done/2026-09-21")).expect("the day").count(), 5);
}

#[tokio::test]
async fn an_empty_file_is_refused_once() {
    let mut bench = Bench::new();
    bench.write("empty.xml", "");
    bench.scan_after(0).await;
    assert_eq!(bench.scan_after(2_000).await.refused, [("empty.xml".to_owned(), "it is empty".to_owned())]);
    assert_eq!(bench.scan_after(2_000).await, ScanReport::default());
}
