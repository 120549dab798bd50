//! Finds the cases of a connector, `cases/NAME/`, and reads them. Nothing outside a case's own folder is read.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::bytes;
use super::file::{CASE_SCHEMA, CaseFile, EXPECTED_SCHEMA, ExpectedFile, Outcome};

/// Largest file of a case, in bytes: an event of the largest size, written as text.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Most cases of one folder.
const CASES_MAX: usize = 10_000;

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    pub(super) file: CaseFile,
    /// What it expects; none before it was accepted for the first time.
    pub expected: Option<ExpectedFile>,
}

/// A case that cannot be run: the case is at fault, not the connector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CaseError(pub(super) String);

/// A case by the name of its folder, or why it cannot be read.
pub type NamedCase = (String, Result<Case, CaseError>);

/// The cases of a folder, by name. An unreadable case is an error in its place, so that the others run.
///
/// # Errors
/// The folder cannot be read, or has no case.
pub fn read_cases(folder: &Path) -> Result<Vec<NamedCase>, CaseError> {
    let problem = |text: String| CaseError(format!("{}: {text}", folder.display()));
    let none = "no cases found: create `NAME/case.json` in it, or export a recorded delivery with `handoff replay`";
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(problem(none.to_owned())),
        Err(error) => return Err(problem(error.to_string())),
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("case.json").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    match names.len() {
        0 => return Err(problem(none.to_owned())),
        count if count > CASES_MAX => return Err(problem(format!("{count} cases; expected at most {CASES_MAX}"))),
        _ => {}
    }
    Ok(names
        .into_iter()
        .map(|name| {
            let case = Case::read(&name, &folder.join(&name));
            (name, case)
        })
        .collect())
}

impl Case {
    /// Reads the case of a folder.
    ///
    /// # Errors
    /// Names the file, the line, and what was expected.
    pub fn read(name: &str, folder: &Path) -> Result<Self, CaseError> {
        let file: CaseFile = parse(&folder.join("case.json"))?.ok_or_else(|| CaseError("no case.json".to_owned()))?;
        check_schema("case.json", &file.schema, CASE_SCHEMA)?;
        let mut expected: Option<ExpectedFile> = parse(&folder.join("expected.json"))?;
        if let Some(expected) = &mut expected {
            check_schema("expected.json", &expected.schema, EXPECTED_SCHEMA)?;
            for (index, outcome) in expected.deliveries.iter_mut().enumerate() {
                normalize(outcome, folder).map_err(|(field, text)| {
                    CaseError(format!("expected.json: deliveries[{index}].{field}: {text}"))
                })?;
            }
        }
        Ok(Self { name: name.to_owned(), folder: folder.to_owned(), file, expected })
    }

    /// Writes what the case expects from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn accept(&self, actual: &ExpectedFile) -> Result<(), CaseError> {
        let path = self.folder.join("expected.json");
        let failed = |error: String| CaseError(format!("{}: {error}", path.display()));
        let mut actual = actual.clone();
        actual.schema = match &self.expected {
            Some(expected) => expected.schema.clone(),
            // Beside the schema of the case.
            None => self.file.schema.replace(CASE_SCHEMA, EXPECTED_SCHEMA),
        };
        let mut text = serde_json::to_string_pretty(&actual).map_err(|error| failed(error.to_string()))?;
        text.push('\n');
        fs::write(&path, text).map_err(|error| failed(error.to_string()))
    }
}

/// A file beside the case, by its relative name.
pub(super) fn beside(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || name.is_empty() {
        return Err(format!("`$file` is followed by the name of a file in the case's folder, not `{name}`"));
    }
    let path = folder.join(name);
    let metadata = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(format!("{}: {} bytes; expected at most {FILE_BYTES_MAX}", path.display(), metadata.len()));
    }
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, CaseError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let problem = |text: String| CaseError(format!("{name}: {text}"));
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error.to_string())),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(problem(format!("{} bytes; expected at most {FILE_BYTES_MAX}", metadata.len())));
        }
        Ok(_) => {}
    }
    let text = fs::read(path).map_err(|error| problem(error.to_string()))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| problem(error.to_string()))
}

fn check_schema(file: &str, found: &str, expected: &str) -> Result<(), CaseError> {
    if found.rsplit('/').next() == Some(expected) {
        return Ok(());
    }
    let found: String = found.chars().take(200).collect();
    Err(CaseError(format!("{file}: $schema: found `{found}`; expected a path or URL that ends with `{expected}`")))
}

/// Writes every text of bytes in its one form, so that forms are never compared.
fn normalize(outcome: &mut Outcome, folder: &Path) -> Result<(), (String, String)> {
    let Outcome::Commit(commit) = outcome else { return Ok(()) };
    let data = |field: String, value: &mut serde_json::Value| -> Result<(), (String, String)> {
        let bytes = bytes::read(value, |name| beside(folder, name)).map_err(|text| (field, text))?;
        *value = bytes::shown(&bytes);
        Ok(())
    };
    for (index, event) in commit.emitted.iter_mut().enumerate() {
        event.data.as_mut().map_or(Ok(()), |value| data(format!("commit.emitted[{index}].data"), value))?;
    }
    for (key, value) in commit.state.iter_mut().filter(|(_, value)| !value.is_null()) {
        data(format!("commit.state.{key}"), value)?;
    }
    for (key, timer) in &mut commit.timers_set {
        let field = format!("commit.timersSet.{key}.event.data");
        timer.event.data.as_mut().map_or(Ok(()), |value| data(field, value))?;
    }
    for (index, request) in commit.requests.iter_mut().enumerate() {
        let field = format!("commit.requests[{index}].request.body");
        request.request.body.as_mut().map_or(Ok(()), |value| data(field, value))?;
    }
    Ok(())
}
