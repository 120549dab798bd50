//! A folder registry that other users may write: links in every place that the client reads or writes.

use super::packages::{Acme, name, submission};
use crate::{ClientError, Options, Registry};
use handoff_package::reference::RegistryRef;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A shared folder, and one that nobody else may write.
struct Bench {
    shared: TempDir,
    private: TempDir,
    registry: Registry,
}

impl Bench {
    fn new() -> Self {
        let (shared, private) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(private.path().join("victim"), "precious").unwrap();
        let registry = Registry::open(&RegistryRef::Folder(shared.path().to_owned()), &Options::default()).unwrap();
        Self { shared, private, registry }
    }

    fn layout(&self) -> PathBuf {
        let package = name();
        self.shared.path().join(package.publisher()).join(package.name())
    }

    fn victim(&self) -> PathBuf {
        self.private.path().join("victim")
    }

    async fn publish(&self, acme: &Acme, version: &str) -> Result<(), ClientError> {
        self.registry.publish(&submission(version), acme.author(None)).await.map(drop)
    }

    fn untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.private.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["victim"], "nothing may be placed or removed");
        assert_eq!(fs::read_to_string(self.victim()).unwrap(), "precious");
    }
}

fn refused(result: Result<(), ClientError>) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains("symbolic link"), "{error}");
}

fn put_link(target: &Path, at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    symlink(target, at).unwrap();
}

#[tokio::test]
async fn folders_of_a_registry_that_became_links_are_not_used() {
    for place in ["", "blobs", "blobs/sha256"] {
        let (bench, acme) = (Bench::new(), Acme::new());
        // The last component without the slash that an empty place adds.
        let at: PathBuf = bench.layout().join(place).components().collect();
        put_link(bench.private.path(), &at);
        refused(bench.publish(&acme, "1.0.0").await);
        bench.untouched();
    }
    let (bench, acme) = (Bench::new(), Acme::new());
    put_link(bench.private.path(), bench.layout().parent().unwrap());
    refused(bench.publish(&acme, "1.0.0").await);
    bench.untouched();
}

#[tokio::test]
async fn files_of_a_registry_that_became_links_are_not_written_through() {
    let (bench, acme) = (Bench::new(), Acme::new());
    bench.publish(&acme, "1.0.0").await.unwrap();
    let layout = bench.layout();

    // The lock would be created where a dangling link points.
    fs::remove_file(layout.join(".lock")).unwrap();
    symlink(bench.private.path().join("new"), layout.join(".lock")).unwrap();
    refused(bench.publish(&acme, "1.1.0").await);
    bench.untouched();
    fs::remove_file(layout.join(".lock")).unwrap();

    // A blob that is a link is replaced by the file.
    let blobs: Vec<PathBuf> =
        fs::read_dir(layout.join("blobs/sha256")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(blobs.len() > 3);
    fs::remove_dir_all(layout.join("blobs")).unwrap();
    for blob in &blobs {
        put_link(&bench.victim(), blob);
    }
    fs::remove_file(layout.join("index.json")).unwrap();
    bench.publish(&acme, "1.0.0").await.unwrap();
    bench.untouched();

    let index = fs::read(layout.join("index.json")).unwrap();
    fs::write(bench.victim(), &index).unwrap();
    fs::remove_file(layout.join("index.json")).unwrap();
    symlink(bench.victim(), layout.join("index.json")).unwrap();
    refused(bench.registry.index(&name(), &acme.trust, None).await.map(drop));
    refused(bench.publish(&acme, "1.1.0").await);
    assert_eq!(fs::read(bench.victim()).unwrap(), index);
}

#[tokio::test]
async fn only_the_folder_of_a_registry_itself_may_be_a_link() {
    let (bench, acme) = (Bench::new(), Acme::new());
    let link = bench.private.path().join("packages");
    symlink(bench.shared.path(), &link).unwrap();
    let registry = Registry::open(&RegistryRef::Folder(link), &Options::default()).unwrap();
    let published = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
    bench.registry.pull(&published.pin, &acme.trust).await.unwrap();
    // A link that lists another folder's packages as this one's is left out.
    symlink(bench.layout().parent().unwrap(), bench.shared.path().join("other")).unwrap();
    let found = registry.search("", None).await.unwrap().packages;
    assert_eq!(found.iter().map(|found| &found.package).collect::<Vec<_>>(), [&name()]);
}
