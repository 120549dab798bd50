//! Parses both forms of a manifest and locates errors. Rules between fields live here; rules of a single field live in
//! `rules`.

use super::rules::printable;
use super::{ConfigSchema, HOOK_RECEIVED, HOST_EVENT_TYPES, Manifest, ManifestError};
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// Limits on what a path and a message quote from a hostile manifest.
const FIELD_BYTES_MAX: usize = 120;
const MESSAGE_BYTES_MAX: usize = 600;
const SCHEMA_FIELD: &str = "config.schema";

pub(super) fn field_prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("field `{field}`: ") }
}

pub(super) fn from_toml(
    source: &str,
    file: impl FnMut(&str) -> Result<String, String>,
) -> Result<Manifest, ManifestError> {
    check_size(source.len())?;
    let at = |offset: usize, field: String, message: String| {
        let (line, column) = line_and_column(source, offset);
        ManifestError::Toml {
            line,
            column,
            field: printable(&field, FIELD_BYTES_MAX),
            message: printable(&message, MESSAGE_BYTES_MAX),
        }
    };
    let syntax = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        at(offset, String::new(), error.message().to_owned())
    };
    let reader = toml::Deserializer::parse(source).map_err(syntax)?;
    let mut manifest: Manifest = serde_path_to_error::deserialize(reader).map_err(|error| {
        let field = path_text(&error);
        let inner = error.into_inner();
        // The parser's own span ends at the list: the path leads to the value in it.
        let offset = locate(source, &field).or_else(|| inner.span().map(|span| span.start)).unwrap_or(0);
        at(offset, field, inner.message().to_owned())
    })?;
    read_schema_file(&mut manifest, file)
        .and_then(|()| check_between_fields(&manifest))
        .and_then(|()| check_keywords(&manifest))
        .and_then(|()| check_config_urls(&manifest))
        .map_err(|(field, message)| at(locate(source, &field).unwrap_or(0), field, message))?;
    Ok(manifest)
}

/// Replaces the name of the schema file with the schema.
fn read_schema_file(
    manifest: &mut Manifest,
    mut file: impl FnMut(&str) -> Result<String, String>,
) -> Result<(), (String, String)> {
    let Some(config) = &mut manifest.config else { return Ok(()) };
    let Some(name) = config.schema.file() else { return Ok(()) };
    let wrong = |message: String| (SCHEMA_FIELD.to_owned(), message);
    let legal = name.len() <= 64
        && name.ends_with(".json")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !legal {
        return Err(wrong(
            "must be the name of a JSON file beside connector.toml, such as `config.schema.json`".into(),
        ));
    }
    let text = file(name).map_err(|problem| wrong(format!("`{name}` cannot be read: {problem}")))?;
    config.schema = ConfigSchema::read(&text).map_err(|problem| wrong(format!("`{name}`: {problem}")))?;
    Ok(())
}

/// Only of a manifest that a developer writes: a published one stays readable.
fn check_keywords(manifest: &Manifest) -> Result<(), (String, String)> {
    let Some(config) = &manifest.config else { return Ok(()) };
    config.schema.check_keywords().map_err(|message| (SCHEMA_FIELD.to_owned(), message))
}

/// The same: a field that the config does not have would check nothing.
fn check_config_urls(manifest: &Manifest) -> Result<(), (String, String)> {
    for (index, target) in manifest.http.iter().enumerate() {
        for (at, field) in target.config_urls.iter().enumerate() {
            if !manifest.config.as_ref().is_some_and(|config| config.schema.has_text(field.as_str())) {
                let message = format!("the config schema has no field `{field}` of type `string`");
                return Err((format!("http[{index}].config-urls[{at}]"), message));
            }
        }
    }
    Ok(())
}

pub(super) fn from_json(json: &[u8]) -> Result<Manifest, ManifestError> {
    check_size(json.len())?;
    let at = |field: String, message: String| ManifestError::Json {
        field: printable(&field, FIELD_BYTES_MAX),
        message: printable(&message, MESSAGE_BYTES_MAX),
    };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let manifest: Manifest = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| at(path_text(&error), error.into_inner().to_string()))?;
    reader.end().map_err(|error| at(String::new(), error.to_string()))?;
    check_between_fields(&manifest).map_err(|(field, message)| at(field, message))?;
    Ok(manifest)
}

fn check_size(bytes: usize) -> Result<(), ManifestError> {
    let max = Manifest::BYTES_MAX;
    if bytes > max { Err(ManifestError::TooLarge { bytes, max }) } else { Ok(()) }
}

fn path_text<E>(error: &serde_path_to_error::Error<E>) -> String {
    let path = error.path().to_string();
    if path == "." { String::new() } else { path }
}

/// Rules that involve several fields. Returns the field at fault and what is wrong.
fn check_between_fields(manifest: &Manifest) -> Result<(), (String, String)> {
    for (index, emitted) in manifest.events.emits.iter().enumerate() {
        if HOST_EVENT_TYPES.contains(&emitted.as_str()) {
            return Err((format!("events.emits[{index}]"), format!("only the host emits `{emitted}`: remove it")));
        }
    }
    let accepts_hooks = manifest.events.accepts.iter().any(|accepted| accepted.as_str() == HOOK_RECEIVED);
    match (accepts_hooks, &manifest.hook) {
        (true, None) => {
            return Err((
                "events.accepts".into(),
                format!("`{HOOK_RECEIVED}` requires a [hook] section that lists the supported verification methods"),
            ));
        }
        (false, Some(_)) => {
            return Err(("hook".into(), format!("add `{HOOK_RECEIVED}` to events.accepts, or remove [hook]")));
        }
        _ => {}
    }
    if let Some(config) = &manifest.config {
        config.schema.check().map_err(|message| (SCHEMA_FIELD.to_owned(), message))?;
    }
    let mut names = BTreeSet::new();
    for (index, target) in manifest.http.iter().enumerate() {
        if !names.insert(&target.name) {
            let message = format!("`{}` appears twice: grants could not distinguish the targets", target.name);
            return Err((format!("http[{index}].name"), message));
        }
    }
    Ok(())
}

/// Line and column, both from 1.
fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// Position of a field such as `http[0].name` in the source.
fn locate(source: &str, field: &str) -> Option<usize> {
    let table = DeTable::parse(source).ok()?;
    let mut start = table.span().start;
    let mut value = DeValue::Table(table.into_inner());
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        let next = match part.strip_suffix(']') {
            Some(index) => value.get(index.parse::<usize>().ok()?)?.clone(),
            None => value.get(part)?.clone(),
        };
        start = next.span().start;
        value = next.into_inner();
    }
    Some(start)
}
