//! Finds the cases of a connector, `cases/NAME/`, and reads them. Nothing outside a case's own folder is read.

use std::fs;
use std::path::{Path, PathBuf};

use handoff_cases::{
    CASE_SCHEMA, CaseError, CaseFile, EXPECTED_SCHEMA, ExpectedFile, bounded, parse_case, parse_expected,
};

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
        let read = |name: &str| bounded(&folder.join(name)).map_err(CaseError);
        let file = read("case.json")?.ok_or_else(|| CaseError("no case.json".to_owned()))?;
        let file = parse_case(&file)?;
        let expected = read("expected.json")?.map(|json| parse_expected(&json, folder)).transpose()?;
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
