//! Removes temporary files of killed processes from the data folder, so that they do not accumulate. Touches nothing
//! that has its final name.

use std::fs;
use std::path::Path;

/// Prefixes of temporary names: files before their rename (bodies of events, exports, packages), compiled code, and the
/// folder in which the control socket is created.
const PREFIXES: [&str; 3] = [".tmp", ".new-", ".s"];

/// Searches the folder and its direct subfolders. Only the holder of the store's lock may call it. If a file cannot be
/// removed, the log names it and the host starts anyway.
pub(super) fn remove(data: &Path) {
    let mut removed = remove_in(data);
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            removed += remove_in(&entry.path());
        }
    }
    if removed > 0 {
        tracing::info!(removed, "half-made files of killed processes removed");
    }
}

fn remove_in(folder: &Path) -> u32 {
    let mut removed = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_half_made = name.to_str().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        if !is_half_made {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let done = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match done {
            Ok(()) => removed += 1,
            Err(error) => tracing::warn!(path = %path.display(), %error, "a half-made file stays"),
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_everything_else_stays() {
        let data = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = data.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        };
        let kept = ["export", "lock", "bodies/00ff", "journal/0000000000000001.journal", "index/db", "code/a-b.code"];
        kept.iter().for_each(|path| make(path));
        ["..tmp", ".tmpAbCdEf", "bodies/.tmp123456", "packages/.tmpx", "code/.new-Zz", ".sAbCd/s"]
            .iter()
            .for_each(|path| make(path));
        remove(data.path());
        for path in kept {
            assert!(data.path().join(path).exists(), "{path}");
        }
        assert!(data.path().join("..tmp").exists(), "not one of ours");
        let left: usize = ["", "bodies", "packages", "code"]
            .iter()
            .map(|folder| {
                let entries = fs::read_dir(data.path().join(folder)).unwrap().flatten();
                entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with(".")).count()
            })
            .sum();
        assert_eq!(left, 1);
    }
}
