//! TLS: the configured certificate, its renewal without a restart, and where plain HTTP is allowed.
//!
//! The certificates are for `localhost` and `127.0.0.1`, signed by themselves: `openssl req -x509 -newkey ec -pkeyopt
//! ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -addext
//! 'basicConstraints=critical,CA:FALSE' -keyout key.pem -out certificate.pem`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use handoff_registry_server::{Server, ServerError, TlsFiles};

use crate::harness::{Hands, Registry, client};

const CERTIFICATE: &str = include_str!("tls/certificate.pem");
const KEY: &str = include_str!("tls/key.pem");
const RENEWED_CERTIFICATE: &str = include_str!("tls/renewed-certificate.pem");
const RENEWED_KEY: &str = include_str!("tls/renewed-key.pem");

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

/// Whether a new connection gets exactly this certificate.
async fn serves(registry: &Registry, certificate: &str) -> bool {
    let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let trusting = client().tls_certs_only([certificate]).build().unwrap();
    let answer = trusting.get(format!("{}/v2/", registry.url)).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let write = |certificate: &str, key: &str| {
        let TlsFiles { certificate: at, key: key_at } = files(folder.path());
        fs::write(at, certificate).unwrap();
        fs::write(key_at, key).unwrap();
    };
    write(CERTIFICATE, KEY);
    let (tls, clock) = (files(folder.path()), hands.clock());
    let registry = Registry::start_with(move |options| {
        options.tls = Some(tls.clone());
        options.clock = clock.clone();
    })
    .await;
    assert!(registry.url.starts_with("https://"));
    assert!(serves(&registry, CERTIFICATE).await && !serves(&registry, RENEWED_CERTIFICATE).await);

    // Half of a renewal: the pair cannot be used together, and the previous one stays.
    write(RENEWED_CERTIFICATE, KEY);
    hands.advance(Duration::from_secs(10));
    assert!(serves(&registry, CERTIFICATE).await);
    write(RENEWED_CERTIFICATE, RENEWED_KEY);
    assert!(serves(&registry, CERTIFICATE).await, "the files are not looked at for each connection");
    hands.advance(Duration::from_secs(10));
    assert!(serves(&registry, RENEWED_CERTIFICATE).await && !serves(&registry, CERTIFICATE).await);

    // Files that are gone change nothing.
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    hands.advance(Duration::from_secs(10));
    assert!(serves(&registry, RENEWED_CERTIFICATE).await);
}

#[tokio::test]
async fn a_certificate_without_its_key_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("certificate.pem"), CERTIFICATE).unwrap();
    let registry = Registry::start().await;
    for (key, expected) in
        [(CERTIFICATE, "does not contain a usable private key"), (RENEWED_KEY, "cannot be used together")]
    {
        fs::write(folder.path().join("key.pem"), key).unwrap();
        let mut options = registry.options();
        options.data = registry.folder().join("other");
        options.tls = Some(files(folder.path()));
        let error = Server::start(options).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn plain_http_is_served_on_loopback_unless_it_is_allowed() {
    let registry = Registry::start().await;
    let mut options = registry.options();
    options.data = registry.folder().join("other");
    options.listen = "0.0.0.0:0".parse().unwrap();
    let refused = Server::start(options.clone()).await.unwrap_err();
    assert!(matches!(refused, ServerError::PlainHttp(_)) && refused.to_string().contains("`plain-http`"), "{refused}");
    options.plain_http = true;
    Server::start(options).await.unwrap().stop().await.unwrap();
}
