//! Pulls: ping, blobs with ranges, manifests by tag and digest, and missing objects.

use crate::harness::{IMAGE_MANIFEST, Registry, bytes, send};
use handoff_package::Digest;

#[tokio::test]
async fn a_blob_is_read_with_get_range_and_head() {
    let registry = Registry::start().await;
    registry.get("/v2/").await.expect(200);
    let content = bytes(700_000, 1);
    let digest = registry.push_blob("acme/x", &content).await;
    let path = format!("/v2/acme/x/blobs/{digest}");

    let head = send(registry.request("HEAD", &path)).await.expect(200);
    assert_eq!((head.header("content-length"), head.header("accept-ranges")), ("700000", "bytes"));
    assert_eq!(head.header("docker-content-digest"), digest.to_string());
    assert!(registry.get(&path).await.expect(200).bytes == content);

    let part = send(registry.request("GET", &path).header("range", "bytes=300000-399999")).await.expect(206);
    assert_eq!(part.header("content-range"), "bytes 300000-399999/700000");
    assert!(part.bytes == content[300_000..400_000]);
    let tail = send(registry.request("GET", &path).header("range", "bytes=-10")).await.expect(206);
    assert!(tail.bytes == content[699_990..]);
    let outside =
        send(registry.request("GET", &path).header("range", "bytes=700000-")).await.refused(416, "SIZE_INVALID");
    assert_eq!(outside.header("content-range"), "bytes */700000");
    let known = registry.request("GET", &path).header("if-none-match", format!("\"{digest}\""));
    send(known).await.expect(304);
}

#[tokio::test]
async fn a_manifest_is_read_byte_for_byte_by_tag_and_by_digest() {
    let registry = Registry::start().await;
    let digest = registry.publish("acme/deep/er", "1.0.0", b"layer").await;
    for reference in ["1.0.0", &digest.to_string()] {
        let path = format!("/v2/acme/deep/er/manifests/{reference}");
        let got = registry.get(&path).await.expect(200);
        assert_eq!(Digest::of(&got.bytes), digest);
        assert_eq!(
            (got.header("content-type"), got.header("docker-content-digest")),
            (IMAGE_MANIFEST, &*digest.to_string())
        );
        let head = send(registry.request("HEAD", &path)).await.expect(200);
        assert_eq!(head.header("content-length"), got.bytes.len().to_string());
        assert!(head.bytes.is_empty());
    }
}

#[tokio::test]
async fn missing_objects_get_the_error_codes_of_the_specification() {
    let registry = Registry::start().await;
    registry.publish("acme/x", "1.0.0", b"layer").await;
    let nothing = Digest::of(b"nothing");
    for (method, path, status, code) in [
        ("GET", format!("/v2/acme/x/blobs/{nothing}"), 404, "BLOB_UNKNOWN"),
        ("GET", format!("/v2/other/y/blobs/{}", Digest::of(b"layer")), 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/acme/x/blobs/sha512:00".to_owned(), 400, "DIGEST_INVALID"),
        ("GET", "/v2/acme/x/manifests/2.0.0".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/acme/x/manifests/{nothing}"), 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/other/y/manifests/1.0.0".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/acme/x/manifests/-bad".to_owned(), 400, "MANIFEST_INVALID"),
        ("GET", "/v2/Acme/x/manifests/1.0.0".to_owned(), 400, "NAME_INVALID"),
        ("GET", "/v2/acme/%2fx/manifests/1.0.0".to_owned(), 400, "NAME_INVALID"),
        ("GET", "/v2/acme/x/tags".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v2/other/y/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/acme/x/tags/list?n=many".to_owned(), 400, "UNSUPPORTED"),
        ("POST", "/v2/acme/x/manifests/1.0.0".to_owned(), 405, "UNSUPPORTED"),
        ("DELETE", format!("/v2/acme/x/blobs/{nothing}"), 404, "BLOB_UNKNOWN"),
        ("DELETE", "/v2/acme/x/manifests/latest".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("PATCH", "/v2/acme/x/blobs/uploads/0123".to_owned(), 404, "BLOB_UPLOAD_UNKNOWN"),
    ] {
        send(registry.request(method, &path)).await.refused(status, code);
    }
    let allowed = send(registry.request("POST", "/v2/acme/x/manifests/1.0.0")).await;
    assert_eq!(allowed.header("allow"), "GET, HEAD, PUT, DELETE");
}
