//! Connectors that emit to themselves for ever: the hop count ends a chain, the bound of the queue ends an avalanche.

use std::sync::atomic::{AtomicU64, Ordering};

use handoff_tests::harness::{TestHost, eventually};

use super::packages::{codes, counts, event, install_probe};

const ROUND: &str = "com.example.round.v1";

#[tokio::test]
async fn a_connector_that_emits_to_itself_for_ever_is_ended_by_the_hop_count() {
    let host = TestHost::new().start().await;
    install_probe(&host, "bad", ROUND, ROUND, 9).await;
    host.post_event(&event(ROUND, "first", "echo 1 com.example.round.v1", None)).await.expect(202);
    host.quiet().await;
    assert_eq!(host.events(ROUND).await.len(), 33, "the one from outside and one for each of 32 hops");
    host.cli(&["logs", "bad"]).await.ok().says(&["limits.call.hops"]);
    assert!(host.dead_letters().await.is_empty(), "the connector was told, and chose to go on");
}

#[tokio::test]
async fn an_avalanche_is_held_at_the_bound_of_the_queue() {
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
    // Those at work at the same time may each add what one may: four that run, and sixteen for each of them that wait for the disk.
    assert!((MOST / 2..=MOST + 4 * 16 * 5).contains(&most), "{most} waited");
    let good = event("com.example.good.v1", "good", "emit com.example.done.v1 x", None);
    host.post_event(&good).await.expect(202);
    eventually("the other one works", async || (host.events("com.example.done.v1").await.len() == 1).then_some(()))
        .await;
    host.cli(&["pause", "bad", "--reason", "it emits to itself"]).await.ok();
}
