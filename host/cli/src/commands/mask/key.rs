//! The key of `mask`: a file that only its owner reads, created when there is none. Its content is never shown.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use handoff_mask::{Key, Masker, Rules};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use zeroize::Zeroizing;

use crate::exit::CliError;
use crate::output::Output;
use crate::publisher;

/// Largest key file. A key has 65 bytes.
const KEY_BYTES_MAX: u64 = 1 << 10;

/// A masker with the key of this user and no rules of a person.
pub(crate) fn default_masker(output: &Output) -> Result<Masker, CliError> {
    Ok(Masker::new(key(None, output)?.0, Rules::default()))
}

/// The key of a file, which is created if there is none.
pub(super) fn key(given: Option<&Path>, output: &Output) -> Result<(Key, PathBuf), CliError> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => publisher::folder()?.join("mask.key"),
    };
    let key = match fs::metadata(&path) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode();
            if mode & 0o077 != 0 {
                let detail = format!("others can read the key file {} (mode {:o})", path.display(), mode & 0o777);
                return Err(CliError::invalid(detail).hint("chmod 600 it; who read it can recognize masked values"));
            }
            read(&path)?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = create(&path)?;
            output.note(&format!("made a key in {}: sets that are masked with it fit together", path.display()));
            key
        }
        Err(error) => return Err(CliError::invalid(format!("cannot read the key file {}: {error}", path.display()))),
    };
    Ok((key, path))
}

fn read(path: &Path) -> Result<Key, CliError> {
    let failed =
        |error: std::io::Error| CliError::invalid(format!("cannot read the key file {}: {error}", path.display()));
    let mut text = Zeroizing::new(String::new());
    fs::File::open(path).map_err(failed)?.take(KEY_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Key::parse(&text).map_err(|error| CliError::invalid(format!("the key file {}: {error}", path.display())))
}

fn create(path: &Path) -> Result<Key, CliError> {
    let failed =
        |error: std::io::Error| CliError::failed(format!("cannot make the key file {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut bytes = [0_u8; 32];
    StdRng::from_os_rng().fill_bytes(&mut bytes);
    let key = Key::new(bytes);
    // Sets the mode when the file is created, before the first byte.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(key.to_text().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}
