//! A folder as a registry: each `publisher/name` below it is an OCI image layout (image specification 1.1, "OCI Image
//! Layout"), so that other tools can read it. Every write is atomic, also across a power cut. It checks no signatures.

use super::ClientError;
use super::backend::NewManifest;
use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::artifact::{Descriptor, IMAGE_INDEX_BYTES_MAX, INDEX_TAG, ImageIndex, REF_NAME_ANNOTATION};
use handoff_package::manifest::PackageName;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Content of the file `oci-layout`.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// Size limit of `index.json`: a package with the maximum number of releases, two tags each.
const LAYOUT_BYTES_MAX: usize = 4 * IMAGE_INDEX_BYTES_MAX;
/// Maximum number of packages that a search of the folder visits.
const PACKAGES_MAX: usize = 10_000;

/// A folder of image layouts.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn name(&self) -> String {
        self.root.display().to_string()
    }

    /// A blob, or its first `bytes_max` bytes.
    pub(super) fn blob(
        &self,
        package: &PackageName,
        digest: Digest,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ClientError> {
        read(&blob_path(&self.layout(package), digest), bytes_max).map(|found| found.map(Bytes::from))
    }

    /// The manifest under a tag, or its first `bytes_max` bytes.
    pub(super) fn tagged(
        &self,
        package: &PackageName,
        tag: &str,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ClientError> {
        match find(&self.read_index(package)?, tag) {
            Some(digest) => self.blob(package, digest, bytes_max),
            None => Ok(None),
        }
    }

    pub(super) fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        let index = self.read_index(package)?;
        Ok(index.manifests.iter().filter_map(|entry| entry.annotations.get(REF_NAME_ANNOTATION).cloned()).collect())
    }

    pub(super) fn put_blob(&self, package: &PackageName, bytes: &[u8]) -> Result<(), ClientError> {
        let layout = self.prepare(package)?;
        let path = blob_path(&layout, Digest::of(bytes));
        // A blob that was damaged on disk is repaired by publishing it again.
        let there = read(&path, bytes.len().saturating_add(1))?.is_some_and(|found| found == bytes);
        if there { Ok(()) } else { write(&path, bytes) }
    }

    pub(super) fn put_tag(
        &self,
        package: &PackageName,
        tag: &str,
        previous: Option<Digest>,
        new: &NewManifest,
    ) -> Result<bool, ClientError> {
        self.put_blob(package, &new.bytes)?;
        let layout = self.layout(package);
        let _lock = lock(&layout)?;
        let mut index = self.read_index(package)?;
        if find(&index, tag) != previous {
            return Ok(false);
        }
        index.manifests.retain(|entry| entry.annotations.get(REF_NAME_ANNOTATION).map(String::as_str) != Some(tag));
        let mut entry = Descriptor { media_type: new.media_type.to_owned(), ..new.descriptor.clone() };
        entry.annotations = [(REF_NAME_ANNOTATION.to_owned(), tag.to_owned())].into();
        index.manifests.push(entry);
        write(&layout.join("index.json"), &index.to_json())?;
        Ok(true)
    }

    /// All packages that have an index, sorted by name.
    pub(super) fn packages(&self) -> Result<Vec<PackageName>, ClientError> {
        let mut found = Vec::new();
        for publisher in folders(&self.root)? {
            for name in folders(&self.root.join(&publisher))? {
                let Ok(package) = format!("{publisher}/{name}").parse::<PackageName>() else { continue };
                if find(&self.read_index(&package)?, INDEX_TAG).is_some() && found.len() < PACKAGES_MAX {
                    found.push(package);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// A package's name is two plain words, so the path cannot leave the folder.
    fn layout(&self, package: &PackageName) -> PathBuf {
        self.root.join(package.publisher()).join(package.name())
    }

    fn prepare(&self, package: &PackageName) -> Result<PathBuf, ClientError> {
        let layout = self.layout(package);
        let marker = layout.join("oci-layout");
        if !marker.exists() {
            let blobs = layout.join("blobs").join("sha256");
            fs::create_dir_all(&blobs).map_err(|error| io_error(&blobs, &error))?;
            let _lock = lock(&layout)?;
            if !layout.join("index.json").exists() {
                write(&layout.join("index.json"), &ImageIndex::default().to_json())?;
            }
            write(&marker, LAYOUT)?;
        }
        Ok(layout)
    }

    fn read_index(&self, package: &PackageName) -> Result<ImageIndex, ClientError> {
        let path = self.layout(package).join("index.json");
        let Some(json) = read(&path, LAYOUT_BYTES_MAX + 1)? else { return Ok(ImageIndex::default()) };
        ImageIndex::from_json(&json, LAYOUT_BYTES_MAX)
            .map_err(|problem| ClientError::Artifact { what: path.display().to_string(), problem })
    }
}

fn find(index: &ImageIndex, tag: &str) -> Option<Digest> {
    let mut entries = index.manifests.iter();
    let named = |entry: &&Descriptor| entry.annotations.get(REF_NAME_ANNOTATION).map(String::as_str) == Some(tag);
    entries.find(named).map(|entry| entry.digest)
}

fn blob_path(layout: &Path, digest: Digest) -> PathBuf {
    layout.join("blobs").join("sha256").join(digest.hex())
}

/// Held until dropped: one writer per layout at a time, across all processes.
fn lock(layout: &Path) -> Result<File, ClientError> {
    let path = layout.join(".lock");
    let open = || {
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|error: io::Error| io_error(&path, &error))
}

fn read(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>, ClientError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(io_error(path, &error)),
    };
    let mut bytes = Vec::new();
    let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    file.take(bytes_max).read_to_end(&mut bytes).map_err(|error| io_error(path, &error))?;
    Ok(Some(bytes))
}

/// Writes a temporary file, syncs it, renames it, and syncs the folder: readers see all of it or nothing, also after a
/// power cut.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let folder = path.parent().unwrap_or(path);
    let put = || {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        // Others read it too, so it gets the permissions of an ordinary file, not those of a temporary one.
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    put().map_err(|error: io::Error| io_error(path, &error))
}

fn folders(path: &Path) -> Result<Vec<String>, ClientError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(io_error(path, &error)),
    };
    let names = entries.take(PACKAGES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.collect())
}

fn io_error(path: &Path, error: &io::Error) -> ClientError {
    ClientError::Io { path: path.to_owned(), problem: error.to_string() }
}
