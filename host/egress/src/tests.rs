//! Egress as a whole, against a target on loopback: what the target sees and what is returned.

mod answers;
mod auth;
mod places;
mod sending;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::http::{HeaderMap as Fields, Method as Verb, StatusCode, Uri};
use parking_lot::Mutex;

use super::*;
use futures_util::future::BoxFuture;
use handoff_model::time::Timestamp;
use handoff_policy::egress::{AuthProfile, ClientOptions, HostOptions};
use handoff_policy::secrets::{Secret, SecretReader, Secrets};

pub(super) struct HandClock(AtomicU64);

impl HandClock {
    fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// One request as the target saw it.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    headers: Fields,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Answers by path; `/echo` sends everything back, also in header fields.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Reply = (StatusCode, Vec<(&'static str, String)>, String);

impl Target {
    async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let handler = move |_: Verb, uri: Uri, headers: Fields, body: Bytes| async move {
            let one = Seen { path: uri.path().to_owned(), headers, body: String::from_utf8_lossy(&body).into_owned() };
            let count = {
                let mut log = log.lock();
                log.push(one.clone());
                log.iter().filter(|other| other.path == one.path).count()
            };
            if one.path == "/hang" {
                std::future::pending::<()>().await;
            }
            let (status, fields, body) = answer(&one, count);
            let mut response = http::Response::builder().status(status);
            for (name, value) in fields {
                response = response.header(name, value);
            }
            response.body(axum::body::Body::from(body)).expect("a response")
        };
        let router = axum::Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    async fn with_status(status: u16, fields: &'static [(&'static str, &'static str)]) -> Self {
        Self::start(move |_, _| {
            let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            (StatusCode::from_u16(status).expect("a status"), fields, "body".to_owned())
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn grants(&self) -> Grants {
        self.grants_for("127.0.0.1", true)
    }

    fn grants_for(&self, host: &str, private_addresses: bool) -> Grants {
        let all = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let grant = HttpGrant {
            name: "target".to_owned(),
            host: host.to_owned(),
            port: Some(self.address.port()),
            plaintext: true,
            private_addresses,
            methods: all(&["GET", "POST"]),
            paths: vec!["/**".to_owned()],
            look_ups: vec!["/search".to_owned()],
            auth: [("p".to_owned(), "p".to_owned())].into(),
        };
        Grants { http: vec![grant], ..Grants::default() }
    }

    fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().iter().filter(|one| one.path == path).cloned().collect()
    }
}

/// The scope of the installation that sends.
fn from() -> Scope {
    "north".parse().expect("a name")
}

fn request(method: &str, url: &str) -> Request {
    let body = (method == "POST").then(|| b"hello".to_vec());
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: vec![],
        body,
        auth: None,
        timeout_ms: Some(3_000),
    }
}

/// A secret that is always available; a copy is cached as long as a command's output.
struct Fixed(String);

impl std::fmt::Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a test")
    }
}

impl SecretReader for Fixed {
    fn keep_ms(&self) -> u64 {
        60_000
    }

    fn least_ms(&self) -> u64 {
        5_000
    }

    fn read<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Secret, String>> {
        Box::pin(async move { Ok(Secret::new(self.0.clone().into_bytes())) })
    }
}

fn with_auth(method: &str, url: &str) -> Request {
    Request { auth: Some("p".to_owned()), ..request(method, url) }
}

fn egress(profile: Option<AuthProfile>, secret: &str, hosts: HostOptions) -> (Egress, Arc<HandClock>) {
    egress_with(profile, secret, hosts, ClientOptions::default())
}

fn egress_with(
    profile: Option<AuthProfile>,
    secret: &str,
    hosts: HostOptions,
    client: ClientOptions,
) -> (Egress, Arc<HandClock>) {
    let clock = Arc::new(HandClock(AtomicU64::new(1_700_000_000_000)));
    let options = options(profile, secret, hosts, client, &clock);
    (Egress::new(options, Arc::<HandClock>::clone(&clock)).expect("egress"), clock)
}

/// Egress whose profile `p` is limited to these scopes.
fn limited(scopes: &[&str]) -> (Egress, Arc<HandClock>) {
    let clock = Arc::new(HandClock(AtomicU64::new(1_700_000_000_000)));
    let profile = AuthProfile::Bearer { secret: "s".to_owned() };
    let options = options(Some(profile), "hush-hush", HostOptions::default(), ClientOptions::default(), &clock);
    let scopes = scopes.iter().map(|scope| scope.parse().expect("a scope")).collect();
    let options = EgressOptions { auth_scopes: [("p".parse().expect("a name"), scopes)].into(), ..options };
    (Egress::new(options, Arc::<HandClock>::clone(&clock)).expect("egress"), clock)
}

fn options(
    profile: Option<AuthProfile>,
    secret: &str,
    hosts: HostOptions,
    client: ClientOptions,
    clock: &Arc<HandClock>,
) -> EgressOptions {
    let reader: Arc<dyn SecretReader> = Arc::new(Fixed(secret.to_owned()));
    let secrets =
        Secrets::new(BTreeMap::from([("s".to_owned(), reader)]), Arc::<HandClock>::clone(clock)).expect("secrets");
    EgressOptions {
        auth: profile.into_iter().map(|profile| ("p".parse().expect("a name"), profile)).collect(),
        auth_scopes: BTreeMap::new(),
        secrets,
        hosts: BTreeMap::from([("*".to_owned(), hosts)]),
        client: ClientOptions { native_roots: false, ..client },
        limits: CallLimits { response_body_bytes: 100_000, ..CallLimits::default() },
        stand_ins: BTreeMap::new(),
    }
}
