//! An OCI registry (distribution specification 1.1) as a backend: each operation takes one or a few requests. `http`
//! sends them, `auth` logs in. It trusts no answer.

mod auth;
mod http;
mod links;

use super::backend::{NewManifest, Reference};
use super::{ClientError, NamespaceState, Options, SearchPage};
use ::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::artifact::{
    Descriptor, IMAGE_INDEX_BYTES_MAX, IMAGE_INDEX_MEDIA_TYPE, ImageIndex, MANIFEST_MEDIA_TYPE,
};
use handoff_package::failure_counts::FailureSummary;
use handoff_package::manifest::{PackageName, printable};
use handoff_package::reference::OciRef;
use handoff_package::trust::dsse::ENVELOPE_MEDIA_TYPE;
use http::{Ask, Http};
use serde::Deserialize;
use url::Url;

/// Maximum number of pages of tags or referrers.
const PAGES_MAX: usize = 64;
/// Tags per page.
const TAGS_OF_A_PAGE: &str = "1000";
/// Size limit of a page of tags or search results, in bytes.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// An OCI registry.
#[derive(Debug)]
pub(super) struct Oci {
    http: Http,
    origin: Url,
    prefix: String,
}

#[derive(Deserialize)]
struct Tags {
    /// Some registries say `null` for none.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Oci {
    pub(super) fn new(reference: &OciRef, options: &Options) -> Result<Self, ClientError> {
        if reference.is_plain() && !reference.is_loopback() && !options.plain_http {
            return Err(ClientError::Options(format!(
                "{} uses plain HTTP, which exposes credentials to the network: use https, or allow plain HTTP for this registry explicitly",
                reference.origin
            )));
        }
        Ok(Self {
            http: Http::new(reference, options)?,
            origin: reference.origin.clone(),
            prefix: reference.prefix.clone(),
        })
    }

    pub(super) fn name(&self) -> String {
        let origin = self.origin.as_str().trim_end_matches('/');
        if self.prefix.is_empty() { origin.to_owned() } else { format!("{origin}/{}", self.prefix) }
    }

    /// Checks that the registry accepts the login.
    pub(super) async fn check_login(&self) -> Result<(), ClientError> {
        let ask = self.ask(Method::GET, "v2/", "the login check")?;
        let answer = self.http.send(&ask).await?;
        if answer.status.is_success() { Ok(()) } else { Err(self.http.refused(&answer, &ask.what)) }
    }

    /// The host that the registry is asked at, with its port if it is not the usual one.
    pub(super) fn host(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        self.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(super) async fn request_namespace(&self, envelope: Vec<u8>) -> Result<NamespaceState, ClientError> {
        #[derive(Deserialize)]
        struct Said {
            state: NamespaceState,
        }
        let mut ask = self.ask(Method::POST, "/v1/namespaces", "the request for a namespace")?;
        ask.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE.to_owned());
        ask.body = Some(envelope.into());
        ask.once = true;
        let answer = self.http.send(&ask).await?;
        if !answer.status.is_success() {
            return Err(self.http.refused(&answer, &ask.what));
        }
        let said: Said = serde_json::from_slice(&answer.body)
            .map_err(|_| self.protocol(&ask.what, "the answer has no `state`".to_owned()))?;
        Ok(said.state)
    }

    /// Posts counts to our own server: others have no place for them. An earlier answer that was lost does no harm.
    pub(super) async fn send_failure_report(&self, package: &PackageName, json: Vec<u8>) -> Result<(), ClientError> {
        let mut ask = self.of_counts("/v1/failure-counts", package, "the failure counts")?;
        ask.header(CONTENT_TYPE, "application/json".to_owned());
        ask.body = Some(json.into());
        let answer = self.http.send(&ask).await?;
        if answer.status.is_success() { Ok(()) } else { Err(self.http.refused(&answer, &ask.what)) }
    }

    pub(super) async fn failure_counts(
        &self,
        package: &PackageName,
        envelope: Vec<u8>,
    ) -> Result<FailureSummary, ClientError> {
        let mut ask = self.of_counts("/v1/failure-counts/query", package, "the failure counts")?;
        ask.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE.to_owned());
        ask.body = Some(envelope.into());
        ask.body_max = PAGE_BYTES_MAX;
        let answer = self.http.send(&ask).await?;
        if answer.status != StatusCode::OK {
            return Err(self.http.refused(&answer, &ask.what));
        }
        self.json(&answer.body, &ask.what)
    }

    fn of_counts(&self, path: &str, package: &PackageName, what: &str) -> Result<Ask, ClientError> {
        let repository = self.repository(package);
        let mut ask = self.ask(Method::POST, path, &format!("{what} of {package}"))?;
        ask.url.query_pairs_mut().append_pair("repository", &repository);
        Ok(ask)
    }

    pub(super) async fn manifest(
        &self,
        package: &PackageName,
        reference: Reference<'_>,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ClientError> {
        let mut ask = self.of(package, Method::GET, &format!("manifests/{reference}"))?;
        ask.header(ACCEPT, format!("{MANIFEST_MEDIA_TYPE}, {IMAGE_INDEX_MEDIA_TYPE}"));
        ask.body_max = bytes_max;
        self.found(&ask).await
    }

    pub(super) async fn blob(
        &self,
        package: &PackageName,
        digest: Digest,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ClientError> {
        let mut ask = self.of(package, Method::GET, &format!("blobs/{digest}"))?;
        ask.body_max = bytes_max;
        self.found(&ask).await
    }

    pub(super) async fn put_blob(&self, package: &PackageName, bytes: Bytes) -> Result<(), ClientError> {
        let digest = Digest::of(&bytes);
        let mut attempt = 0;
        loop {
            let look = self.of(package, Method::HEAD, &format!("blobs/{digest}"))?;
            if self.http.send(&look).await?.status == StatusCode::OK {
                return Ok(());
            }
            match self.upload(package, digest, bytes.clone()).await {
                // A dropped connection ends the upload session: check whether the blob arrived, otherwise start again.
                Err(ClientError::Unreachable { .. }) if attempt < self.http.retries() => {
                    attempt += 1;
                    self.http.pause(attempt).await;
                }
                done => return done,
            }
        }
    }

    /// Uploads in one piece ("POST then PUT" of the specification).
    async fn upload(&self, package: &PackageName, digest: Digest, bytes: Bytes) -> Result<(), ClientError> {
        let mut start = self.of(package, Method::POST, "blobs/uploads/")?;
        start.header(CONTENT_LENGTH, "0".to_owned());
        let started = self.http.send(&start).await?;
        if started.status != StatusCode::ACCEPTED {
            return Err(self.http.refused(&started, &start.what));
        }
        let mut url = self.location(&started.headers, &start.what)?;
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let mut put = self.of(package, Method::PUT, "blobs/uploads/")?;
        put.url = url;
        put.header(CONTENT_TYPE, "application/octet-stream".to_owned());
        put.body = Some(bytes);
        put.once = true;
        let answer = self.http.send(&put).await?;
        match answer.status {
            StatusCode::CREATED => Ok(()),
            status if http::is_busy(status) => {
                Err(ClientError::Unreachable { registry: self.name(), problem: format!("it answered {status}") })
            }
            _ => Err(self.http.refused(&answer, &put.what)),
        }
    }

    /// Returns whether the registry adds it to the referrers of its subject.
    pub(super) async fn put_manifest(&self, package: &PackageName, new: &NewManifest) -> Result<bool, ClientError> {
        let ask = self.put_ask(package, &Digest::of(&new.bytes).to_string(), new)?;
        let answer = self.http.send(&ask).await?;
        if answer.status != StatusCode::CREATED {
            return Err(self.http.refused(&answer, &ask.what));
        }
        Ok(answer.headers.contains_key("oci-subject"))
    }

    /// The specification has no conditional update, so the tag is read before and after. Our own server makes this
    /// safe: it refuses a lower sequence number of an index.
    pub(super) async fn put_tag(
        &self,
        package: &PackageName,
        tag: &str,
        previous: Option<Digest>,
        new: &NewManifest,
    ) -> Result<bool, ClientError> {
        let named = || async {
            let bytes = self.manifest(package, Reference::Tag(tag), IMAGE_INDEX_BYTES_MAX + 1).await?;
            Ok::<_, ClientError>(bytes.map(|bytes| Digest::of(&bytes)))
        };
        if named().await? != previous {
            return Ok(false);
        }
        let ask = self.put_ask(package, tag, new)?;
        let answer = self.http.send(&ask).await?;
        match answer.status {
            StatusCode::CREATED => Ok(named().await? == Some(Digest::of(&new.bytes))),
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Ok(false),
            // Was it refused because another client was faster? Registries word that differently.
            status if status.is_client_error() && named().await? != previous => Ok(false),
            _ => Err(self.http.refused(&answer, &ask.what)),
        }
    }

    pub(super) async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        let mut ask = self.of(package, Method::GET, "tags/list")?;
        ask.url.query_pairs_mut().append_pair("n", TAGS_OF_A_PAGE);
        ask.body_max = PAGE_BYTES_MAX;
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = self.http.send(&ask).await?;
            if answer.status == StatusCode::NOT_FOUND {
                break;
            }
            if answer.status != StatusCode::OK {
                return Err(self.http.refused(&answer, &ask.what));
            }
            let page: Tags = self.json(&answer.body, &ask.what)?;
            all.extend(page.tags.unwrap_or_default());
            match self.next(&answer.headers, &ask)? {
                Some(next) => ask.url = next,
                None => break,
            }
        }
        Ok(all)
    }

    /// None if the registry has no referrers API.
    pub(super) async fn referrers(
        &self,
        package: &PackageName,
        subject: Digest,
        kind: &str,
    ) -> Result<Option<Vec<Descriptor>>, ClientError> {
        let mut ask = self.of(package, Method::GET, &format!("referrers/{subject}"))?;
        ask.url.query_pairs_mut().append_pair("artifactType", kind);
        ask.header(ACCEPT, IMAGE_INDEX_MEDIA_TYPE.to_owned());
        ask.body_max = IMAGE_INDEX_BYTES_MAX + 1;
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = self.http.send(&ask).await?;
            if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
                return Ok(None);
            }
            if answer.status != StatusCode::OK {
                return Err(self.http.refused(&answer, &ask.what));
            }
            let page = ImageIndex::from_json(&answer.body, IMAGE_INDEX_BYTES_MAX)
                .map_err(|problem| self.protocol(&ask.what, problem.to_string()))?;
            all.extend(page.manifests);
            match self.next(&answer.headers, &ask)? {
                Some(next) => ask.url = next,
                None => break,
            }
        }
        Ok(Some(all))
    }

    /// Only our own server has a search: the distribution specification defines none.
    pub(super) async fn search(&self, words: &str, after: Option<&str>) -> Result<SearchPage, ClientError> {
        let mut ask = self.ask(Method::GET, "v1/search", "a search")?;
        ask.url.query_pairs_mut().append_pair("q", words);
        if let Some(after) = after {
            ask.url.query_pairs_mut().append_pair("after", after);
        }
        ask.body_max = PAGE_BYTES_MAX;
        let answer = self.http.send(&ask).await?;
        match answer.status {
            StatusCode::OK => self.json(&answer.body, &ask.what),
            StatusCode::NOT_FOUND => {
                Err(ClientError::Options(format!("{} has no search: name the package as publisher/name", self.name())))
            }
            _ => Err(self.http.refused(&answer, &ask.what)),
        }
    }

    fn put_ask(&self, package: &PackageName, reference: &str, new: &NewManifest) -> Result<Ask, ClientError> {
        let mut ask = self.of(package, Method::PUT, &format!("manifests/{reference}"))?;
        ask.header(CONTENT_TYPE, new.media_type.to_owned());
        ask.body = Some(new.bytes.clone());
        Ok(ask)
    }

    async fn found(&self, ask: &Ask) -> Result<Option<Bytes>, ClientError> {
        let answer = self.http.send(ask).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.http.refused(&answer, &ask.what)),
        }
    }

    /// The name of a package's repository.
    fn repository(&self, package: &PackageName) -> String {
        if self.prefix.is_empty() { package.to_string() } else { format!("{}/{package}", self.prefix) }
    }

    /// A request about a package's repository.
    fn of(&self, package: &PackageName, method: Method, path: &str) -> Result<Ask, ClientError> {
        let repository = self.repository(package);
        let what = format!("{method} {repository}/{path}");
        let mut ask = self.ask(method, &format!("v2/{repository}/{path}"), &what)?;
        ask.repository = Some(repository);
        Ok(ask)
    }

    fn ask(&self, method: Method, path: &str, what: &str) -> Result<Ask, ClientError> {
        let url = self.origin.join(path).map_err(|error| self.protocol(what, error.to_string()))?;
        Ok(Ask::new(method, url, what))
    }

    fn location(&self, headers: &HeaderMap, what: &str) -> Result<Url, ClientError> {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| self.origin.join(location).ok());
        let url = url.ok_or_else(|| self.protocol(what, "the `Location` header is missing or invalid".to_owned()))?;
        if url.scheme() == "http" && self.origin.scheme() == "https" {
            return Err(self.protocol(what, "it redirects from https to http".to_owned()));
        }
        Ok(url)
    }

    /// The next page, on the same registry.
    fn next(&self, headers: &HeaderMap, ask: &Ask) -> Result<Option<Url>, ClientError> {
        let Some(next) = links::next(headers) else { return Ok(None) };
        let url = ask.url.join(&next).map_err(|error| self.protocol(&ask.what, error.to_string()))?;
        if url.origin() == self.origin.origin() {
            return Ok(Some(url));
        }
        Err(self.protocol(&ask.what, "its next page is on another registry".to_owned()))
    }

    fn json<'a, T: Deserialize<'a>>(&self, body: &'a [u8], what: &str) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| self.protocol(what, printable(&error.to_string(), 200)))
    }

    fn protocol(&self, what: &str, problem: String) -> ClientError {
        ClientError::Protocol { registry: self.name(), what: what.to_owned(), problem }
    }
}
