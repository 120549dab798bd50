//! Certificate and key of a listener, read again when their files change, so that a renewal needs no restart. Files that
//! cannot be used, such as a half-written pair, change nothing: the previous pair stays. It accepts no connection.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at, at most.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or contains no PEM block of this kind.
    #[error("{} does not contain a usable {what} in PEM: {problem}", path.display())]
    File {
        /// The kind of block.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// Certificate and key do not match.
    #[error("certificate and key cannot be used together")]
    Together(#[source] rustls::Error),
}

/// The certificate and key that a listener uses now.
pub struct Certificates {
    files: TlsFiles,
    // Held for a moment only, never while a file is read.
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    /// The state of the files that was tried last, successfully or not.
    tried: Stamps,
    checked_at: Instant,
}

/// Identifies one state of both files; none: a file is missing.
type Stamps = [Option<Stamp>; 2];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads certificate and key. Blocks.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn load(files: TlsFiles, now: Instant) -> Result<Self, TlsError> {
        // Before the content: what is written meanwhile is then seen as a change.
        let tried = stamps(&files);
        let acceptor = read(&files)?;
        Ok(Self { files, current: Mutex::new(Current { acceptor, tried, checked_at: now }) })
    }

    /// The acceptor for the next connection. Looks at the files first, but not more often than every ten seconds.
    pub async fn acceptor(self: &Arc<Self>, now: Instant) -> TlsAcceptor {
        if self.is_due(now) {
            let own = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || own.reload()).await {
                tracing::error!(%error, "cannot look at the certificate's files");
            }
        }
        self.current.lock().acceptor.clone()
    }

    /// True for one caller per interval.
    fn is_due(&self, now: Instant) -> bool {
        let mut current = self.current.lock();
        let is_due = now.saturating_duration_since(current.checked_at) >= CHECK_EVERY;
        if is_due {
            current.checked_at = now;
        }
        is_due
    }

    fn reload(&self) {
        let found = stamps(&self.files);
        if self.current.lock().tried == found {
            return;
        }
        let read = read(&self.files);
        let mut current = self.current.lock();
        current.tried = found;
        let certificate = self.files.certificate.display();
        match read {
            Ok(acceptor) => {
                current.acceptor = acceptor;
                tracing::info!(%certificate, "certificate and key were read again");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                tracing::warn!(%certificate, "the changed certificate is not used, and the previous one stays: {error}{cause}");
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    [&files.certificate, &files.key].map(|path| {
        let found = fs::metadata(path).ok()?;
        Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    })
}

fn read(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let fail = |what: &'static str, path: &Path| {
        let path = path.to_path_buf();
        move |error: rustls::pki_types::pem::Error| TlsError::File { what, path, problem: error.to_string() }
    };
    let path = &files.certificate;
    let chain = CertificateDer::pem_file_iter(path).map_err(fail("certificate", path))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(fail("certificate", path))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(fail("private key", &files.key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Together)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
