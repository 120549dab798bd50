//! Real folders with links in every place where a stranger could put one.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use tempfile::TempDir;

/// A folder that strangers may write, and a file that they may not.
struct Bench {
    shared: TempDir,
    private: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { shared: tempfile::tempdir().unwrap(), private: tempfile::tempdir().unwrap() };
        fs::write(bench.victim(), "precious").unwrap();
        bench
    }

    fn victim(&self) -> PathBuf {
        self.private.path().join("victim")
    }

    fn folder(&self) -> Folder {
        Folder::open(self.shared.path()).unwrap()
    }

    #[track_caller]
    fn untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.private.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["victim"], "nothing may be placed or removed");
        assert_eq!(fs::read_to_string(self.victim()).unwrap(), "precious");
    }
}

#[test]
fn a_link_is_replaced_and_never_written_or_read_through() {
    let bench = Bench::new();
    let folder = bench.folder();
    symlink(bench.victim(), bench.shared.path().join("file")).unwrap();
    assert!(folder.read("file", 100).unwrap_err().to_string().contains("symbolic link"));
    assert!(folder.lock("file").unwrap_err().to_string().contains("symbolic link"));
    folder.replace("file", b"mine", PUBLIC_FILE).unwrap();
    assert_eq!(folder.read("file", 2).unwrap(), Some(b"mi".to_vec()));
    assert!(!bench.shared.path().join("file").is_symlink());
    // A lock would create the file that a dangling link names.
    symlink(bench.private.path().join("new"), bench.shared.path().join("lock")).unwrap();
    assert!(folder.lock("lock").is_err());
    bench.untouched();
    assert_eq!(folder.names().unwrap().len(), 2, "no temporary file may stay");
}

#[test]
fn links_in_place_of_folders_are_not_followed() {
    let bench = Bench::new();
    let path = bench.shared.path().join("sub");
    symlink(bench.private.path(), &path).unwrap();
    for refused in
        [bench.folder().child("sub"), bench.folder().child_or_create("sub", PUBLIC_FOLDER), Folder::open(&path)]
    {
        assert!(refused.unwrap_err().to_string().contains("symbolic link"));
    }
    bench.untouched();
}

#[test]
fn a_path_may_contain_links_of_its_own_user() {
    let bench = Bench::new();
    let link = bench.shared.path().join("mine");
    symlink(bench.private.path(), &link).unwrap();
    assert!(Folder::open_linked(&link).unwrap().has("victim").unwrap());
    replace(&link.join("a/b/file"), b"x", PRIVATE_FILE, PRIVATE_FOLDER).unwrap();
    let mode = |path: &str| fs::metadata(bench.private.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("a"), mode("a/b"), mode("a/b/file")], [0o700, 0o700, 0o600]);
    let loops = bench.shared.path().join("loop");
    symlink(&loops, &loops).unwrap();
    assert!(Folder::create(&loops, PUBLIC_FOLDER).is_err());
    assert!(replace(Path::new("/"), b"x", PUBLIC_FILE, PUBLIC_FOLDER).is_err());
}

#[test]
fn links_of_another_user_are_not_followed() {
    let bench = Bench::new();
    let link = bench.shared.path().join("theirs");
    symlink(bench.private.path(), &link).unwrap();
    // Only root can make links in another user's name.
    if std::os::unix::fs::lchown(&link, Some(65_534), None).is_err() {
        return;
    }
    for refused in [Folder::open_linked(&link), Folder::create(&link.join("a"), PUBLIC_FOLDER)] {
        assert!(refused.unwrap_err().to_string().contains("symbolic link"));
    }
    bench.untouched();
}

#[test]
fn only_regular_files_are_read() {
    let bench = Bench::new();
    let pipe = bench.shared.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(bench.folder().read("pipe", 10).unwrap_err().to_string().contains("not a regular file"));
    assert_eq!(bench.folder().read("nothing", 10).unwrap(), None);
    fs::create_dir(bench.shared.path().join("folder")).unwrap();
    assert!(bench.folder().read("folder", 10).is_err());
}
