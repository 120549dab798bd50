//! How many uploads one address may have. Tests over HTTP have only loopback addresses.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

fn uploads(folder: &std::path::Path) -> Uploads {
    let storage = Arc::new(Storage::open(folder).unwrap());
    let idle = Duration::from_secs(600);
    let bounds = Bounds { blob_bytes_max: 100, uploads_max: 8, per_address_max: 2, idle };
    Uploads::open(storage, bounds, Clock::system()).unwrap()
}

#[test]
fn one_address_cannot_take_every_upload() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::parse("acme/x").unwrap();
    let all = uploads(folder.path());
    let start = |all: &Uploads, address: &str| all.start(&repository, address.parse().unwrap());
    let refused = |result: Result<Arc<Upload>, Refusal>| {
        let refusal = result.unwrap_err();
        assert_eq!(refusal.status, http::StatusCode::TOO_MANY_REQUESTS, "{refusal:?}");
    };
    let first = start(&all, "192.0.2.1").unwrap();
    start(&all, "192.0.2.1").unwrap();
    refused(start(&all, "192.0.2.1"));
    // The same sender with another of its addresses.
    refused(start(&all, "::ffff:192.0.2.1"));
    start(&all, "2001:db8:1:2::1").unwrap();
    start(&all, "2001:db8:1:2::2").unwrap();
    refused(start(&all, "2001:db8:1:2::3"));
    // A reverse proxy on this machine forwards the uploads of many.
    for _ in 0..3 {
        start(&all, "127.0.0.1").unwrap();
    }
    // A restart forgets no upload and not whose it is; a finished one frees its slot.
    drop(all.storage.close());
    drop(all);
    let all = uploads(folder.path());
    refused(start(&all, "192.0.2.1"));
    let again = all.find(&repository, first.id()).unwrap();
    all.cancel(&again).unwrap();
    start(&all, "192.0.2.1").unwrap();
    start(&all, "192.0.2.2").unwrap();
    refused(start(&all, "192.0.2.3"));
}
