//! The Python SDK as a wheel (the binary distribution format of packaging.python.org): a zip archive with the package and
//! its metadata. Nothing is compressed, so that equal sources give equal bytes everywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// 1980-01-01, the first day that a zip archive can name.
const DATE: u16 = 0x21;
/// Version 2.0 of the format: what reading needs, and who wrote it.
const VERSION: u16 = 20;
/// Permissions 0644 of a regular file, as Unix writes them.
const MODE: u32 = 0o100_644 << 16;

type Files<'a> = &'a [(&'a str, &'a [u8])];

/// `handoff_sdk-VERSION-py3-none-any.whl`.
pub(crate) fn file_name(sources: Files<'_>) -> String {
    format!("handoff_sdk-{}-py3-none-any.whl", text(&project(sources), "version"))
}

/// The wheel of the package whose `pyproject.toml`, `README.md`, licences and `src` these are.
pub(crate) fn of(sources: Files<'_>) -> Vec<u8> {
    let folder = format!("handoff_sdk-{}.dist-info", text(&project(sources), "version"));
    let mut files: Vec<(String, Vec<u8>)> = sources
        .iter()
        .filter_map(|(path, bytes)| match path.strip_prefix("src/") {
            Some(inside) => Some((inside.to_owned(), bytes.to_vec())),
            None => path.starts_with("LICENSE").then(|| (format!("{folder}/licenses/{path}"), bytes.to_vec())),
        })
        .collect();
    files.push((format!("{folder}/METADATA"), metadata(sources).into_bytes()));
    let wheel = "Wheel-Version: 1.0\nGenerator: handoff\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    files.push((format!("{folder}/WHEEL"), wheel.as_bytes().to_vec()));
    let mut record = String::new();
    for (path, bytes) in &files {
        let _ = writeln!(record, "{path},sha256={},{}", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)), bytes.len());
    }
    let _ = writeln!(record, "{folder}/RECORD,,");
    files.push((format!("{folder}/RECORD"), record.into_bytes()));
    zip(&files)
}

fn project(sources: Files<'_>) -> toml::Table {
    let manifest = sources.iter().find(|(path, _)| *path == "pyproject.toml").map_or(&[][..], |(_, bytes)| bytes);
    let manifest: toml::Table = std::str::from_utf8(manifest).unwrap_or_default().parse().unwrap_or_default();
    manifest.get("project").and_then(toml::Value::as_table).cloned().unwrap_or_default()
}

fn text<'a>(project: &'a toml::Table, field: &str) -> &'a str {
    project.get(field).and_then(toml::Value::as_str).unwrap_or_default()
}

/// Core metadata, version 2.4 (PEP 639).
fn metadata(sources: Files<'_>) -> String {
    let project = project(sources);
    let mut lines = "Metadata-Version: 2.4\n".to_owned();
    for (name, field) in [
        ("Name", "name"),
        ("Version", "version"),
        ("Summary", "description"),
        ("License-Expression", "license"),
        ("Requires-Python", "requires-python"),
    ] {
        let _ = writeln!(lines, "{name}: {}", text(&project, field));
    }
    for (path, _) in sources.iter().filter(|(path, _)| path.starts_with("LICENSE")) {
        let _ = writeln!(lines, "License-File: {path}");
    }
    for requirement in texts(project.get("dependencies")) {
        let _ = writeln!(lines, "Requires-Dist: {requirement}");
    }
    for (extra, requirements) in
        project.get("optional-dependencies").and_then(toml::Value::as_table).into_iter().flatten()
    {
        let _ = writeln!(lines, "Provides-Extra: {extra}");
        for requirement in texts(Some(requirements)) {
            let (what, marker) = requirement.split_once(';').unwrap_or((requirement, ""));
            let marker = marker.trim();
            let marker = if marker.is_empty() { String::new() } else { format!("({marker}) and ") };
            let _ = writeln!(lines, "Requires-Dist: {}; {marker}extra == \"{extra}\"", what.trim());
        }
    }
    lines.push_str("Description-Content-Type: text/markdown\n\n");
    let readme = sources.iter().find(|(path, _)| *path == "README.md").map_or(&[][..], |(_, bytes)| bytes);
    lines.push_str(std::str::from_utf8(readme).unwrap_or_default());
    lines
}

fn texts(list: Option<&toml::Value>) -> impl Iterator<Item = &str> {
    list.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str)
}

/// A zip archive without compression (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). It holds the SDK: far below
/// the format's limits of 4 GiB and 65,535 files.
fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        let mut shared = Vec::new();
        // Flags: the name is UTF-8. Method: stored. Time: midnight.
        [VERSION, 1 << 11, 0, 0, DATE].iter().for_each(|field| shared.extend(field.to_le_bytes()));
        [crc(bytes), narrow(bytes.len()), narrow(bytes.len())]
            .iter()
            .for_each(|field| shared.extend(field.to_le_bytes()));
        shared.extend(short(path.len()).to_le_bytes());
        shared.extend([0; 2]);
        directory.extend(b"PK\x01\x02");
        // Written on Unix.
        directory.extend((VERSION | 3 << 8).to_le_bytes());
        directory.extend(&shared);
        directory.extend([0; 6]);
        directory.extend(MODE.to_le_bytes());
        directory.extend(narrow(archive.len()).to_le_bytes());
        directory.extend(path.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&shared);
        archive.extend(path.as_bytes());
        archive.extend(bytes);
    }
    let (start, count) = (narrow(archive.len()), short(files.len()));
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 4]);
    [count, count].iter().for_each(|field| archive.extend(field.to_le_bytes()));
    [narrow(directory.len()), start].iter().for_each(|field| archive.extend(field.to_le_bytes()));
    archive.extend([0; 2]);
    archive
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// CRC-32 of ISO 3309, as zip archives have it.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip_archives() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_metadata_are_those_of_the_project() {
        let toml = "[project]\nname = \"handoff-sdk\"\nversion = \"0.2.0\"\ndescription = \"D\"\nlicense = \"MIT\"\n\
                    requires-python = \">=3.10\"\ndependencies = [\"a==1\"]\n\
                    [project.optional-dependencies]\ntesting = [\"b>=2\", \"c; python_version < '3.11'\"]\n";
        let sources: Files<'_> = &[
            ("LICENSE-MIT", b"licence"),
            ("README.md", b"# Read"),
            ("pyproject.toml", toml.as_bytes()),
            ("src/handoff_sdk/__init__.py", b""),
        ];
        assert_eq!(file_name(sources), "handoff_sdk-0.2.0-py3-none-any.whl");
        let expected = "Metadata-Version: 2.4\nName: handoff-sdk\nVersion: 0.2.0\nSummary: D\nLicense-Expression: MIT\n\
                        Requires-Python: >=3.10\nLicense-File: LICENSE-MIT\nRequires-Dist: a==1\nProvides-Extra: testing\n\
                        Requires-Dist: b>=2; extra == \"testing\"\n\
                        Requires-Dist: c; (python_version < '3.11') and extra == \"testing\"\n\
                        Description-Content-Type: text/markdown\n\n# Read";
        assert_eq!(metadata(sources), expected);
        let wheel = String::from_utf8_lossy(&of(sources)).into_owned();
        for inside in ["handoff_sdk/__init__.py", "handoff_sdk-0.2.0.dist-info/licenses/LICENSE-MIT", "RECORD,,"] {
            assert!(wheel.contains(inside), "{inside}");
        }
    }
}
