//! TLS on the host's listeners. The certificate is for `localhost` and `127.0.0.1`, signed by itself; the registry's
//! tests of renewal say how it was made.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use crate::ingress::router;
use crate::listen::{self, Front, ListenError, TlsFiles};

const CERTIFICATE: &str = include_str!("tls/certificate.pem");
const KEY: &str = include_str!("tls/key.pem");

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_only_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bench = Bench::new("").await;
    let folder = tempfile::tempdir().expect("a folder");
    let files = TlsFiles { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, CERTIFICATE).expect("written");
    std::fs::write(&files.key, KEY).expect("written");
    let listener = listen::tcp("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    let front = Front::new(listener, None, Some(files)).expect("a front");
    let stop = CancellationToken::new();
    let serving = listen::serve_tcp(front, router(bench.shard.clone()), stop.clone(), Duration::from_secs(5));
    let server = tokio::spawn(serving);

    let certificate = reqwest::Certificate::from_pem(CERTIFICATE.as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().expect("a client");
    let answer = client.get(format!("https://{address}/healthz")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(client.get(format!("http://{address}/healthz")).send().await.is_err(), "plain HTTP gets no answer");
    drop(client);
    stop.cancel();
    server.await.expect("it ends");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let listener = listen::tcp("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let folder = tempfile::tempdir().expect("a folder");
    let files = TlsFiles { certificate: folder.path().join("none.pem"), key: folder.path().join("none.pem") };
    let refused = Front::new(listener, None, Some(files)).err().expect("it is refused");
    assert!(matches!(refused, ListenError::Tls(_)), "{refused}");
    assert!(refused.to_string().contains("none.pem"), "{refused}");
}
