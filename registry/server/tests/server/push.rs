//! Pushes: uploads whole, in chunks, resumed, interrupted, cancelled; mounts; limits.

use std::time::Duration;

use handoff_registry_server::TrustedProxies;

use crate::harness::{Answer, Hands, IMAGE_MANIFEST, Registry, bytes, send};
use handoff_package::Digest;
use serde_json::json;

async fn begin(registry: &Registry) -> String {
    let begun = send(registry.request("POST", "/v2/acme/x/blobs/uploads/")).await.expect(202);
    assert_eq!(begun.header("range"), "0-0");
    begun.header("location").to_owned()
}

async fn patch(registry: &Registry, at: &str, first: usize, chunk: &[u8]) -> Answer {
    let range = format!("{first}-{}", first + chunk.len() - 1);
    send(registry.request("PATCH", at).header("content-range", range).body(chunk.to_vec())).await
}

#[tokio::test]
async fn a_chunked_upload_resumes_even_after_a_restart() {
    let mut registry = Registry::start().await;
    let content = bytes(3_000_000, 2);
    let digest = Digest::of(&content);
    let at = begin(&registry).await;
    let first = patch(&registry, &at, 0, &content[..1_500_000]).await.expect(202);
    assert_eq!(first.header("range"), "0-1499999");

    // Out of order: nothing is stored, and the answer says where to resume.
    let wrong = patch(&registry, &at, 2_000_000, &content[2_000_000..]).await.refused(416, "BLOB_UPLOAD_INVALID");
    assert_eq!((wrong.header("range"), wrong.header("location")), ("0-1499999", &*at));

    registry.stop().await;
    registry.start_again().await;
    let status = registry.get(&at).await.expect(204);
    assert_eq!((status.header("range"), status.header("location")), ("0-1499999", &*at));
    patch(&registry, &at, 1_500_000, &content[1_500_000..2_999_000]).await.expect(202);
    let last = registry.request("PUT", &format!("{at}?digest={digest}")).header("content-range", "2999000-2999999");
    let done = send(last.body(content[2_999_000..].to_vec())).await.expect(201);
    assert_eq!(done.header("location"), format!("/v2/acme/x/blobs/{digest}"));
    assert!(registry.get(done.header("location")).await.expect(200).bytes == content);
    registry.get(&at).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn bytes_that_arrived_before_a_broken_connection_count() {
    use tokio::io::AsyncWriteExt as _;
    let registry = Registry::start().await;
    let content = bytes(400_000, 3);
    let at = begin(&registry).await;
    let mut stream = tokio::net::TcpStream::connect(registry.server().address()).await.unwrap();
    let head =
        format!("PATCH {at} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 400000\r\ncontent-range: 0-399999\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&content[..100_000]).await.unwrap();
    drop(stream);
    // The status request waits for the interrupted request, so its answer is final.
    let range = registry.get(&at).await.expect(204).header("range").to_owned();
    let have: usize = range.strip_prefix("0-").unwrap().parse().unwrap();
    let have = if have == 0 { 0 } else { have + 1 };
    assert!(have <= 100_000, "{have}");
    patch(&registry, &at, have, &content[have..]).await.expect(202);
    let digest = Digest::of(&content);
    send(registry.request("PUT", &format!("{at}?digest={digest}"))).await.expect(201);
}

#[tokio::test]
async fn a_wrong_digest_or_size_stores_nothing() {
    let registry = Registry::start().await;
    let wrong = Digest::of(b"other");
    let path = format!("/v2/acme/x/blobs/uploads/?digest={wrong}");
    send(registry.request("POST", &path).body("content")).await.refused(400, "DIGEST_INVALID");
    let at = begin(&registry).await;
    send(registry.request("PUT", &format!("{at}?digest={wrong}")).body("content")).await.refused(400, "DIGEST_INVALID");
    registry.get(&at).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    let at = begin(&registry).await;
    send(registry.request("PUT", &at).body("content")).await.refused(400, "DIGEST_INVALID");
    let lying = registry.request("PATCH", &at).header("content-range", "0-99").body("content");
    send(lying).await.refused(400, "SIZE_INVALID");
    send(registry.request("DELETE", &at)).await.expect(204);
    send(registry.request("DELETE", &at)).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    for content in ["other", "content"] {
        registry
            .get(&format!("/v2/acme/x/blobs/{}", Digest::of(content.as_bytes())))
            .await
            .refused(404, "BLOB_UNKNOWN");
    }
    // Not another repository's upload.
    let at = begin(&registry).await.replace("acme/x", "acme/y");
    registry.get(&at).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_blob_is_mounted_from_a_repository_that_has_it() {
    let registry = Registry::start().await;
    let digest = registry.push_blob("acme/x", b"shared").await;
    let mount =
        |to: &str, rest: &str| registry.request("POST", &format!("/v2/{to}/blobs/uploads/?mount={digest}{rest}"));
    let mounted = send(mount("acme/y", "&from=acme/x")).await.expect(201);
    assert_eq!(registry.get(mounted.header("location")).await.expect(200).text(), "shared");
    // If the source does not have it, or no source is given, an upload begins.
    for rest in ["&from=acme/z", ""] {
        assert!(send(mount("other/z", rest)).await.expect(202).header("location").contains("/blobs/uploads/"));
    }
    registry.get(&format!("/v2/other/z/blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn every_input_is_bounded() {
    let registry = Registry::start_with(|options| {
        options.blob_bytes_max = 1_000;
        options.uploads_max = 2;
    })
    .await;
    let content = bytes(1_001, 4);
    let path = format!("/v2/acme/x/blobs/uploads/?digest={}", Digest::of(&content));
    send(registry.request("POST", &path).body(content.clone())).await.refused(413, "SIZE_INVALID");
    let at = begin(&registry).await;
    patch(&registry, &at, 0, &content[..1_000]).await.expect(202);
    patch(&registry, &at, 1_000, &content[1_000..]).await.refused(413, "SIZE_INVALID");
    begin(&registry).await;
    let busy = send(registry.request("POST", "/v2/acme/x/blobs/uploads/")).await.refused(429, "TOOMANYREQUESTS");
    assert_eq!(busy.header("retry-after"), "5");
    let large = json!({ "schemaVersion": 2, "note": "x".repeat(4 << 20) });
    registry.put_manifest("acme/x", "1.0.0", IMAGE_MANIFEST, &large).await.refused(413, "MANIFEST_INVALID");
    registry.get(&format!("/v2/acme/x/manifests/{}", "x".repeat(9_000))).await.refused(431, "UNSUPPORTED");
}

#[tokio::test]
async fn an_upload_that_is_idle_for_minutes_frees_its_slot() {
    let hands = Hands::default();
    let clock = hands.clock();
    let registry = Registry::start_with(move |options| {
        options.uploads_max = 1;
        options.clock = clock.clone();
    })
    .await;
    let first = begin(&registry).await;
    let minutes = Duration::from_secs(60);
    hands.advance(9 * minutes);
    patch(&registry, &first, 0, b"not idle").await.expect(202);
    hands.advance(9 * minutes);
    send(registry.request("POST", "/v2/acme/x/blobs/uploads/")).await.refused(429, "TOOMANYREQUESTS");
    hands.advance(minutes);
    begin(&registry).await;
    registry.get(&first).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_sender_has_its_own_uploads() {
    for is_trusted in [true, false] {
        let registry = Registry::start_with(move |options| {
            options.uploads_per_address_max = 1;
            if is_trusted {
                options.trusted_proxies = TrustedProxies::parse(&["127.0.0.1".to_owned()]).unwrap();
            }
        })
        .await;
        let start = async |sender: &str| {
            let request = registry.request("POST", "/v2/acme/x/blobs/uploads/").header("x-forwarded-for", sender);
            send(request).await.status
        };
        let statuses = [start("203.0.113.7").await, start("203.0.113.7").await, start("203.0.113.8").await];
        let second = if is_trusted { 429 } else { 202 };
        assert_eq!(statuses, [202, second, 202], "a stranger's word counts for nothing: {is_trusted}");
    }
}
