//! `mask`: masks events, a case or a folder of cases into another file or folder. It needs no host.

mod key;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use handoff_files::{PRIVATE_FILE, PRIVATE_FOLDER};
use handoff_mask::{Masker, Rules};
use serde::Serialize;
use serde_json::Value;

use crate::args::MaskArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean, count};

pub(crate) use key::default_masker;

/// Largest input of events, in bytes.
const EVENTS_BYTES_MAX: u64 = 64 << 20;
/// Largest file of a case: that of the format of cases.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Most cases of a folder.
const CASES_MAX: usize = 10_000;

/// What was masked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MaskReport {
    /// Where the masked events or cases are.
    out: String,
    /// Number of masked values, by kind.
    masked: BTreeMap<&'static str, u64>,
    /// Number of cases.
    cases: usize,
    /// The key file.
    key: String,
}

pub(crate) fn run(args: &MaskArgs, output: &mut Output) -> Result<Exit, CliError> {
    let is_folder = args.input.is_dir();
    if args.out.is_none() && (is_folder || output.json) {
        let what = if is_folder { "cases are written to another folder" } else { "with --json, events go to a file" };
        return Err(CliError::usage(format!("--out is missing: {what}")));
    }
    if let Some(out) = &args.out {
        refuse_in_place(&args.input, out)?;
    }
    let (key, key_path) = key::key(args.key.as_deref(), output)?;
    let masker = Masker::new(key, Rules { mask: args.fields.clone(), keep: args.keep.clone() });
    let mut cases = 0;
    match (&args.out, is_folder) {
        (Some(out), true) => cases = folder(&masker, &args.input, out)?,
        (out, _) => {
            let text = masker.events(&read(&args.input, EVENTS_BYTES_MAX)?);
            let text = text.map_err(|error| CliError::invalid(format!("{}: {error}", args.input.display())))?;
            match out {
                Some(out) => write(out, text.as_bytes())?,
                None => output.text(&text)?,
            }
        }
    }
    if let Some(out) = &args.out {
        let report = MaskReport {
            out: out.display().to_string(),
            masked: masker.counts(),
            cases,
            key: key_path.display().to_string(),
        };
        output.view(&report, show)?;
    }
    Ok(Exit::Ok)
}

/// Masks every case of a folder, or the case that it is. Returns their number.
fn folder(masker: &Masker, input: &Path, out: &Path) -> Result<usize, CliError> {
    if input.join("case.json").is_file() {
        case(masker, input, out)?;
        return Ok(1);
    }
    let failed = |error: std::io::Error| CliError::invalid(format!("cannot read {}: {error}", input.display()));
    let mut folders: Vec<PathBuf> = fs::read_dir(input).map_err(failed)?.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join("case.json").is_file());
    folders.sort();
    if folders.is_empty() || folders.len() > CASES_MAX {
        let found = folders.len();
        let detail = format!("{}: {found} cases; expected 1 to {CASES_MAX} folders with a case.json", input.display());
        return Err(CliError::invalid(detail));
    }
    // Names of people that only a later case has are known before the first is written.
    for folder in &folders {
        masked(masker, folder)?;
    }
    masker.reset_counts();
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        case(masker, folder, &out.join(masker.file_name(&name)))?;
    }
    Ok(folders.len())
}

fn case(masker: &Masker, folder: &Path, out: &Path) -> Result<(), CliError> {
    for (name, bytes) in masked(masker, folder)? {
        write(&out.join(name), &bytes)?;
    }
    Ok(())
}

/// The masked files of a case, by name.
fn masked(masker: &Masker, folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, CliError> {
    let parse = |name: &str| {
        let path = folder.join(name);
        let json: Result<Value, _> = serde_json::from_str(&read(&path, FILE_BYTES_MAX)?);
        json.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            CliError::invalid(format!("{}: line {line}, column {column}: this is not JSON", path.display()))
        })
    };
    let expected = folder.join("expected.json").is_file().then(|| parse("expected.json")).transpose()?;
    let masked = masker.case(&parse("case.json")?, expected.as_ref());
    let mut files = BTreeMap::new();
    for (name, value) in [("case.json", Some(masked.case)), ("expected.json", masked.expected)] {
        if let Some(value) = value {
            let text = serde_json::to_string_pretty(&value).map_err(|error| CliError::failed(error.to_string()))?;
            files.insert(name.to_owned(), (text + "\n").into_bytes());
        }
    }
    let failed = |error: std::io::Error| CliError::invalid(format!("cannot read {}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && name != "case.json" && name != "expected.json" {
            let bytes = read_bytes(&entry.path(), FILE_BYTES_MAX)?;
            files.insert(masker.file_name(&name), masker.attachment(&bytes));
        }
    }
    Ok(files)
}

/// Nothing is replaced: what was there may be the only copy.
fn refuse_in_place(input: &Path, out: &Path) -> Result<(), CliError> {
    let is_empty_folder = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    if out.symlink_metadata().is_ok() && !is_empty_folder {
        let detail = format!("{} exists, and nothing is replaced", out.display());
        return Err(CliError::usage(detail).hint("name a new file or folder with --out"));
    }
    let (input, out) = (std::path::absolute(input), std::path::absolute(out));
    if let (Ok(input), Ok(out)) = (input, out)
        && input.is_dir()
        && out.starts_with(&input)
    {
        return Err(CliError::usage(format!("{} is inside the input: name a folder outside", out.display())));
    }
    Ok(())
}

fn read(path: &Path, max: u64) -> Result<String, CliError> {
    let bytes = read_bytes(path, max)?;
    String::from_utf8(bytes).map_err(|_| CliError::invalid(format!("{}: this is not UTF-8", path.display())))
}

fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| CliError::invalid(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(max + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).map_err(failed)?.take(max + 1).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(CliError::invalid(format!("{}: expected at most {max} bytes", path.display())));
    }
    Ok(bytes)
}

/// Readable by its owner alone, who decides who else reads it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::failed(format!("cannot write {}: {error}", path.display()));
    handoff_files::replace(path, bytes, PRIVATE_FILE, PRIVATE_FOLDER).map_err(failed)
}

fn show(report: &MaskReport, style: &Style) -> String {
    let mut text = format!("{} {}\n", style.paint(Tone::Good, "masked into"), clean(&report.out));
    for (kind, number) in &report.masked {
        text.push_str(&format!("  {number:>7}  {kind}\n"));
    }
    if report.cases > 0 {
        let cases = count(u64::try_from(report.cases).unwrap_or(u64::MAX), "case", "cases");
        text.push_str(&format!(
            "{cases}; next: handoff test, and --accept for what a connector computes from a value\n"
        ));
    }
    text
}
