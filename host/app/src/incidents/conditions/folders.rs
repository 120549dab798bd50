//! Conditions of watched folders: folders that cannot be read, and files that cannot be taken.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::super::keeper::Condition;
use super::of;
use crate::count::count;
use crate::shard::Shard;
use handoff_ingress::folders::{FolderScanner, ScanReport};
use handoff_model::names::InstallationName;

/// A problem that the next scan does not find again is none: a file may be taken away during a scan.
const SCANS_MIN: u32 = 2;

type Key = (InstallationName, String);

/// What is wrong with a folder, and in how many scans in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    /// For the whole folder; otherwise files cannot be taken.
    is_folder: bool,
    path: String,
    message: String,
    files: u64,
    scans: u32,
}

/// The troubles of all watched folders. The scans report them.
#[derive(Default)]
pub(crate) struct FolderStates(Mutex<BTreeMap<Key, Trouble>>);

impl FolderStates {
    /// Takes over the result of a scan.
    pub(crate) fn report(&self, scanner: &FolderScanner, scanned: &std::io::Result<ScanReport>) {
        let path = scanner.settings().path.display().to_string();
        let trouble = match scanned {
            Err(error) => Some(Trouble { is_folder: true, path, message: error.to_string(), files: 0, scans: 1 }),
            Ok(report) => report.troubles.first().map(|(file, reason)| Trouble {
                is_folder: false,
                path,
                message: format!("{file}: {reason}"),
                files: u64::try_from(report.troubles.len()).unwrap_or(u64::MAX),
                scans: 1,
            }),
        };
        let key = key(scanner);
        let mut all = self.0.lock();
        match trouble {
            None => drop(all.remove(&key)),
            Some(new) => {
                let before = all.get(&key).filter(|old| old.is_folder == new.is_folder).map_or(0, |old| old.scans);
                all.insert(key, Trouble { scans: before.saturating_add(1), ..new });
            }
        }
    }

    /// The folder is no longer watched.
    pub(crate) fn forget(&self, scanner: &FolderScanner) {
        self.0.lock().remove(&key(scanner));
    }
}

fn key(scanner: &FolderScanner) -> Key {
    (scanner.installation().clone(), scanner.settings().name.clone())
}

pub(super) fn find(shard: &Shard, found: &mut Vec<Condition>) {
    let all = shard.folders.0.lock().clone();
    for ((name, folder), trouble) in all.into_iter().filter(|(_, trouble)| trouble.scans >= SCANS_MIN) {
        let Trouble { is_folder, path, message, files, .. } = trouble;
        let subject = format!("{name}/{folder}");
        found.push(if is_folder {
            let message = format!("the folder `{folder}` of `{name}`, {path}, cannot be read: {message}");
            let command = "restore the folder and its rights, or correct its path in the settings".to_owned();
            Condition {
                waits: Some("the files in it".to_owned()),
                command: Some(command),
                ..of(&name, "folder-unreadable", subject, message)
            }
        } else {
            let number = count(files, "file", "files");
            let message = format!("{number} in the folder `{folder}` of `{name}`, {path}, cannot be taken: {message}");
            let command =
                "correct the rights of the files and of the archive: each is tried again by itself".to_owned();
            Condition { waits: Some(number), command: Some(command), ..of(&name, "files-not-taken", subject, message) }
        });
    }
}
