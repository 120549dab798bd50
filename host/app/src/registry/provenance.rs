//! Where a kept package came from and whose signature on it held: a small file beside the package. Without one, the package
//! was given as a file. Says nothing about whether the signer is still trusted.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_control::registry::SignerView;
use handoff_model::installation::{Origin, Signer};

/// Where a package came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provenance {
    /// The registry's name in the configuration.
    pub(crate) registry: String,
    /// What was fetched there.
    pub(crate) reference: String,
    /// Who signed it.
    pub(crate) signer: SignerView,
}

impl Provenance {
    /// The same as a generation keeps it.
    pub(crate) fn details(known: Option<&Self>) -> (Option<Signer>, Origin) {
        match known {
            None => (None, Origin::File),
            Some(Self { registry, reference, signer }) => (
                Some(Signer { publisher: signer.publisher.clone(), key_id: signer.key_id.clone() }),
                Origin::Registry { registry: registry.clone(), reference: reference.clone() },
            ),
        }
    }
}

impl Shard {
    /// Where a kept package came from; none if it was given as a file.
    pub(crate) async fn provenance(&self, digest: &str) -> Result<Option<Provenance>, AppError> {
        let path = path(&self.process.config.data, digest);
        let read = blocking(move || read(&path)).await?;
        read.map_err(|error| AppError::Internal(format!("where {digest} came from cannot be read: {error}")))
    }

    /// Keeps where a package came from; durable on return.
    pub(super) async fn keep_provenance(&self, digest: &str, provenance: Provenance) -> Result<(), AppError> {
        let path = path(&self.process.config.data, digest);
        let kept = blocking(move || write(&path, &provenance)).await?;
        kept.map_err(|error| AppError::Internal(format!("where {digest} came from cannot be kept: {error}")))
    }
}

/// Only characters of a digest reach the path.
fn path(data: &Path, digest: &str) -> PathBuf {
    let name: String = digest.chars().filter(char::is_ascii_alphanumeric).collect();
    data.join("packages").join(format!("{name}.origin.json"))
}

fn read(path: &Path) -> io::Result<Option<Provenance>> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, provenance: &Provenance) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(provenance)?)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
