//! Lists the files of a journal for a backup: export, segments up to a location, mark and blobs. Writes none of them.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::files;
use crate::journal::{AddFile, JournalError, Location};

use super::segment::{list_segments, path};
use super::{EXPORT, mark};

pub(super) fn back_up(
    data: &Path,
    segments: &Path,
    blobs: [&Path; 2],
    end: Location,
    add: &mut AddFile<'_>,
) -> Result<(), JournalError> {
    let mut add_file = |file: &Path, bytes_max: u64| {
        let name = file.strip_prefix(data).map_err(io::Error::other).map_err(JournalError::io("name", file))?;
        let opened = File::open(file).map_err(JournalError::io("open", file))?;
        add(&name.to_string_lossy(), &mut opened.take(bytes_max)).map_err(JournalError::io("copy", file))
    };
    let export = data.join(EXPORT);
    if export.exists() {
        add_file(&export, u64::MAX)?;
    }
    for number in list_segments(segments)?.into_iter().filter(|number| *number <= end.segment) {
        // What follows the end may be half written.
        let bytes_max = if number == end.segment { u64::from(end.offset) } else { u64::MAX };
        add_file(&path(segments, number), bytes_max)?;
    }
    for folder in blobs {
        for entry in fs::read_dir(folder).map_err(JournalError::io("list", folder))? {
            let file = entry.map_err(JournalError::io("list", folder))?.path();
            if !files::is_unfinished(&file) {
                add_file(&file, u64::MAX)?;
            }
        }
    }
    let mark = mark::path(segments);
    let name = mark.strip_prefix(data).unwrap_or(&mark).to_string_lossy().into_owned();
    add(&name, &mut mark::encode(end).as_slice()).map_err(JournalError::io("copy", &mark))
}
