//! A failing disk under the real program: nothing is acknowledged that might be lost, the failure is reported, and the
//! next start continues with everything that was acknowledged. The faults come from a preloaded library; the program
//! knows nothing of it.

use std::path::PathBuf;

use handoff_tests::harness::{TestHost, eventually};
use serde_json::json;

/// Cargo puts it next to the test programs.
pub(crate) fn shim() -> PathBuf {
    let program = std::env::current_exe().expect("this program's path");
    let folder = program.parent().expect("a folder");
    let name = "libhandoff_storage_shim.so";
    let places = [folder.join(name), folder.join("..").join(name)];
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name} is not built: build the workspace"))
}

async fn post(host: &TestHost, id: &str) -> u16 {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "https://dms.example/sales", "type": "com.example.sale.noted.v1",
        "datacontenttype": "application/json", "data": { "vin": "1HGCM82633A004352" },
    });
    host.post_event(&event).await.status
}

async fn ids(host: &TestHost) -> Vec<String> {
    let events = host.events("com.example.*").await;
    events.iter().filter_map(|event| event["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_full_disk_delays_an_event_until_there_is_room() {
    let host = TestHost::new().with_disk_shim(shim()).start().await;
    assert_eq!(post(&host, "before").await, 202);
    host.set_disk_faults("full only=journal");
    let room = async {
        eventually("the journal waits", || async { (host.log().contains("the store cannot write")).then_some(()) })
            .await;
        assert_eq!(ids(&host).await.iter().filter(|id| *id == "before").count(), 1, "reading goes on");
        assert_eq!(host.get("/readyz").await.status, 503);
        let status = host.status().await;
        assert_eq!(status["state"], "blocked", "{status:#}");
        assert!(status["problem"].is_string(), "{status:#}");
        assert_eq!(status["incidents"][0]["kind"], "store-blocked", "{status:#}");
        host.cli(&["status"]).await.exits(1).says(&["make room on the disk"]);
        host.set_disk_faults("");
    };
    let (status, ()) = tokio::join!(post(&host, "delayed"), room);
    assert_eq!(status, 202);
    assert_eq!(post(&host, "after").await, 202);
    assert_eq!(host.get("/readyz").await.status, 200);
    host.wait_no_incident("store-blocked").await;
    let mut found = ids(&host).await;
    found.sort();
    assert_eq!(found, ["after", "before", "delayed"]);
}

#[tokio::test]
async fn after_a_failed_write_or_sync_no_event_is_acknowledged() {
    let mut host = TestHost::new().with_disk_shim(shim()).start().await;
    let mut expected = Vec::new();
    for (round, fault) in ["failing-sync only=journal", "read-only"].into_iter().enumerate() {
        let kept = format!("kept-{round}");
        assert_eq!(post(&host, &kept).await, 202);
        expected.push(kept);
        host.set_disk_faults(fault);
        assert_eq!(post(&host, &format!("refused-{round}")).await, 503, "{fault}");
        // The disk works again, or the kernel says so: its content is unknown all the same.
        host.set_disk_faults("");
        for again in 0..3 {
            assert_eq!(post(&host, &format!("late-{round}-{again}")).await, 503, "{fault}");
        }
        let ready = host.get("/readyz").await;
        assert!(ready.status == 503 && ready.text.contains("disk failed"), "{}", ready.text);
        assert_eq!(host.get("/healthz").await.status, 200);
        let status = host.status().await;
        assert_eq!(status["state"], "failed", "{status:#}");
        assert!(status["problem"].as_str().is_some_and(|problem| problem.contains(".journal")), "{status:#}");
        assert_eq!(status["incidents"][0]["kind"], "store-stopped", "{status:#}");
        assert!(host.log().contains("nothing more is acknowledged"), "{fault}");
        host.stop().await;
        host.start_again().await;
        let found: Vec<String> = ids(&host).await.into_iter().filter(|id| !id.starts_with("refused")).collect();
        assert_eq!(found, expected, "{fault}: every acknowledged event, and at most one refused event, must be there");
    }
    assert_eq!(post(&host, "last").await, 202);
}
