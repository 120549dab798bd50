//! A folder as a registry: each `publisher/name` below it is an OCI image layout (image specification 1.1, "OCI Image
//! Layout"), so that other tools can read it. Every write is atomic, also across a power cut. Others may write in the folder:
//! below it, no link is followed. It checks no signatures.

use super::ClientError;
use super::backend::NewManifest;
use bytes::Bytes;
use handoff_files::{Folder as Directory, PUBLIC_FILE, PUBLIC_FOLDER};
use handoff_package::Digest;
use handoff_package::artifact::{Descriptor, IMAGE_INDEX_BYTES_MAX, INDEX_TAG, ImageIndex, REF_NAME_ANNOTATION};
use handoff_package::manifest::PackageName;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Content of the file `oci-layout`.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// Size limit of `index.json`: a package with the maximum number of releases, two tags each.
const LAYOUT_BYTES_MAX: usize = 4 * IMAGE_INDEX_BYTES_MAX;
const INDEX: &str = "index.json";
const MARKER: &str = "oci-layout";
const LOCK: &str = ".lock";
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
        let read = || -> io::Result<_> {
            let Some(layout) = self.layout(package)? else { return Ok(None) };
            let Some(blobs) = found(blobs(&layout))? else { return Ok(None) };
            blobs.read(digest.hex(), bytes_max)
        };
        read().map(|found| found.map(Bytes::from)).map_err(|error| self.fault(package, &error))
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
        let put = || {
            let blobs = blobs(&self.prepare(package)?)?;
            let name = Digest::of(bytes).hex();
            // A blob that was damaged on disk is repaired by publishing it again, and what is no file is replaced.
            let there = blobs.read(&name, bytes.len().saturating_add(1));
            let is_there = there.is_ok_and(|found| found.is_some_and(|found| found == bytes));
            if is_there { Ok(()) } else { blobs.replace(&name, bytes, PUBLIC_FILE) }
        };
        put().map_err(|error| self.fault(package, &error))
    }

    pub(super) fn put_tag(
        &self,
        package: &PackageName,
        tag: &str,
        previous: Option<Digest>,
        new: &NewManifest,
    ) -> Result<bool, ClientError> {
        self.put_blob(package, &new.bytes)?;
        let fault = |error| self.fault(package, &error);
        let layout = self.prepare(package).map_err(fault)?;
        let _lock = layout.lock(LOCK).map_err(fault)?;
        let mut index = self.index_of(package, &layout)?;
        if find(&index, tag) != previous {
            return Ok(false);
        }
        index.manifests.retain(|entry| entry.annotations.get(REF_NAME_ANNOTATION).map(String::as_str) != Some(tag));
        let mut entry = Descriptor { media_type: new.media_type.to_owned(), ..new.descriptor.clone() };
        entry.annotations = [(REF_NAME_ANNOTATION.to_owned(), tag.to_owned())].into();
        index.manifests.push(entry);
        layout.replace(INDEX, &index.to_json(), PUBLIC_FILE).map_err(fault)?;
        Ok(true)
    }

    /// All packages that have an index, sorted by name.
    pub(super) fn packages(&self) -> Result<Vec<PackageName>, ClientError> {
        let io = |error: io::Error| ClientError::Io { path: self.root.clone(), problem: error.to_string() };
        let mut packages = Vec::new();
        let Some(root) = found(Directory::open_linked(&self.root)).map_err(io)? else { return Ok(packages) };
        for publisher in names(&root).map_err(io)? {
            let Some(folder) = listed(root.child(&publisher)).map_err(io)? else { continue };
            for name in names(&folder).map_err(io)? {
                let Ok(package) = format!("{publisher}/{name}").parse::<PackageName>() else { continue };
                let Some(layout) = listed(folder.child(&name)).map_err(io)? else { continue };
                if find(&self.index_of(&package, &layout)?, INDEX_TAG).is_some() && packages.len() < PACKAGES_MAX {
                    packages.push(package);
                }
            }
        }
        packages.sort();
        Ok(packages)
    }

    /// The folder of a package; none if it does not exist.
    fn layout(&self, package: &PackageName) -> io::Result<Option<Directory>> {
        let Some(root) = found(Directory::open_linked(&self.root))? else { return Ok(None) };
        let Some(publisher) = found(root.child(package.publisher()))? else { return Ok(None) };
        found(publisher.child(package.name()))
    }

    fn prepare(&self, package: &PackageName) -> io::Result<Directory> {
        let root = Directory::create(&self.root, PUBLIC_FOLDER)?;
        let publisher = root.child_or_create(package.publisher(), PUBLIC_FOLDER)?;
        let layout = publisher.child_or_create(package.name(), PUBLIC_FOLDER)?;
        if !layout.has(MARKER)? {
            layout.child_or_create("blobs", PUBLIC_FOLDER)?.child_or_create("sha256", PUBLIC_FOLDER)?;
            let _lock = layout.lock(LOCK)?;
            if !layout.has(INDEX)? {
                layout.replace(INDEX, &ImageIndex::default().to_json(), PUBLIC_FILE)?;
            }
            layout.replace(MARKER, LAYOUT, PUBLIC_FILE)?;
        }
        Ok(layout)
    }

    fn read_index(&self, package: &PackageName) -> Result<ImageIndex, ClientError> {
        match self.layout(package).map_err(|error| self.fault(package, &error))? {
            Some(layout) => self.index_of(package, &layout),
            None => Ok(ImageIndex::default()),
        }
    }

    fn index_of(&self, package: &PackageName, layout: &Directory) -> Result<ImageIndex, ClientError> {
        let json = layout.read(INDEX, LAYOUT_BYTES_MAX + 1).map_err(|error| self.fault(package, &error))?;
        let Some(json) = json else { return Ok(ImageIndex::default()) };
        ImageIndex::from_json(&json, LAYOUT_BYTES_MAX).map_err(|problem| ClientError::Artifact {
            what: self.path(package).join(INDEX).display().to_string(),
            problem,
        })
    }

    /// The path of a package, for people. A package's name is two plain words, so it cannot leave the folder.
    fn path(&self, package: &PackageName) -> PathBuf {
        self.root.join(package.publisher()).join(package.name())
    }

    fn fault(&self, package: &PackageName, error: &io::Error) -> ClientError {
        ClientError::Io { path: self.path(package), problem: error.to_string() }
    }
}

fn find(index: &ImageIndex, tag: &str) -> Option<Digest> {
    let mut entries = index.manifests.iter();
    let named = |entry: &&Descriptor| entry.annotations.get(REF_NAME_ANNOTATION).map(String::as_str) == Some(tag);
    entries.find(named).map(|entry| entry.digest)
}

fn blobs(layout: &Directory) -> io::Result<Directory> {
    layout.child("blobs")?.child("sha256")
}

/// None: it does not exist, or a file has its name.
fn found(opened: io::Result<Directory>) -> io::Result<Option<Directory>> {
    match opened {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// In a list, a link holds no packages, either.
fn listed(opened: io::Result<Directory>) -> io::Result<Option<Directory>> {
    match found(opened) {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(None),
        opened => opened,
    }
}

fn names(folder: &Directory) -> io::Result<Vec<String>> {
    Ok(folder.names()?.into_iter().take(PACKAGES_MAX).filter_map(|name| name.into_string().ok()).collect())
}
