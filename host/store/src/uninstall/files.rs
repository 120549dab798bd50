//! Writes the state and the pending work of an installation to files of JSON lines, in a new folder that only its owner
//! may open. Everything is on disk when it returns. Removes nothing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::keys::{self, table};
use crate::rows::{DeadLetterRow, OutboxRow, OutboxState, QueueRow, Sent, TimerRow, decode};
use crate::{Exported, Shared, StoreError, files};
use handoff_model::event::Event;
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;

/// Writes all files. If it fails, the folder is removed again.
pub(crate) fn write(shared: &Shared, installation: &Installation, folder: &Path) -> Result<Exported, StoreError> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700).create(folder).map_err(|source| failed("create", folder, source))?;
    let done = Export { shared, id: installation.id, folder: folder.to_path_buf(), files: Vec::new(), bytes: 0 }
        .write(installation);
    if done.is_err() {
        drop(std::fs::remove_dir_all(folder));
    }
    done
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::NotExported { action, path: path.to_path_buf(), source }
}

struct Export<'a> {
    shared: &'a Shared,
    id: InstallationId,
    folder: PathBuf,
    files: Vec<(&'static str, u64)>,
    bytes: u64,
}

/// A file that is being written.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    lines: u64,
}

impl Lines {
    fn line(&mut self, value: &Value) -> Result<(), StoreError> {
        self.lines += 1;
        writeln!(self.file, "{value}").map_err(|source| failed("write", &self.path, source))
    }
}

impl Export<'_> {
    fn write(mut self, installation: &Installation) -> Result<Exported, StoreError> {
        self.file("installation.jsonl", |_, lines| lines.line(&of_installation(installation)))?;
        self.file("state.jsonl", Self::state)?;
        self.file("events.jsonl", Self::events)?;
        self.file("dead-letters.jsonl", Self::dead_letters)?;
        self.file("requests.jsonl", Self::requests)?;
        self.file("timers.jsonl", Self::timers)?;
        let synced = files::sync_folder(&self.folder).and_then(|()| files::sync_folder_of(&self.folder));
        synced.map_err(|source| failed("sync", &self.folder, source))?;
        Ok(Exported { folder: self.folder, files: self.files, bytes: self.bytes })
    }

    fn file(
        &mut self,
        name: &'static str,
        fill: impl FnOnce(&Self, &mut Lines) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        let opened = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
        let file = BufWriter::new(opened.map_err(|source| failed("create", &path, source))?);
        let mut lines = Lines { path, file, lines: 0 };
        fill(self, &mut lines)?;
        let Lines { path, file, lines } = lines;
        let synced = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        self.bytes += synced.map_err(|source| failed("write", &path, source))?;
        self.files.push((name, lines));
        Ok(())
    }

    fn state(&self, lines: &mut Lines) -> Result<(), StoreError> {
        self.shared.each_row(table::STATE, self.id, |key, value| {
            // The table's byte and the installation's four bytes come before the key.
            let mut line = Map::new();
            line.insert("key".to_owned(), String::from_utf8_lossy(key.get(5..).unwrap_or_default()).into());
            put_bytes(&mut line, "value", value);
            lines.line(&Value::Object(line))
        })
    }

    fn events(&self, lines: &mut Lines) -> Result<(), StoreError> {
        // The queue's rows are ordered by queue; a reader wants them in the order of the log.
        let mut waiting = Vec::new();
        self.shared.each_row(table::QUEUE, self.id, |key, row| {
            let row: QueueRow = decode(key, row)?;
            waiting.push((keys::last_number(key).map_or(Position(0), Position), row));
            Ok(())
        })?;
        waiting.sort_unstable_by_key(|(position, _)| *position);
        for (position, row) in waiting {
            let (scope, event) = self.event(position)?;
            lines.line(&json!({
                "position": position.0,
                "scope": scope,
                "queuedAt": row.enqueued_at.to_string(),
                "failedAttempts": row.attempts,
                "event": event,
            }))?;
        }
        Ok(())
    }

    fn dead_letters(&self, lines: &mut Lines) -> Result<(), StoreError> {
        self.shared.each_row(table::DEAD_LETTER, self.id, |key, row| {
            let row: DeadLetterRow = decode(key, row)?;
            let position = keys::last_number(key).map_or(Position(0), Position);
            let (scope, event) = self.event(position)?;
            lines.line(&json!({
                "position": position.0,
                "scope": scope,
                "failedAt": row.at.to_string(),
                "attempts": row.attempts,
                "code": row.failure.code,
                "message": row.failure.message,
                "event": event,
            }))
        })
    }

    fn requests(&self, lines: &mut Lines) -> Result<(), StoreError> {
        for position in self.shared.open_requests(self.id)? {
            let key = keys::outbox(self.id, position);
            let Some(row) = self.shared.view.get(&key)? else { continue };
            let row: OutboxRow = decode(&key, &row)?;
            let logged = self.shared.logged_request(&row)?;
            let mut line = Map::new();
            line.insert("position".to_owned(), position.0.into());
            line.insert("key".to_owned(), row.key.clone().into());
            line.insert("scope".to_owned(), json!(row.scope));
            line.insert("createdAt".to_owned(), row.created_at.to_string().into());
            line.insert("attempts".to_owned(), row.attempts.into());
            line.insert("mayHaveBeenSent".to_owned(), (row.sent != Sent::No).into());
            line.insert("held".to_owned(), matches!(row.state, OutboxState::Held { .. }).into());
            if let Some(request) = logged.map(|logged| logged.request.request) {
                line.insert("method".to_owned(), request.method.into());
                line.insert("url".to_owned(), request.url.into());
                line.insert("headers".to_owned(), json!(request.headers));
                if let Some(body) = &request.body {
                    put_bytes(&mut line, "body", body);
                }
            }
            lines.line(&Value::Object(line))?;
        }
        Ok(())
    }

    fn timers(&self, lines: &mut Lines) -> Result<(), StoreError> {
        self.shared.each_row(table::TIMER, self.id, |key, row| {
            let row: TimerRow = decode(key, row)?;
            lines.line(&json!({
                "key": String::from_utf8_lossy(key.get(5..).unwrap_or_default()),
                "dueAt": row.due.to_string(),
                "scope": row.scope,
                "event": cloud_event(&row.event),
            }))
        })
    }

    fn event(&self, position: Position) -> Result<(Scope, Value), StoreError> {
        let logged = self.shared.logged_event(position)?.ok_or(StoreError::NoEvent(position.0))?;
        let event = self.shared.with_body(logged.event, logged.blob)?;
        Ok((logged.scope, cloud_event(&event)))
    }
}

fn of_installation(installation: &Installation) -> Value {
    let Installation { name, scope, active, .. } = installation;
    json!({
        "name": name,
        "scope": scope,
        "package": active.content.package,
        "version": active.content.version.to_string(),
        "digest": active.content.digest,
        "generation": active.generation,
        "stateSchema": active.content.state_schema,
    })
}

/// An event in the JSON format of CloudEvents.
fn cloud_event(event: &Event) -> Value {
    let Event { id, source, type_name, subject, time, data_content_type, data_schema, extensions, data } = event;
    let mut object: Map<String, Value> =
        extensions.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value.into());
        }
    };
    put("specversion", Some("1.0".to_owned()));
    put("id", Some(id.clone()));
    put("source", Some(source.clone()));
    put("type", Some(type_name.clone()));
    put("subject", subject.clone());
    put("time", time.map(|time| time.to_string()));
    put("datacontenttype", data_content_type.clone());
    put("dataschema", data_schema.clone());
    if !data.is_empty() {
        let is_json = data_content_type.as_deref().is_none_or(|media| media.contains("json"));
        match serde_json::from_slice::<Value>(data).ok().filter(|_| is_json) {
            Some(value) => drop(object.insert("data".to_owned(), value)),
            None => match std::str::from_utf8(data) {
                Ok(text) if !is_json => drop(object.insert("data".to_owned(), text.into())),
                _ => drop(object.insert("data_base64".to_owned(), STANDARD.encode(data).into())),
            },
        }
    }
    Value::Object(object)
}

/// Bytes as text if they are text, else in Base64 under `<name>Base64`.
fn put_bytes(line: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => drop(line.insert(name.to_owned(), text.into())),
        Err(_) => drop(line.insert(format!("{name}Base64"), STANDARD.encode(bytes).into())),
    }
}
