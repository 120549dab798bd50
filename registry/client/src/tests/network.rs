//! What only registries on a network do: require logins, be busy, drop connections, answer without end.

use super::front::Front;
use super::packages::{Acme, component, name, submission};
use crate::{ClientError, Login, Logins, Options, Registry};
use handoff_package::reference::RegistryRef;
use handoff_registry_server::{Access, Challenge, Server, ServerOptions, TlsFiles};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

/// For `localhost`, valid until 2120, made for tests; nothing else trusts the authority.
const SERVER: &[u8] = include_bytes!("server.pem");
const AUTHORITY: &[u8] = include_bytes!("authority.pem");

fn options() -> Options {
    Options { system_cas: false, retry_delay_ms: 0, ..Options::default() }
}

fn open(url: &str, options: &Options) -> Registry {
    Registry::open(&url.parse::<RegistryRef>().unwrap(), options).unwrap()
}

fn login(url: &str, password: &str) -> Options {
    let mut logins = Logins::default();
    let password = Zeroizing::new(password.to_owned());
    logins.set(url.trim_start_matches("http://"), Login::Basic { user: "acme".to_owned(), password });
    Options { logins, ..options() }
}

#[tokio::test]
async fn a_login_is_sent_as_required_and_never_shown() {
    for challenge in [Challenge::Basic, Challenge::Token] {
        let front = Front::with_access(|dir| {
            let file = dir.path().join("users");
            let users = format!("acme:{}\n", bcrypt::hash("hunter2", 5).unwrap());
            std::fs::write(&file, users).unwrap();
            Access::Users { file, anonymous_read: true, challenge }
        })
        .await;
        let acme = Acme::new();
        let nobody = open(front.url(), &options());
        let error = nobody.publish(&submission("1.0.0"), acme.author(None)).await.unwrap_err();
        assert!(matches!(error, ClientError::Unauthorized { .. }), "{challenge:?}: {error}");
        let wrong = open(front.url(), &login(front.url(), "hunter3"));
        let error = wrong.publish(&submission("1.0.0"), acme.author(None)).await.unwrap_err();
        assert!(matches!(error, ClientError::Unauthorized { .. }), "{challenge:?}: {error}");
        assert!(!format!("{error:?} {wrong:?}").contains("hunter3"));

        let right = open(front.url(), &login(front.url(), "hunter2"));
        right.check_login().await.unwrap();
        let published = right.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        assert_eq!(nobody.pull(&published.pin, &acme.trust).await.unwrap().bytes, component("1.0.0", "Leads"));
    }
}

#[tokio::test]
async fn requests_are_retried_when_a_registry_is_busy_or_drops_them() {
    let (front, acme) = (Front::start().await, Acme::new());
    front.make_trouble_every(3);
    let registry = open(front.url(), &options());
    let published = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
    assert_eq!(registry.pull(&published.pin, &acme.trust).await.unwrap().bytes, component("1.0.0", "Leads"));
    assert_eq!(registry.index(&name(), &acme.trust, None).await.unwrap().index.sequence, 1);

    front.make_trouble_every(1);
    let before = front.requests();
    let error = registry.pull(&published.pin, &acme.trust).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. } | ClientError::Refused { .. }), "{error}");
    assert_eq!(front.requests() - before, 4, "one request and three retries");
}

#[tokio::test]
async fn an_endless_response_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let endless = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await.unwrap();
            while let Ok(bytes) = stream.write(&[b' '; 65_536]).await {
                counted.fetch_add(bytes, Ordering::SeqCst);
            }
        }
    });
    let registry = open(&url, &options());
    let error = registry.index(&name(), &Acme::new().trust, None).await.unwrap_err();
    assert!(matches!(error, ClientError::Artifact { .. }), "{error}");
    let error = registry.versions(&name()).await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    assert!(sent.load(Ordering::SeqCst) < 32 << 20, "{sent:?}");
    endless.abort();
}

#[tokio::test]
async fn certificates_are_verified_and_private_authorities_configured() {
    let dir = tempfile::tempdir().unwrap();
    let [pem, authority] = ["server.pem", "authority.pem"].map(|name| dir.path().join(name));
    std::fs::write(&pem, SERVER).unwrap();
    std::fs::write(&authority, AUTHORITY).unwrap();
    let mut server = ServerOptions::new(([127, 0, 0, 1], 0).into(), dir.path().join("data"));
    server.access = Access::Open;
    server.tls = Some(TlsFiles { certificate: pem.clone(), key: pem });
    let server = Server::start(server).await.unwrap();
    let url = format!("https://localhost:{}", server.address().port());
    let none = Options { retries: 0, ..options() };
    let stranger = open(&url, &none).check_login().await.unwrap_err().to_string();
    assert!(stranger.contains("UnknownIssuer") && stranger.contains("PEM file"), "{stranger}");

    let named = Options { extra_ca_files: vec![authority], ..none };
    let acme = Acme::new();
    let registry = open(&url, &named);
    let published = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
    registry.pull(&published.pin, &acme.trust).await.unwrap();
    let other_name = open(&url.replace("localhost", "127.0.0.1"), &named).check_login().await.unwrap_err().to_string();
    assert!(other_name.contains("not valid for"), "{other_name}");
}

#[tokio::test]
async fn plain_http_to_other_machines_needs_permission() {
    let reference: RegistryRef = "http://registry.example.com".parse().unwrap();
    let refused = Registry::open(&reference, &options()).unwrap_err();
    assert!(refused.to_string().contains("plain HTTP"), "{refused}");
    assert!(Registry::open(&reference, &Options { plain_http: true, ..options() }).is_ok());
}
