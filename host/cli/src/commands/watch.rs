//! Notices changes of a connector's files by their modification times. Reads no content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(200);
/// Files that are looked at; a folder with more is not a connector's.
const FILES_MAX: usize = 20_000;
/// Folders of build products and version control.
const SKIPPED: [&str; 8] =
    ["target", ".git", "node_modules", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", "dist"];

type Files = BTreeMap<PathBuf, (SystemTime, u64)>;

/// A folder under watch.
pub(super) struct Watched {
    folder: PathBuf,
    skipped: Vec<&'static str>,
    files: Files,
}

impl Watched {
    pub(super) fn new(folder: &Path) -> Self {
        Self::without(folder, &[])
    }

    /// A folder whose subfolders with these names are not watched.
    pub(super) fn without(folder: &Path, names: &[&'static str]) -> Self {
        let skipped = [&SKIPPED[..], names].concat();
        let files = read(folder, &skipped);
        Self { folder: folder.to_owned(), skipped, files }
    }

    /// Waits until files have changed since the last call and then stayed the same for a moment: editors write several.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if self.look() {
                while {
                    tokio::time::sleep(EVERY / 4).await;
                    self.look()
                } {}
                return;
            }
        }
    }

    /// Whether something has changed since the last look.
    pub(super) fn look(&mut self) -> bool {
        let files = read(&self.folder, &self.skipped);
        let changed = files != self.files;
        self.files = files;
        changed
    }
}

fn read(folder: &Path, skipped: &[&str]) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let (Ok(kind), Some(name)) = (entry.file_type(), name.to_str()) else { continue };
            if kind.is_dir() && !skipped.contains(&name) {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(metadata) = entry.metadata()
                && let Ok(modified) = metadata.modified()
                && files.len() < FILES_MAX
            {
                files.insert(entry.path(), (modified, metadata.len()));
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn a_changed_new_or_removed_file_is_noticed_and_build_products_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(file("src")).unwrap();
        std::fs::create_dir_all(file("target")).unwrap();
        std::fs::write(file("src/lib.rs"), "1").unwrap();
        let mut watched = Watched::new(folder.path());
        assert!(!watched.look());
        std::fs::write(file("src/lib.rs"), "12").unwrap();
        assert!(watched.look() && !watched.look());
        std::fs::write(file("target/out"), "").unwrap();
        assert!(!watched.look());
        std::fs::write(file("src/other.rs"), "").unwrap();
        assert!(watched.look());
        std::fs::remove_file(file("src/other.rs")).unwrap();
        assert!(watched.look());
    }
}
