//! Sends one request and reads one bounded response. It follows no redirect, keeps no cookie, decodes nothing, and
//! knows no grants: the caller says whether private addresses are allowed.

mod resolver;
mod tls;

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Method};
use url::{Host, Url};

use handoff_model::http::{HttpError, Response};

use handoff_policy::address;
use handoff_policy::egress::{ClientOptions, OptionsError};

use self::resolver::{AddressRefused, CheckedResolver};

pub use self::resolver::Names;

/// Response fields that may echo or contain credentials, or that frame the message: not for connectors.
const REMOVED: [&str; 15] = [
    "set-cookie",
    "set-cookie2",
    "cookie",
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "proxy-authentication-info",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "trailer",
    "upgrade",
    "alt-svc",
];

/// A request ready to send.
#[derive(Debug)]
pub struct Outgoing {
    /// Checked method.
    pub method: Method,
    /// Checked URL.
    pub url: Url,
    /// The auth profile whose budget and breaker apply.
    pub credential: Option<String>,
    /// All fields; credentials are marked sensitive.
    pub headers: HeaderMap,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// Time limit of the whole exchange.
    pub timeout: Duration,
    /// Whether loopback, link-local and private addresses are allowed.
    pub private_addresses: bool,
    /// Size limit of the response body.
    pub response_bytes: usize,
}

/// The HTTP clients. There are two, because a connection to a private address must never be reused for a request that
/// may not use one: each permission has its own connections.
#[derive(Clone)]
pub struct Clients {
    public: reqwest::Client,
    private: reqwest::Client,
    header_bytes: usize,
}

impl Clients {
    /// Reads the certificate authorities and builds both clients.
    pub fn new(options: &ClientOptions, names: &Names) -> Result<Self, OptionsError> {
        let tls = tls::config(options)?;
        let proxy = options.proxy.as_deref().map(proxy).transpose()?;
        Ok(Self {
            public: build(options, tls.clone(), proxy, names, false)?,
            private: build(options, tls, None, names, true)?,
            header_bytes: options.response_header_bytes,
        })
    }

    /// One exchange. The response has lower-case field names and no field that may carry credentials.
    pub async fn exchange(&self, outgoing: Outgoing) -> Result<Response, HttpError> {
        check_literal(&outgoing.url, outgoing.private_addresses)?;
        let timeout = outgoing.timeout;
        let origin = origin(&outgoing.url);
        match tokio::time::timeout(timeout, self.exchange_unbounded(outgoing)).await {
            Ok(result) => result,
            Err(_) => {
                Err(HttpError::Timeout(format!("{origin}: no complete response within {} ms", timeout.as_millis())))
            }
        }
    }

    async fn exchange_unbounded(&self, outgoing: Outgoing) -> Result<Response, HttpError> {
        let client = if outgoing.private_addresses { &self.private } else { &self.public };
        let origin = origin(&outgoing.url);
        let mut request = client.request(outgoing.method, outgoing.url).headers(outgoing.headers);
        if let Some(body) = outgoing.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(|error| explain(&origin, error))?;
        let status = response.status().as_u16();
        let headers = self.read_headers(&origin, response.headers())?;
        let most = outgoing.response_bytes;
        let too_large = || HttpError::ResponseTooLarge(format!("{origin}: status {status}, body over {most} bytes"));
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > most {
            return Err(too_large());
        }
        // The announced length is a claim: memory is allocated for what arrives.
        let mut body = Vec::with_capacity(announced.min(64 << 10));
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&origin, error))? {
            if body.len().saturating_add(chunk.len()) > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }

    fn read_headers(&self, origin: &str, headers: &HeaderMap) -> Result<Vec<(String, String)>, HttpError> {
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len())).sum();
        if bytes > self.header_bytes {
            let most = self.header_bytes;
            return Err(HttpError::ResponseTooLarge(format!(
                "{origin}: {bytes} bytes of fields; expected at most {most}"
            )));
        }
        let kept = headers.iter().filter(|(name, _)| !REMOVED.contains(&name.as_str()));
        Ok(kept
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect())
    }
}

fn build(
    options: &ClientOptions,
    tls: rustls::ClientConfig,
    proxy: Option<reqwest::Proxy>,
    names: &Names,
    private_addresses: bool,
) -> Result<reqwest::Client, OptionsError> {
    // The operator chose the proxy's address, and the proxy resolves the names.
    let checked = (proxy.is_none()).then_some(private_addresses);
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(CheckedResolver { names: names.clone(), private_addresses: checked })
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("Handoff/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_millis(options.connect_timeout_ms))
        .pool_idle_timeout(Duration::from_millis(options.idle_timeout_ms))
        .pool_max_idle_per_host(options.idle_connections)
        .http1_max_headers(options.response_headers);
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| OptionsError { field: "egress".to_owned(), problem: chain(&error) })
}

fn proxy(url: &str) -> Result<reqwest::Proxy, OptionsError> {
    reqwest::Proxy::all(url).map_err(|error| OptionsError {
        field: "egress.proxy".to_owned(),
        problem: format!("{}; expected a URL like http://proxy.example.com:3128", chain(&error.without_url())),
    })
}

/// The resolver is not called for literal addresses.
fn check_literal(url: &Url, private_addresses: bool) -> Result<(), HttpError> {
    let address = match url.host() {
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
        _ => return Ok(()),
    };
    address::check_address(address, private_addresses).map_err(HttpError::Denied)
}

/// Scheme, host and port: paths and queries may contain personal data.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn explain(origin: &str, error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(AddressRefused(problem)) = cause.downcast_ref() {
            return HttpError::Denied(format!("{origin}: {problem}"));
        }
        source = cause.source();
    }
    let text = chain(&error);
    if error.is_timeout() && !error.is_connect() {
        return HttpError::Timeout(format!("{origin}: {text}"));
    }
    let hint = if text.contains("UnknownIssuer") {
        "; if the target uses a private certificate authority, add its PEM file to egress.extra-ca-files"
    } else {
        ""
    };
    let text = format!("{origin}: {text}{hint}");
    if error.is_connect() { HttpError::Unreachable(text) } else { HttpError::Interrupted(text) }
}

/// The error and its causes, without repetition.
fn chain(error: &reqwest::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
        source = cause.source();
    }
    texts.join(": ")
}
