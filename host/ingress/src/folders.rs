//! Watched folders: delivers each complete file once and moves it to the archive: to `done/`, or to `refused/` with a
//! reason file.
//!
//! It polls. Change notifications (inotify) do not report what another machine writes to a network share, and shares
//! are where dealership systems drop files. A file is complete when its size and time have not changed for the settle
//! time: most senders neither rename nor lock. Nothing is deleted except old files in `done/`.
//!
//! A user who drops files may write in the folder at any time, and must not reach anything else by it: the folder is opened
//! once per scan, every file through that handle, no link is followed, and the archive belongs to the host alone.
//!
//! A file is delivered durably first and moved afterwards. After a crash in between it is delivered again with the same
//! event id (folder, file name, time, size, content), which the store recognizes.

mod archive;
mod files;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;

use super::digest::sha256_parts;
use super::sink::{Addressee, Incoming, Sink, SinkError};
use archive::Archive;
use files::{Folder, Listed, Read, Stamp};
use handoff_model::event::{Event, host_types};
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_policy::ingress::FolderSettings;

/// Maximum number of files that one scan delivers: limits its duration and memory.
const FILES_PER_SCAN: usize = 500;

/// The result of one scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Names of delivered files, oldest first.
    pub delivered: Vec<String>,
    /// Names of refused files, with the reason.
    pub refused: Vec<(String, String)>,
    /// Files that have not settled yet.
    pub unsettled: usize,
    /// Files that could not be read or moved, with the reason. They are retried.
    pub troubles: Vec<(String, String)>,
    /// Set if the sink accepts no more for now: the rest waits in the folder.
    pub busy: Option<String>,
}

/// Watches one folder of one installation. There is one scanner per folder.
#[derive(Debug)]
pub struct FolderScanner {
    installation: InstallationName,
    settings: FolderSettings,
    archive: PathBuf,
    file_bytes_max: u64,
    // First sighting of each file, for settling. Bounded by the folder's content: others are forgotten.
    seen: HashMap<OsString, (Stamp, Timestamp)>,
    // Delivered but not movable, for example for lack of permission: not delivered again at every scan.
    stuck: HashSet<(OsString, Stamp)>,
}

enum Outcome {
    Delivered,
    Refused(String),
    NotYet,
    Trouble(String),
    Busy(String),
}

impl FolderScanner {
    /// Creates a scanner without touching the folder. Taken and refused files go to `archive`, unless the settings name
    /// another folder. Files larger than `file_bytes_max` are refused.
    #[must_use]
    pub fn new(
        installation: InstallationName,
        settings: FolderSettings,
        archive: PathBuf,
        file_bytes_max: u64,
    ) -> Self {
        let archive = settings.archive.clone().unwrap_or(archive);
        Self { installation, settings, archive, file_bytes_max, seen: HashMap::new(), stuck: HashSet::new() }
    }

    /// The installation that gets the files.
    #[must_use]
    pub fn installation(&self) -> &InstallationName {
        &self.installation
    }

    /// The folder with `done/` and `refused/`.
    #[must_use]
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// The folder's settings.
    #[must_use]
    pub fn settings(&self) -> &FolderSettings {
        &self.settings
    }

    /// Scans the folder once. An error means that the folder itself cannot be used now.
    pub async fn scan_once(&mut self, sink: &dyn Sink, now: Timestamp) -> io::Result<ScanReport> {
        let mut report = ScanReport::default();
        let (path, pattern) = (self.settings.path.clone(), self.settings.pattern.clone());
        let (folder, listed) = blocking(move || {
            let folder = Folder::open(&path)?;
            let listed = folder.list(&pattern)?;
            Ok((Arc::new(folder), listed))
        })
        .await?;
        self.forget_gone(&listed);
        let settled: Vec<_> = listed.into_iter().filter(|file| self.has_settled(file, now)).collect();
        report.unsettled = self.seen.len().saturating_sub(settled.len());
        for file in settled.into_iter().take(FILES_PER_SCAN) {
            let name = file.name.clone();
            match self.take(&folder, &file, sink, now).await {
                Outcome::Delivered => report.delivered.push(name),
                Outcome::Refused(reason) => report.refused.push((name, reason)),
                Outcome::NotYet => report.unsettled += 1,
                Outcome::Trouble(problem) => report.troubles.push((name, problem)),
                Outcome::Busy(problem) => {
                    report.busy = Some(problem);
                    break;
                }
            }
        }
        self.drop_old(now).await;
        Ok(report)
    }

    fn forget_gone(&mut self, listed: &[Listed]) {
        let names: HashSet<&OsString> = listed.iter().map(|file| &file.file_name).collect();
        self.seen.retain(|name, _| names.contains(name));
        self.stuck.retain(|(name, _)| names.contains(name));
    }

    /// Remembers the file's stamp; true if it has been unchanged for long enough. A file that is refused anyway need
    /// not settle.
    fn has_settled(&mut self, file: &Listed, now: Timestamp) -> bool {
        let seen = self.seen.entry(file.file_name.clone()).or_insert((file.stamp, now));
        // Changed since, or the clock was set back: the wait begins again.
        if seen.0 != file.stamp || now < seen.1 {
            *seen = (file.stamp, now);
        }
        file.refuse.is_some() || now.since_ms(seen.1) >= self.settings.settle_ms
    }

    async fn take(&mut self, folder: &Arc<Folder>, file: &Listed, sink: &dyn Sink, now: Timestamp) -> Outcome {
        if let Some(reason) = file.refuse {
            return self.refuse(folder, file, reason.to_owned()).await;
        }
        if file.stamp.links != 1 {
            let reason = "it has a second name (a hard link), which could be any file; drop a copy";
            return self.refuse(folder, file, reason.to_owned()).await;
        }
        if file.stamp.bytes == 0 {
            return self.refuse(folder, file, "it is empty".to_owned()).await;
        }
        if file.stamp.bytes > self.file_bytes_max {
            let reason = format!(
                "it has {} bytes; at most {} are accepted (`[limits.engine] event-bytes`)",
                file.stamp.bytes, self.file_bytes_max
            );
            return self.refuse(folder, file, reason).await;
        }
        if self.stuck.contains(&(file.file_name.clone(), file.stamp)) {
            return self.moved(folder, file, now).await;
        }
        let (from, name, stamp, most) = (folder.clone(), file.file_name.clone(), file.stamp, self.file_bytes_max);
        let data = match blocking(move || from.read(&name, stamp, most)).await {
            Ok(Read::Complete(data)) => data,
            Ok(Read::Changed) => {
                self.seen.remove(&file.file_name);
                return Outcome::NotYet;
            }
            Err(error) => return Outcome::Trouble(error.to_string()),
        };
        let event = self.event(file, data);
        if let Err(error) = event.check() {
            return self.refuse(folder, file, error.to_string()).await;
        }
        let incoming = Incoming { to: Addressee::Installation(self.installation.clone()), event };
        match sink.accept(vec![incoming]).await {
            Ok(()) => self.moved(folder, file, now).await,
            Err(SinkError::Refused(reason)) => self.refuse(folder, file, reason).await,
            Err(error @ (SinkError::Busy(_) | SinkError::Failed(_))) => Outcome::Busy(error.to_string()),
        }
    }

    fn event(&self, file: &Listed, data: Vec<u8>) -> Event {
        let FolderSettings { name: folder, content_type, .. } = &self.settings;
        let name = file.file_name.as_bytes();
        let stamp = [file.stamp.modified_ns.to_be_bytes().as_slice(), &file.stamp.bytes.to_be_bytes()].concat();
        Event {
            id: sha256_parts(&[folder.as_bytes(), name, &stamp, &data]),
            source: format!("/folders/{}/{folder}", self.installation),
            type_name: host_types::FILE_DROPPED.to_owned(),
            subject: Some(file.name.clone()),
            time: u64::try_from(file.stamp.modified_ns / 1_000_000).ok().map(Timestamp),
            data_content_type: Some(content_type.clone().unwrap_or_else(|| media_type(&file.name).to_owned())),
            data_schema: None,
            extensions: Default::default(),
            data,
        }
    }

    async fn moved(&mut self, folder: &Arc<Folder>, file: &Listed, now: Timestamp) -> Outcome {
        let (from, archive, listed) = (folder.clone(), self.archive.clone(), file.clone());
        let day = now.to_utc().date_naive();
        match blocking(move || Archive::open(&archive)?.keep(&from, &listed, day)).await {
            Ok(()) => {
                self.stuck.remove(&(file.file_name.clone(), file.stamp));
                self.seen.remove(&file.file_name);
                Outcome::Delivered
            }
            Err(error) => {
                self.stuck.insert((file.file_name.clone(), file.stamp));
                Outcome::Trouble(format!("it was delivered but cannot be moved to `done`: {error}"))
            }
        }
    }

    async fn refuse(&mut self, folder: &Arc<Folder>, file: &Listed, reason: String) -> Outcome {
        let (from, archive, listed, text) = (folder.clone(), self.archive.clone(), file.clone(), reason.clone());
        match blocking(move || Archive::open(&archive)?.refuse(&from, &listed, &text)).await {
            Ok(()) => {
                self.seen.remove(&file.file_name);
                Outcome::Refused(reason)
            }
            Err(error) => Outcome::Trouble(format!("{reason}; it cannot be moved to `refused`: {error}")),
        }
    }

    /// Clean-up: what cannot be removed now is retried at the next scan.
    async fn drop_old(&self, now: Timestamp) {
        let archive = self.archive.clone();
        let days = chrono::Days::new(u64::from(self.settings.done_days));
        let oldest: Option<NaiveDate> = now.to_utc().date_naive().checked_sub_days(days);
        if let Some(oldest) = oldest {
            let _ = blocking(
                move || if archive.exists() { Archive::open(&archive)?.drop_days_before(oldest) } else { Ok(()) },
            )
            .await;
        }
    }
}

/// File systems block, network shares for long: never on the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The media type for a file extension.
fn media_type(name: &str) -> &'static str {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "xml" | "adf" => "application/xml",
        "json" => "application/json",
        "csv" => "text/csv",
        "txt" => "text/plain",
        "eml" => "message/rfc822",
        "mbox" | "mbx" => "application/mbox",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
