//! The embedded registry: an OCI Distribution 1.1 server on a folder, with search and web pages. It stores and serves
//! packages; it never compiles or runs one, and decides nothing about trust: hosts verify signatures themselves.
//!
//! # Layout
//! `options` (the operator's choices), `clock` · `http` (paths, bodies, connections) · `auth` (access) · `publish` (the
//! rules), `publisher_keys`, `namespaces`, `failure_counts` · `uploads`, `content`, `packages`, `name`, `refusal` · `storage` on `disk` (files are the source
//! of truth, sled is an index rebuilt from them) · `verify`, `gc`, `reset_index` · `pages` (search and HTML).

mod audit;
mod auth;
mod clock;
mod content;
mod disk;
mod failure_counts;
mod gc;
mod http;
mod name;
mod namespaces;
mod options;
mod packages;
mod pages;
mod publish;
mod publisher_keys;
mod refusal;
mod reset_index;
mod storage;
mod uploads;
mod verify;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use auth::UsersError;
pub use clock::Clock;
pub use gc::{GcOptions, GcReport, gc};
pub use handoff_listen::{TlsError, TlsFiles, TrustedProxies};
pub use namespaces::{
    Binding, NamespaceError, NamespaceReport, NamespaceRequest, NamespacesView, bind_namespace, decline_namespace,
    list_namespaces, unbind_namespace,
};
pub use options::{Access, Challenge, ServerOptions};
pub use publisher_keys::PublisherKeysError;
pub use reset_index::{IndexChoice, IndexState, ResetError, ResetReport, reset_index};
pub use storage::StorageError;
pub use verify::{Fault, VerifyReport, verify};

use auth::Auth;
use failure_counts::FailureCounts;
use handoff_listen::{Certificates, Hosts};
use http::{App, listen};
use namespaces::Namespaces;
use publisher_keys::PublisherKeys;
use storage::Storage;
use uploads::{Bounds, Uploads};

/// Time limit for active requests when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Interval between checks for idle uploads.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The users file.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The publishers' keys.
    #[error(transparent)]
    PublisherKeys(#[from] PublisherKeysError),
    /// Passwords and packages would cross the network unprotected.
    #[error(
        "the registry would serve plain HTTP on {0}, where others can read passwords and change answers: give it a certificate \
         (`tls-certificate`, `tls-key`), listen on a loopback address, or allow `plain-http` if a proxy in front terminates TLS"
    )]
    PlainHttp(SocketAddr),
    /// The public URL cannot be one.
    #[error(
        "public-url: `{0}` is not a URL that clients can use: expected `https://HOST` or `http://HOST`, without a query"
    )]
    PublicUrl(Url),
    /// The address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// A start-up thread ended without an error.
    #[error("start-up failed: {0}")]
    Broken(String),
}

/// A running registry server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Server {
    /// Opens the data folder and serves it until [`Server::stop`]. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// An option cannot be used; the error says what to do.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let listen_at = options.listen;
        if options.tls.is_none() && !options.plain_http && !listen_at.ip().to_canonical().is_loopback() {
            return Err(ServerError::PlainHttp(listen_at));
        }
        if let Some(url) = options.public_url.as_ref().filter(|url| !is_public(url)) {
            return Err(ServerError::PublicUrl(url.clone()));
        }
        let fail = |source| ServerError::Listen { address: listen_at, source };
        let listener = TcpListener::bind(listen_at).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let (gc_every, gc_options) = (options.gc_every, GcOptions { dry_run: false, grace: options.gc_grace });
        let opened = tokio::task::spawn_blocking(move || open(&options)).await;
        let (app, tls) = opened.map_err(|error| ServerError::Broken(error.to_string()))??;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(listen::serve(listener, tls, app.clone(), stop.clone(), DRAIN));
        tasks.spawn(expire(app.clone(), stop.clone()));
        if let Some(every) = gc_every {
            tasks.spawn(sweep(app.clone(), every, gc_options, stop.clone()));
        }
        Ok(Self { address, app, stop, tasks })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for clients on this machine, such as `http://127.0.0.1:7450`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.app.has_tls { "https" } else { "http" }, self.address)
    }

    /// Collects garbage while serving.
    ///
    /// # Errors
    /// The system refused, or a manifest record is damaged: nothing that it may use is removed.
    pub async fn gc(&self, options: GcOptions) -> Result<GcReport, ServerError> {
        swept(&self.app, options).await
    }

    /// Stops accepting requests, finishes active ones within a few seconds, and closes the index.
    ///
    /// # Errors
    /// The index could not be closed: the next start rebuilds it.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        let app = self.app.clone();
        let closed = tokio::task::spawn_blocking(move || app.storage.close()).await;
        Ok(closed.map_err(|error| ServerError::Broken(error.to_string()))??)
    }
}

/// Whether clients can put paths behind a URL.
fn is_public(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

fn open(options: &ServerOptions) -> Result<(Arc<App>, Option<Arc<Certificates>>), ServerError> {
    let clock = options.clock.clone();
    let tls = options.tls.clone().map(|files| Certificates::load(files, clock.now())).transpose()?.map(Arc::new);
    let publisher_keys = options.publisher_keys.as_deref().map(PublisherKeys::open).transpose()?;
    let auth = Auth::new(&options.access)?;
    let storage = Arc::new(Storage::open(&options.data)?);
    if storage.index()?.is_rebuilt() {
        packages::refresh_all(&storage)?;
    }
    let bounds = Bounds {
        blob_bytes_max: options.blob_bytes_max,
        uploads_max: options.uploads_max,
        per_address_max: options.uploads_per_address_max,
        idle: options.upload_idle,
    };
    let uploads = Arc::new(Uploads::open(storage.clone(), bounds, clock.clone())?);
    let app = App {
        storage,
        uploads,
        auth,
        publisher_keys,
        namespaces: Namespaces::of(&options.data),
        failure_counts: FailureCounts::of(&options.data),
        hosts: Hosts::new(options.listen.ip(), options.public_url.as_ref()),
        public_url: options.public_url.clone(),
        proxies: options.trusted_proxies.clone(),
        has_tls: tls.is_some(),
        clock,
    };
    Ok((Arc::new(app), tls))
}

async fn expire(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EXPIRE_EVERY)).await.is_some() {
        let uploads = app.uploads.clone();
        match tokio::task::spawn_blocking(move || uploads.expire()).await {
            Ok(Err(error)) => tracing::warn!(%error, "cannot cancel idle uploads"),
            Err(error) => tracing::warn!(%error, "cannot cancel idle uploads"),
            Ok(Ok(_)) => {}
        }
    }
}

async fn sweep(app: Arc<App>, every: Duration, options: GcOptions, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        match swept(&app, options).await {
            Ok(report) => tracing::info!(
                removed = report.contents_removed,
                bytes = report.bytes_removed,
                kept = report.contents_kept,
                "collected garbage"
            ),
            Err(error) => tracing::warn!(%error, "cannot collect garbage"),
        }
    }
}

async fn swept(app: &Arc<App>, options: GcOptions) -> Result<GcReport, ServerError> {
    let storage = app.storage.clone();
    let done = tokio::task::spawn_blocking(move || gc::sweep(&storage, options)).await;
    Ok(done.map_err(|error| ServerError::Broken(error.to_string()))??)
}
