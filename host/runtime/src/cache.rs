//! Compiled code on disk: one file per component and engine. Knows paths and bytes; compiles and runs nothing.
//!
//! A file contains `MAGIC`, the sha256 of the code, and the code. A file with a wrong checksum is removed and compiled
//! again: disk damage must not become machine code. (An attacker who can write the folder can also replace the program;
//! the checksum is no defence against that.) File times order the files for eviction.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::RuntimeError;

const MAGIC: &[u8; 16] = b"handoff-code-v1\n";
const SUM_BYTES: usize = 32;
const EXTENSION: &str = "code";

/// The folder of compiled code.
pub(super) struct CodeCache {
    folder: PathBuf,
    /// Limit on the bytes of all files.
    limit_bytes: u64,
    /// Identifies the engine's settings, version and processor.
    engine: String,
}

impl CodeCache {
    /// Opens the folder and creates it if it is missing.
    pub(super) fn open(folder: PathBuf, limit_bytes: u64, engine: &Engine) -> Result<Self, RuntimeError> {
        fs::create_dir_all(&folder).map_err(|source| RuntimeError::Cache { path: folder.clone(), source })?;
        Ok(Self { folder, limit_bytes, engine: engine_name(engine) })
    }

    /// The compiled component, if it is cached and undamaged. A damaged file is removed.
    pub(super) fn load(&self, engine: &Engine, digest_hex: &str) -> Option<Component> {
        let path = self.path(digest_hex);
        let bytes = fs::read(&path).ok()?;
        let loaded = verified_code(&bytes)
            .ok_or_else(|| "the checksum does not match".to_owned())
            .and_then(|code| deserialize(engine, code).map_err(|error| error.to_string()));
        match loaded {
            Ok(component) => {
                // Marks the use, for eviction; a failure does not prevent running.
                let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                Some(component)
            }
            Err(problem) => {
                tracing::warn!(path = %path.display(), problem, "compiled code is damaged and will be compiled again");
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Stores freshly compiled code and evicts the least recently used files over the limit.
    pub(super) fn store(&self, digest_hex: &str, code: &[u8]) -> Result<(), RuntimeError> {
        let path = self.path(digest_hex);
        let fault = |source| RuntimeError::Cache { path: path.clone(), source };
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder).map_err(fault)?;
        let mut write = |bytes: &[u8]| file.write_all(bytes);
        write(MAGIC).and_then(|()| write(&Sha256::digest(code))).and_then(|()| write(code)).map_err(fault)?;
        // No fsync: after a power cut the checksum detects damage, and the code is compiled again.
        file.persist(&path).map_err(|error| fault(error.error))?;
        self.make_room(&path).map_err(fault)
    }

    fn make_room(&self, newest: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        let mut total = 0_u64;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // A foreign file, or one that was just removed: ignore it.
            let Ok(data) = fs::metadata(&path) else { continue };
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                total = total.saturating_add(data.len());
                files.push((data.modified().unwrap_or(SystemTime::UNIX_EPOCH), data.len(), path));
            }
        }
        files.sort();
        for (_, bytes, path) in files {
            if total <= self.limit_bytes {
                break;
            }
            if path != newest {
                fs::remove_file(&path)?;
                total = total.saturating_sub(bytes);
            }
        }
        Ok(())
    }

    fn path(&self, digest_hex: &str) -> PathBuf {
        self.folder.join(format!("{digest_hex}-{}.{EXTENSION}", self.engine))
    }
}

/// Loads code that came from the compiler process or passed the checksum.
#[expect(unsafe_code, reason = "the only way to load compiled code; see the SAFETY comment")]
pub(super) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` requires bytes made by `precompile_component` and unchanged since. They come from the
    // compiler process, which is this very program, straight from its output or through a file whose sha256, written
    // with it, was checked just now. wasmtime itself checks version, settings and processor features. An attacker who
    // could forge both code and checksum can write the host's own folder, and with it everything that the host trusts.
    unsafe { Component::deserialize(engine, code) }
}

fn verified_code(bytes: &[u8]) -> Option<&[u8]> {
    let (sum, code) = bytes.strip_prefix(MAGIC)?.split_at_checked(SUM_BYTES)?;
    (Sha256::digest(code).as_slice() == sum).then_some(code)
}

/// Identifies everything that compiled code depends on besides the component.
fn engine_name(engine: &Engine) -> String {
    struct Sum(Sha256);
    impl Hasher for Sum {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            // Only the whole sum is used.
            0
        }
    }
    let mut sum = Sum(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sum);
    let mut name = hex::encode(sum.0.finalize());
    name.truncate(16);
    name
}
