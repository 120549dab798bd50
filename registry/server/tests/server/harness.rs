//! A running server on its own folder, and a client with short calls. It knows no rules.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handoff_package::artifact::{Artifact, INDEX_TAG};
use handoff_package::index::{PackageIndex, Release, Status};
use handoff_package::trust::SigningKey;
use handoff_package::{Digest, Manifest, package};
use handoff_registry_server::{Access, Clock, Server, ServerOptions};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A server and its folder.
pub(crate) struct Registry {
    server: Option<Server>,
    pub(crate) url: String,
    pub(crate) client: Client,
    folder: TempDir,
    set: Box<dyn Fn(&mut ServerOptions) + Send + Sync>,
}

/// A clock that only moves when a test says so.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn clock(&self) -> Clock {
        let (start, ms) = (Instant::now(), self.0.clone());
        Clock::new(move || start + Duration::from_millis(ms.load(Ordering::SeqCst)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    // One of the tests runs first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy()
}

impl Registry {
    /// With open access.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(set: impl Fn(&mut ServerOptions) + Send + Sync + 'static) -> Self {
        let (client, folder) = (client().build().unwrap(), TempDir::new().unwrap());
        let mut registry = Self { server: None, url: String::new(), client, folder, set: Box::new(set) };
        registry.start_again().await;
        registry
    }

    /// After [`Registry::stop`] or [`Registry::kill`].
    pub(crate) async fn start_again(&mut self) {
        let server = Server::start(self.options()).await.unwrap();
        self.url = server.url();
        self.server = Some(server);
    }

    pub(crate) fn options(&self) -> ServerOptions {
        let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap(), self.data());
        options.access = Access::Open;
        (self.set)(&mut options);
        // Files that a test names are beside the data.
        if let Access::Users { file, .. } = &mut options.access {
            *file = self.folder.path().join(&*file);
            std::fs::write(file, crate::access::users()).unwrap();
        }
        options
    }

    pub(crate) async fn stop(&mut self) {
        self.server.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn content_path(&self, digest: &Digest) -> PathBuf {
        self.data().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
    }

    /// A request to a path, or to the absolute URL of a `Location`.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.client.request(method.parse::<Method>().unwrap(), url)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn push_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        send(self.request("POST", &path).body(bytes.to_vec())).await.expect(201);
        digest
    }

    pub(crate) async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        manifest: &Value,
    ) -> Answer {
        let request = self.request("PUT", &format!("/v2/{repository}/manifests/{reference}"));
        send(request.header("content-type", media_type).body(manifest.to_string())).await
    }

    /// Pushes the blobs of an index that `key` signs; returns the manifest.
    pub(crate) async fn index_blobs(&self, repository: &str, index: &PackageIndex, key: &SigningKey) -> Value {
        let (json, envelope) = index.sign(key, 7);
        let artifact = Artifact::index(index, json, envelope);
        for blob in &artifact.blobs {
            self.push_blob(repository, blob).await;
        }
        serde_json::from_slice(&artifact.manifest.to_json()).unwrap()
    }

    /// Pushes an index that `key` signs.
    pub(crate) async fn push_index(&self, repository: &str, index: &PackageIndex, key: &SigningKey) -> Answer {
        let manifest = self.index_blobs(repository, index, key).await;
        self.put_manifest(repository, INDEX_TAG, IMAGE_MANIFEST, &manifest).await
    }

    /// Pushes an artifact with one layer and all that it needs; returns its digest.
    pub(crate) async fn publish(&self, repository: &str, tag: &str, layer: &[u8]) -> Digest {
        let manifest = self.artifact(repository, layer).await;
        self.put_manifest(repository, tag, IMAGE_MANIFEST, &manifest).await.expect(201);
        Digest::of(manifest.to_string().as_bytes())
    }

    /// Pushes a layer and a config; returns the manifest that uses both.
    pub(crate) async fn artifact(&self, repository: &str, layer: &[u8]) -> Value {
        self.push_blob(repository, layer).await;
        let config = b"{\"architecture\":\"wasm\",\"os\":\"wasip2\"}";
        self.push_blob(repository, config).await;
        json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": descriptor(WASM_CONFIG, config),
            "layers": [descriptor("application/wasm", layer)],
        })
    }

    /// Pushes an artifact that refers to a manifest; returns its digest.
    pub(crate) async fn refer(
        &self,
        repository: &str,
        subject: &Digest,
        kind: &str,
        content: (&str, &[u8]),
    ) -> (Digest, Answer) {
        self.push_blob(repository, b"{}").await;
        self.push_blob(repository, content.1).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "artifactType": kind,
            "config": descriptor(EMPTY, b"{}"),
            "layers": [descriptor(content.0, content.1)],
            "subject": { "mediaType": IMAGE_MANIFEST, "digest": subject, "size": 1 },
            "annotations": { "note": kind },
        });
        let digest = Digest::of(manifest.to_string().as_bytes());
        let answer = self.put_manifest(repository, &digest.to_string(), IMAGE_MANIFEST, &manifest).await;
        (digest, answer)
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The error code of a refusal, which must have a message.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/json");
        let error = &answer.json()["errors"][0];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
        answer
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", self.headers));
        value.to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

/// An index of a package with one release.
pub(crate) fn index(package: &str, sequence: u64) -> PackageIndex {
    let release = Release {
        version: "1.0.0".parse().unwrap(),
        digest: Digest::of(b"component"),
        manifest_digest: Digest::of(b"manifest"),
        status: Status::Active,
        published_at_ms: 7,
        interface: semver::Version::new(1, 0, 0),
        changes: None,
    };
    PackageIndex { package: package.parse().unwrap(), sequence, releases: vec![release] }
}

/// A connector package: no code, but both sections.
pub(crate) fn component(name: &str, version: &str) -> Vec<u8> {
    let toml = format!(
        "[package]\nname='{name}'\nversion='{version}'\ntitle='Web leads <b>'\nsummary='Takes leads & hands them on.'\nlicense='MIT'\n\
         [events]\naccepts=['com.example.form.v1']\nemits=['com.example.lead.v1']\n\
         [[http]]\nname='crm'\nhost='crm.example'\nmethods=['POST']\npaths=['/leads']\nwhy='Hands leads to the CRM.'\n"
    );
    let manifest = Manifest::from_toml(&toml).unwrap();
    package::stamp(b"\0asm\x0d\0\x01\0", &manifest, "handoff:connector@1.0.0").unwrap()
}

/// Bytes that depend on `seed`.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}
