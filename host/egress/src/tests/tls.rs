//! Private certificate authorities. `authority.pem` and `server.pem` (for `localhost`, valid until 2120) were made for
//! these tests; nothing else trusts them.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

const SERVER: &[u8] = include_bytes!("server.pem");
const AUTHORITY: &[u8] = include_bytes!("authority.pem");

/// Accepts `connections` connections, one after another; failed ones count too.
fn serve(connections: usize) -> u16 {
    let chain = CertificateDer::pem_slice_iter(SERVER).collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(SERVER).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections).flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            if stream.read(&mut [0; 4_096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

fn trusting(files: Vec<PathBuf>) -> Result<Egress, EgressError> {
    let secrets = Secrets::new(BTreeMap::new(), Arc::new(HandClock(AtomicU64::new(0)))).expect("no secrets");
    let client = ClientOptions { native_roots: false, extra_ca_files: files, ..ClientOptions::default() };
    let options = EgressOptions {
        auth: BTreeMap::new(),
        auth_scopes: BTreeMap::new(),
        secrets,
        hosts: BTreeMap::new(),
        client,
        limits: CallLimits::default(),
        stand_ins: BTreeMap::new(),
    };
    Egress::new(options, Arc::new(HandClock(AtomicU64::new(0))))
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, AUTHORITY).expect("written");
    let port = serve(3);
    let target = Target { address: ([127, 0, 0, 1], port).into(), seen: Arc::default() };
    let ask = async |egress: &Egress, host: &str| {
        let request = request("GET", &format!("https://{host}:{port}/a"));
        egress.look_up(&from(), &target.grants_for(host, true), &request).await
    };
    let strangers = ask(&trusting(vec![]).expect("egress"), "localhost").await.expect_err("untrusted").to_string();
    assert!(strangers.contains("UnknownIssuer") && strangers.contains("egress.extra-ca-files"), "{strangers}");
    let egress = trusting(vec![file]).expect("egress");
    assert_eq!(ask(&egress, "localhost").await.expect("trusted").body, b"ok");
    let other = ask(&egress, "127.0.0.1").await.expect_err("another name").to_string();
    assert!(other.contains("not valid for name"), "{other}");
}

#[test]
fn unusable_authority_files_prevent_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (absent, empty) = (folder.path().join("absent.pem"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "nothing").expect("written");
    for (file, problem) in [(absent, "absent.pem"), (empty, "contains no certificate")] {
        let error = trusting(vec![file]).map(|_| ()).expect_err("unusable").to_string();
        assert!(error.starts_with("egress.extra-ca-files: ") && error.contains(problem), "{error}");
    }
}
