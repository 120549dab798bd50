//! The limits of the machine, to compare the host's results with.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;

use crate::results::{Samples, number};

/// A shared disk is slow at times.
const ROUNDS: usize = 3;

/// Seconds to append bytes to a file in equal pieces, each followed by `fdatasync`: the journal's work without a host.
///
/// # Panics
/// If the temporary folder cannot be written.
pub(crate) fn append_seconds(bytes: u64, syncs: u64) -> f64 {
    let rounds: Samples = (0..ROUNDS).map(|_| append_once(bytes, syncs)).collect();
    rounds.median()
}

/// Milliseconds of single small appends with `fdatasync` at a steady rate: the minimum wait of a single event for the
/// disk.
///
/// # Panics
/// If the temporary folder cannot be written.
pub(crate) async fn sync_milliseconds(count: usize, pace: Duration) -> Vec<f64> {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    let mut ticks = tokio::time::interval(pace);
    let mut times = Vec::new();
    for _ in 0..count {
        ticks.tick().await;
        let start = Instant::now();
        file.write_all(&[b'x'; 1_500]).and_then(|()| file.sync_data()).expect("synced");
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    times
}

fn append_once(bytes: u64, syncs: u64) -> f64 {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    let piece = usize::try_from(bytes.div_ceil(syncs.max(1))).expect("a piece fits into memory");
    let piece = vec![b'x'; piece];
    let start = Instant::now();
    for _ in 0..syncs {
        file.write_all(&piece).expect("written");
        file.sync_data().expect("synced");
    }
    start.elapsed().as_secs_f64()
}

/// Requests per second of the same client to the host's smallest route: HTTP without any work.
///
/// # Panics
/// If the host does not answer.
pub(crate) async fn http_rate(host: &TestHost, requests: usize, senders: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..senders)
        .map(|_| {
            let (next, client, url) = (next.clone(), host.client().clone(), host.url("/healthz"));
            tokio::spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < requests {
                    let answer = client.get(&url).send().await.expect("the host answers");
                    assert_eq!(answer.status().as_u16(), 200);
                    answer.text().await.expect("a whole answer");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a sender");
    }
    number(requests) / start.elapsed().as_secs_f64()
}
