//! Choosing among the maximum number of versions of a package, as a host does it: over HTTP, with the signature
//! checked. Nothing is pulled.

use std::time::Instant;

use handoff_package::Digest;
use handoff_package::artifact::{Artifact, INDEX_TAG};
use handoff_package::index::{PackageIndex, RELEASES_MAX, Release, Seen, Status};
use handoff_package::manifest::PackageName;
use handoff_package::reference::RegistryRef;
use handoff_package::resolve::{Requirement, ResolveOptions, resolve};
use handoff_package::trust::{SigningKey, TrustList};
use handoff_registry_client::{KnownIndexes, Options, Registry};
use handoff_registry_server::{Access, Server, ServerOptions};

use super::MANIFEST;
use crate::goals::{Goals, Verdict};
use crate::results::{Samples, plain};
use crate::{Load, say};

const PACKAGE: &str = "bench/versions";
/// Look-ups for the median, per run of the load.
const LOOKS: usize = 20;
const GOAL_MS: f64 = 5.0;

/// A registry with the index, and a host's memory of it.
struct Shown {
    url: String,
    package: PackageName,
    trust: TrustList,
    list_bytes: usize,
}

/// Measures and adds rows.
pub(crate) async fn measure(load: Load, goals: &mut Goals) {
    say("Choosing among 10,000 versions of one package");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut options = ServerOptions::new("127.0.0.1:0".parse().expect("an address"), folder.path().join("registry"));
    options.access = Access::Open;
    let server = Server::start(options).await.expect("a registry");
    let shown = show(server.url()).await;
    let [mut opened, mut first, mut changed, mut again, mut alone]: [Samples; 5] = Default::default();
    for _ in 0..load.runs * LOOKS {
        let start = Instant::now();
        open(&shown, true);
        opened.push(start.elapsed().as_secs_f64() * 1e3);
        // A host that has just started and never asked before. The connection exists, as after a login.
        let registry = open(&shown, false);
        registry.check_login().await.expect("the registry answers");
        let (seen, ms) = look(&registry, &shown, None).await;
        first.push(ms);
        // The same after a restart: the host remembers what was seen, but not the index.
        let registry = registry.with_known(KnownIndexes::default());
        changed.push(look(&registry, &shown, Some(&seen)).await.1);
        again.push(look(&registry, &shown, Some(&seen)).await.1);
        alone.push(choose(&registry, &shown).await);
    }
    server.stop().await.expect("a clean stop");
    let mut row = |what: &str, samples: &Samples, against: &str| {
        let ms = samples.median();
        let value = format!("p50 {} ms", plain(ms));
        let ratio = format!("p99 {} ms", plain(samples.at(0.99)));
        goals.row(what, &value, against, &ratio, "under 5 ms", Verdict::of(ms < GOAL_MS));
    };
    let bytes = format!("a list of {} MB fetched, hashed, verified and read", plain(megabytes(shown.list_bytes)));
    row("Resolving among 10,000 versions, the list cached (asked, signature checked)", &again, "one small request");
    row("↳ the host's first look-up after a start", &changed, &bytes);
    row("↳ the very first look-up of a host", &first, "the same, and what it lists is stored");
    let mut note = |what: &str, samples: &Samples| goals.note(what, &format!("{} ms", plain(samples.median())), "");
    note("↳ the choice alone", &alone);
    note("↳ in addition, once per command: creating a client, reading the system's certificate authorities", &opened);
}

fn megabytes(bytes: usize) -> f64 {
    crate::results::number(bytes) / 1e6
}

fn open(shown: &Shown, system_cas: bool) -> Registry {
    let place: RegistryRef = shown.url.parse().expect("a registry's address");
    Registry::open(&place, &Options { system_cas, ..Options::default() }).expect("a registry")
}

/// From the question to the pin, in milliseconds; and what is remembered.
async fn look(registry: &Registry, shown: &Shown, seen: Option<&Seen>) -> (Seen, f64) {
    let start = Instant::now();
    let list = registry.index(&shown.package, &shown.trust, seen).await.expect("a list");
    let chosen = resolve(&list.index, &wanted(), &ResolveOptions::default()).expect("a version");
    let ms = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(chosen.pin.version.to_string(), "9.99.9", "the newest that fits");
    (list.seen, ms)
}

async fn choose(registry: &Registry, shown: &Shown) -> f64 {
    let list = registry.index(&shown.package, &shown.trust, None).await.expect("a list");
    let start = Instant::now();
    resolve(&list.index, &wanted(), &ResolveOptions::default()).expect("a version");
    start.elapsed().as_secs_f64() * 1e3
}

fn wanted() -> Requirement {
    "^9.5".parse().expect("a requirement")
}

/// Signs an index of maximum length and publishes it.
async fn show(url: String) -> Shown {
    let key = SigningKey::generate().expect("a key");
    let mut trust = TrustList::default();
    trust.add(&"bench".parse().expect("a publisher"), key.public(), 0).expect("trusted");
    let package: PackageName = PACKAGE.parse().expect("a name");
    let mut index = PackageIndex::empty(package.clone());
    for number in 0..RELEASES_MAX {
        let version = format!("{}.{}.{}", number / 1000, number / 10 % 100, number % 10);
        let release = Release {
            digest: Digest::of(version.as_bytes()),
            manifest_digest: Digest::of(format!("manifest {version}").as_bytes()),
            version: version.parse().expect("a version"),
            status: Status::Active,
            published_at_ms: 1_795_329_234_000,
            interface: "1.0.0".parse().expect("a version"),
            changes: Some("Reads one more field of the vendor's leads.".parse().expect("a sentence")),
        };
        assert_eq!(index.publish(release), Ok(true), "a new version");
    }
    let (json, envelope) = index.sign(&key, 1_795_329_234_000);
    let list_bytes = json.len();
    let artifact = Artifact::index(&index, json, envelope);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for blob in artifact.blobs {
        let path = format!("{url}/v2/{PACKAGE}/blobs/uploads/?digest={}", Digest::of(&blob));
        assert_eq!(client.post(path).body(blob).send().await.expect("an answer").status(), 201, "a blob is taken");
    }
    let path = format!("{url}/v2/{PACKAGE}/manifests/{INDEX_TAG}");
    let request = client.put(path).header("content-type", MANIFEST).body(artifact.manifest.to_json());
    assert_eq!(request.send().await.expect("an answer").status(), 201, "the list is taken");
    Shown { url, package, trust, list_bytes }
}
