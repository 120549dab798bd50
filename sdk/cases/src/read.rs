//! Reads the files of a case, bounded. Nothing outside the case's own folder is read.

use std::fs;
use std::path::{Component, Path};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bytes;
use crate::expected::{EXPECTED_SCHEMA, ExpectedFile};
use crate::file::{CASE_SCHEMA, CaseFile};

/// Largest file of a case, in bytes: an event of the largest size, written as text.
pub const FILE_BYTES_MAX: u64 = 32 << 20;
/// Largest data of an event, in bytes: the contract's limit.
pub const DATA_BYTES_MAX: usize = 8 << 20;

/// A case that cannot be run: the case is at fault, not the connector. The text names the file and the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseError(pub String);

impl CaseError {
    /// A fault in a field of `case.json`.
    #[must_use]
    pub fn in_case(field: &str, text: &str) -> Self {
        Self(format!("case.json: {field}: {text}"))
    }

    /// A fault in a field of `expected.json`.
    #[must_use]
    pub fn in_expected(field: &str, text: &str) -> Self {
        Self(format!("expected.json: {field}: {text}"))
    }
}

impl std::fmt::Display for CaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CaseError {}

/// Parses the text of `case.json`.
///
/// # Errors
/// Names the field and what was expected.
pub fn parse_case(json: &[u8]) -> Result<CaseFile, CaseError> {
    let file: CaseFile = parse("case.json", json)?;
    check_schema("case.json", &file.schema, CASE_SCHEMA)?;
    Ok(file)
}

/// Parses the text of `expected.json`, and writes every value in it in its one form, so that forms are never compared.
/// `folder` has the files that `$file` names.
///
/// # Errors
/// Names the field and what was expected.
pub fn parse_expected(json: &[u8], folder: &Path) -> Result<ExpectedFile, CaseError> {
    let mut file: ExpectedFile = parse("expected.json", json)?;
    check_schema("expected.json", &file.schema, EXPECTED_SCHEMA)?;
    if let Some(validation) = &file.validation
        && validation.passed == validation.failure.is_some()
    {
        let text = "expected `passed`, or `failure` if it did not pass";
        return Err(CaseError::in_expected("validation", text));
    }
    for (field, value) in file.values_mut() {
        let bytes = bytes::read(value, |name| beside(folder, name));
        *value = bytes::shown(&bytes.map_err(|text| CaseError::in_expected(&field, &text))?);
    }
    Ok(file)
}

/// The bytes of a value of `case.json`, for the field that an error names.
///
/// # Errors
/// Names the field and what was expected.
pub fn read_bytes(value: &Value, field: &str, folder: &Path) -> Result<Vec<u8>, CaseError> {
    bytes::read(value, |name| beside(folder, name)).map_err(|text| CaseError::in_case(field, &text))
}

/// A file in the case's folder, by its relative name.
///
/// # Errors
/// The name leaves the folder, or the file is too large or cannot be read.
pub fn beside(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || name.is_empty() {
        return Err(format!("`$file` is followed by the name of a file in the case's folder, not `{name}`"));
    }
    bounded(&folder.join(name))?.ok_or_else(|| format!("{name}: there is no such file in {}", folder.display()))
}

/// A file of a case; none if it does not exist.
///
/// # Errors
/// The file is too large or cannot be read.
pub fn bounded(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let problem = |text: String| format!("{}: {text}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error.to_string())),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(problem(format!("{} bytes; expected at most {FILE_BYTES_MAX}", metadata.len())));
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(|error| problem(error.to_string()))
}

fn parse<T: DeserializeOwned>(name: &str, json: &[u8]) -> Result<T, CaseError> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // "." is the document itself: a missing field is reported there, and the text names it.
        let path = Some(error.path().to_string()).filter(|path| path != ".");
        let place = path.map(|path| format!("{path}: ")).unwrap_or_default();
        CaseError(format!("{name}: {place}{}", error.into_inner()))
    })?;
    reader.end().map_err(|error| CaseError(format!("{name}: {error}")))?;
    Ok(value)
}

fn check_schema(file: &str, found: &str, expected: &str) -> Result<(), CaseError> {
    if found.rsplit('/').next() == Some(expected) {
        return Ok(());
    }
    let found: String = found.chars().take(200).collect();
    Err(CaseError(format!("{file}: $schema: found `{found}`; expected a path or URL that ends with `{expected}`")))
}
