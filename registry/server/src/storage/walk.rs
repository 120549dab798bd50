//! Lists the files, one repository at a time: for rebuilding the index, `verify` and `gc`. It does not read the index.

use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::{Repository, Tag};
use handoff_package::Digest;

impl Storage {
    /// Every repository, sorted.
    pub(crate) fn all_repositories(&self) -> Result<Vec<Repository>, StorageError> {
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        while let Some(name) = open.pop() {
            let folder = self.root.join("repositories").join(&name);
            let mut is_repository = false;
            for entry in disk::names(&folder).at("list", &folder)? {
                match entry.as_str() {
                    "_blobs" | "_manifests" | "_tags" => is_repository = true,
                    _ if name.is_empty() => open.push(entry),
                    _ => open.push(format!("{name}/{entry}")),
                }
            }
            if is_repository {
                // Not a repository name, so the registry did not create it.
                found.extend(Repository::parse(&name).ok());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Every blob of a repository.
    pub(crate) fn all_blobs(&self, repository: &Repository) -> Result<Vec<Digest>, StorageError> {
        self.digests(repository, "_blobs")
    }

    /// Every manifest of a repository.
    pub(crate) fn all_manifests(&self, repository: &Repository) -> Result<Vec<Digest>, StorageError> {
        self.digests(repository, "_manifests")
    }

    /// Every tag of a repository.
    pub(crate) fn all_tags(&self, repository: &Repository) -> Result<Vec<Tag>, StorageError> {
        let folder = self.folder(repository, "_tags");
        let mut tags: Vec<Tag> =
            disk::names(&folder).at("list", &folder)?.iter().filter_map(|name| Tag::parse(name)).collect();
        tags.sort();
        Ok(tags)
    }

    /// Content folders: named by the first two digits of the digests.
    pub(crate) fn shards(&self) -> Result<Vec<String>, StorageError> {
        let folder = self.root.join("blobs/sha256");
        let mut shards = disk::names(&folder).at("list", &folder)?;
        shards.sort();
        Ok(shards)
    }

    /// All content in a folder.
    pub(crate) fn content_of(&self, shard: &str) -> Result<Vec<Digest>, StorageError> {
        let folder = self.root.join("blobs/sha256").join(shard);
        let mut found = of_hex(&disk::names(&folder).at("list", &folder)?);
        found.sort();
        Ok(found)
    }

    fn digests(&self, repository: &Repository, part: &str) -> Result<Vec<Digest>, StorageError> {
        let folder = self.folder(repository, part);
        let mut found = of_hex(&disk::names(&folder).at("list", &folder)?);
        found.sort();
        Ok(found)
    }
}

fn of_hex(names: &[String]) -> Vec<Digest> {
    names.iter().filter_map(|hex| format!("sha256:{hex}").parse().ok()).collect()
}
