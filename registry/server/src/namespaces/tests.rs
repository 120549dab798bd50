//! How many requests wait, and for how long. Tests over HTTP have only loopback addresses and the system's clock.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use handoff_package::trust::SigningKey;

use super::*;

const NOW_MS: u64 = 1_800_000_000_000;

fn request(publisher: &str, sender: &str, at_ms: u64) -> NamespaceRequest {
    let key = SigningKey::generate().unwrap().public();
    NamespaceRequest {
        publisher: publisher.parse().unwrap(),
        key_id: key.id(),
        key,
        contact: "dev@acme.example".to_owned(),
        at_ms,
        sender: sender.parse().unwrap(),
    }
}

#[test]
fn requests_are_bounded_for_each_sender_each_name_and_in_total() {
    let folder = tempfile::tempdir().unwrap();
    let all = Namespaces::of(folder.path());
    let room = |request: &NamespaceRequest, waiting: &[NamespaceRequest]| {
        all.check_room(request, waiting).map_err(|refusal| refusal.status.as_u16()).err()
    };
    let from = |sender: &str, count: usize| -> Vec<NamespaceRequest> {
        (0..count).map(|number| request(&format!("name-{number}"), sender, NOW_MS)).collect()
    };
    assert_eq!(room(&request("acme", "192.0.2.1", NOW_MS), &from("192.0.2.1", 4)), None);
    let five = from("192.0.2.1", 5);
    assert_eq!(room(&request("acme", "192.0.2.1", NOW_MS), &five), Some(429));
    assert_eq!(room(&request("acme", "192.0.2.2", NOW_MS), &five), None, "another sender");
    assert_eq!(room(&five[0], &five), None, "the same request again");

    let ten: Vec<_> = (0..10).map(|number| request("acme", &format!("192.0.2.{number}"), NOW_MS)).collect();
    assert_eq!(room(&request("acme", "198.51.100.1", NOW_MS), &ten), Some(429));
    assert_eq!(room(&request("other", "198.51.100.1", NOW_MS), &ten), None);

    // Only their number counts.
    let thousand: Vec<_> = five.iter().cycle().take(1_000).cloned().collect();
    assert_eq!(room(&request("acme", "198.51.100.1", NOW_MS), &thousand), Some(429));
}

#[test]
fn a_request_expires_after_thirty_days() {
    let folder = tempfile::tempdir().unwrap();
    let all = Namespaces::of(folder.path());
    all.put(&request("acme", "192.0.2.1", NOW_MS)).unwrap();
    let thirty_days = 30 * 86_400_000;
    assert_eq!(all.requests(NOW_MS + thirty_days).unwrap().len(), 1);
    assert_eq!(all.requests(NOW_MS + thirty_days + 1).unwrap().len(), 0);
    assert_eq!(fs::read_dir(all.requests_folder()).unwrap().count(), 0, "nothing of it is left");
}
