//! Every limit of the engine has a guest that exceeds it, in a real host. A limit without a guest fails here.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use handoff_tests::harness::{TestHost, eventually};
use serde_json::{Value, json};

use super::packages::{codes, counts, event, install_probe};

const BAD: &str = "com.example.bad.v1";

/// The limits of `[limits.engine]` for which this file has a guest: in `tight` and the other tests.
const MET: [&str; 18] = [
    "batch-events",
    "concurrency-per-installation",
    "drain-ms",
    "event-bytes",
    "installation-metrics-max",
    "installation-outbox-pending-max",
    "installation-queue-entries-max",
    "installation-timers-max",
    "max-attempts",
    "outbox-concurrency",
    "outbox-max-attempts",
    "outbox-retry-base-ms",
    "outbox-retry-cap-ms",
    "queue-entries-max",
    "retry-base-ms",
    "retry-cap-ms",
    // Limits of `[limits.call]` that egress enforces.
    "http-timeout-ms",
    "response-body-bytes",
];

#[tokio::test]
async fn every_engine_limit_has_a_guest() {
    let host = TestHost::new().start().await;
    let example = host.cli(&["check", "--example"]).await.ok().stdout;
    let section = example.split("[limits.engine]").nth(1).expect("the section").split("\n[").next().expect("its lines");
    let known = section.lines().filter_map(|line| line.strip_prefix('#')?.split_once(" = ")).map(|(name, _)| name);
    let mut known: BTreeSet<&str> = known.collect();
    known.extend(["http-timeout-ms", "response-body-bytes"]);
    assert_eq!(known, BTreeSet::from(MET), "each limit needs a guest that exceeds it");
}

/// A host with tight limits.
async fn tight(more: &str) -> TestHost {
    let engine = format!(
        "max-attempts = 3\nretry-base-ms = 50\nretry-cap-ms = 100\noutbox-max-attempts = 2\noutbox-retry-base-ms = 20\n\
         outbox-retry-cap-ms = 50\noutbox-concurrency = 2\n{more}"
    );
    TestHost::new()
        .as_shipped()
        .engine(&engine)
        .config("[limits.call]\ndeadline-ms = 1000\nhttp-timeout-ms = 500\nresponse-body-bytes = 1000\n[hosts.\"*\"]\nfailures-to-open = 1000\n")
        .start()
        .await
}

async fn post(host: &TestHost, id: &str, script: &str) -> u16 {
    host.post_event(&event(BAD, id, script, None)).await.status
}

async fn wait_codes(host: &TestHost, count: usize) -> Vec<(String, u64)> {
    eventually(&format!("{count} dead letters"), async || {
        let codes = codes(host, "bad").await;
        (codes.len() >= count).then_some(codes)
    })
    .await
}

#[tokio::test]
async fn attempts_timers_metrics_and_sizes_are_limited() {
    let host =
        tight("installation-timers-max = 5\ninstallation-metrics-max = 5\nevent-bytes = 2000\nbatch-events = 3\n")
            .await;
    install_probe(&host, "bad", BAD, "com.example.done.v1", 9).await;

    let started = Instant::now();
    assert_eq!(post(&host, "fails", "retry busy 1").await, 202);
    assert_eq!(wait_codes(&host, 1).await, [("busy".to_owned(), 3)], "max-attempts");
    assert_eq!(post(&host, "crashes", "panic").await, 202);
    assert_eq!(wait_codes(&host, 2).await[1], ("trap".to_owned(), 2), "a crash at the same place is repeated once");
    assert!(started.elapsed() < Duration::from_secs(10), "retry-base-ms and retry-cap-ms must limit the delays");

    let soon = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() + 3_600_000;
    let timers = |from: u32, to: u32| format!("schedule-many {from} {to} {soon} {BAD}");
    post(&host, "some", &timers(0, 4)).await;
    host.quiet().await;
    post(&host, "more", &timers(2, 7)).await;
    assert_eq!(wait_codes(&host, 3).await[2].0, "timer-limit");
    assert_eq!(counts(&host, "bad").await["timers"], 4, "a refused delivery must have no effects");
    post(&host, "the same", &timers(0, 4)).await;
    post(&host, "one more", &timers(4, 5)).await;
    host.quiet().await;
    assert_eq!(counts(&host, "bad").await["timers"], 5, "replacing a timer must not increase their number");

    post(&host, "metrics", "metrics 0 9").await;
    post(&host, "metrics again", "metrics 0 9").await;
    host.quiet().await;
    assert_eq!(codes(&host, "bad").await.len(), 3, "surplus metrics must be dropped without a failure");
    host.cli(&["logs", "bad"]).await.ok().says(&["metric-limit", "dropped 4 changes"]);

    let large = event(BAD, "large", &"x".repeat(3_000), None);
    host.post_event(&large).await.problem(413);
    let batch: Vec<Value> = (0..4).map(|i| event(BAD, &format!("batch-{i}"), "", None)).collect();
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let refused = host.post("/events", &headers, json!(batch).to_string()).await;
    assert!(refused.problem(413)["detail"].as_str().is_some_and(|text| text.contains("at most 3")));
}

#[tokio::test]
async fn queues_and_running_deliveries_are_limited() {
    let host =
        tight("concurrency-per-installation = 2\ninstallation-queue-entries-max = 8\nqueue-entries-max = 12\n").await;
    install_probe(&host, "bad", BAD, "com.example.done.v1", 9).await;
    install_probe(&host, "other", "com.example.other.v1", "com.example.done.v1", 9).await;
    host.cli(&["pause", "other", "--reason", "it waits"]).await.ok();

    let mut statuses = Vec::new();
    for number in 0..10 {
        statuses.push(post(&host, &format!("loop-{number}"), "loop").await);
    }
    assert!(statuses.starts_with(&[202; 8]) && statuses[9] == 429, "installation-queue-entries-max: {statuses:?}");
    let mut running = 0;
    for _ in 0..5 {
        running = running.max(counts(&host, "bad").await["inFlight"].as_u64().expect("a count"));
    }
    assert_eq!(running, 2, "concurrency-per-installation");

    let mut refused = None;
    for number in 0..13 {
        let answer = host.post_event(&event("com.example.other.v1", &format!("o-{number}"), "", None)).await;
        if answer.status != 202 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("twelve events may wait in total");
    assert!(refused.headers.contains_key("retry-after"), "the response must say when to retry");
    assert!(refused.problem(503)["detail"].as_str().is_some_and(|text| text.contains("12 events wait")));
}

#[tokio::test]
async fn outbox_requests_and_responses_are_limited() {
    let target = Target::start();
    let host = tight("installation-outbox-pending-max = 8\n").await;
    install_probe(&host, "bad", BAD, "com.example.done.v1", target.port).await;

    post(&host, "slow", &format!("fetch GET http://127.0.0.1:{}/leads/never", target.port)).await;
    post(&host, "large", &format!("fetch GET http://127.0.0.1:{}/leads/large", target.port)).await;
    host.quiet().await;
    host.cli(&["logs", "bad"]).await.ok().says(&["Err(Error::Timeout", "Err(Error::ResponseTooLarge"]);

    let send = |count: u32| format!("send-many {count} http://127.0.0.1:{}/leads/busy", target.port);
    post(&host, "too many", &send(9)).await;
    assert_eq!(wait_codes(&host, 1).await[0].0, "outbox-limit");
    post(&host, "enough", &send(6)).await;
    host.quiet().await;
    assert_eq!(target.most.load(Ordering::SeqCst), 2, "outbox-concurrency");
    let sent = host.cli_json(&["outbox", "--installation", "bad", "--state", "failed"]).await;
    let attempts: Vec<_> = sent["requests"].as_array().into_iter().flatten().map(|one| &one["attempts"]).collect();
    assert_eq!(attempts, [2; 6], "outbox-max-attempts: {sent:#}");
}

#[tokio::test]
async fn a_stopping_host_does_not_wait_for_a_spinning_guest() {
    let config = "[limits.call]\ndeadline-ms = 60000\n";
    let mut host = TestHost::new().engine("drain-ms = 200\n").config(config).start().await;
    install_probe(&host, "bad", BAD, "com.example.done.v1", 9).await;
    post(&host, "loop", "loop").await;
    eventually("the guest to spin", async || (counts(&host, "bad").await["inFlight"] == 1).then_some(())).await;
    let started = Instant::now();
    host.stop().await;
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    host.start_again().await;
    eventually("the event to be delivered again", async || (counts(&host, "bad").await["waiting"] == 1).then_some(()))
        .await;
}

/// A system that never responds, responds with too much, or is busy. Counts concurrent requests.
struct Target {
    port: u16,
    most: Arc<AtomicUsize>,
}

/// The active requests.
#[derive(Default)]
struct Asking {
    now: Mutex<usize>,
    one_more: Condvar,
}

impl Target {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (asking, most) = (Arc::new(Asking::default()), Arc::new(AtomicUsize::new(0)));
        let highest = most.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asking, most) = (asking.clone(), highest.clone());
                std::thread::spawn(move || serve(stream, &asking, &most));
            }
        });
        Self { port, most }
    }
}

impl Asking {
    /// Holds a request for a moment, to detect too many concurrent ones. It ends before the response is sent, and only
    /// the response lets the host continue, so a slow machine does not increase the count.
    fn hold(&self, most: &AtomicUsize) {
        let mut now = self.now.lock().expect("no thread panics");
        *now += 1;
        most.fetch_max(*now, Ordering::SeqCst);
        self.one_more.notify_all();
        let (mut now, _) = self
            .one_more
            .wait_timeout_while(now, Duration::from_millis(30), |now| *now <= 2)
            .expect("no thread panics");
        *now -= 1;
    }
}

fn serve(mut stream: TcpStream, asking: &Asking, most: &AtomicUsize) {
    let mut request = [0; 4096];
    let Ok(count) = stream.read(&mut request) else { return };
    let line = String::from_utf8_lossy(&request[..count]);
    let answer = if line.contains("/leads/large") {
        let body = "x".repeat(5_000);
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    } else if line.contains("/leads/busy") {
        asking.hold(most);
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
    } else {
        // Until the host gives up and closes the connection.
        while stream.read(&mut request).is_ok_and(|count| count > 0) {}
        return;
    };
    // The host may close the connection in the middle.
    drop(stream.write_all(answer.as_bytes()));
}
