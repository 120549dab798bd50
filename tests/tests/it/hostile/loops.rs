//! Connectors that emit to themselves forever: the hop count ends a chain, the queue limit ends an avalanche.

use std::sync::atomic::{AtomicU64, Ordering};

use handoff_tests::harness::{TestHost, eventually};

use super::packages::{codes, counts, event, install_probe};

const ROUND: &str = "com.example.round.v1";

#[tokio::test]
async fn the_hop_count_ends_an_event_loop() {
    let host = TestHost::new().start().await;
    install_probe(&host, "bad", ROUND, ROUND, 9).await;
    host.post_event(&event(ROUND, "first", "echo 1 com.example.round.v1", None)).await.expect(202);
    host.quiet().await;
    assert_eq!(host.events(ROUND).await.len(), 33, "the event from outside and one per hop of 32");
    host.cli(&["logs", "bad"]).await.ok().says(&["limits.call.hops"]);
    assert!(host.dead_letters().await.is_empty(), "the connector handled the refusal");
}

#[tokio::test]
async fn the_queue_limit_stops_an_avalanche() {
    const MOST: u64 = 60;
    let host = TestHost::new()
        .engine("installation-queue-entries-max = 60\nconcurrency-per-installation = 4\nmax-attempts = 2\n")
        .start()
        .await;
    install_probe(&host, "bad", ROUND, ROUND, 9).await;
    install_probe(&host, "good", "com.example.good.v1", "com.example.done.v1", 9).await;
    host.post_event(&event(ROUND, "first", "echo 5 com.example.round.v1", None)).await.expect(202);
    let most = AtomicU64::new(0);
    eventually("deliveries fail because the queue is full", async || {
        most.fetch_max(counts(&host, "bad").await["waiting"].as_u64().unwrap_or(0), Ordering::Relaxed);
        let letters = codes(&host, "bad").await;
        (letters.iter().filter(|(code, _)| code == "queue-full").count() >= 100).then_some(())
    })
    .await;
    let most = most.into_inner();
    // Concurrent deliveries may each add their share: four that run, and sixteen for each of them that wait for the
    // disk.
    assert!((MOST / 2..=MOST + 4 * 16 * 5).contains(&most), "{most} waited");
    let good = event("com.example.good.v1", "good", "emit com.example.done.v1 x", None);
    host.post_event(&good).await.expect(202);
    eventually("the other one works", async || (host.events("com.example.done.v1").await.len() == 1).then_some(()))
        .await;
    host.cli(&["pause", "bad", "--reason", "it emits to itself"]).await.ok();
}
