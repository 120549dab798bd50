//! Tests over real sockets with the command line's client: a stopped host's store gives the same answers.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use crate::{control, listen};
use handoff_app::process::Process;
use handoff_app::shard::Shard;
use handoff_control::ChangeRequest;
use handoff_control::audit::AuditQuery;
use handoff_control::client::{Client, ClientError, Target};
use handoff_control::events::EventQuery;
use handoff_control::installations::InstallationQuery;
use handoff_control::operation::Nothing;
use handoff_control::{audit, events, installations};
use handoff_model::time::SystemClock;
use handoff_store::{Store, StoreOptions};

#[tokio::test]
async fn a_stopped_host_shows_what_the_running_one_showed() {
    let bench = Bench::new("").await;
    let path = bench.folder.path().join("run/control.sock");
    let socket = listen::unix(&path).expect("a socket");
    assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    let folder = path.parent().expect("a folder");
    assert_eq!(std::fs::metadata(folder).expect("the folder").permissions().mode() & 0o777, 0o700);
    let stop = CancellationToken::new();
    let router = control::router(bench.shard.clone());
    let server = tokio::spawn(listen::serve_unix(socket, router, stop.clone(), Duration::from_secs(5)));
    assert!(matches!(listen::unix(&path), Err(listen::ListenError::Taken(_))), "a second host is refused");

    let target = Target::Socket(path.clone());
    let client = Client::new(target.clone()).expect("a client");
    let online = answers(&client).await;
    stop.cancel();
    server.await.expect("it ends");
    assert!(!path.exists(), "the socket file goes with the host");

    let (config, data) = (bench.shard.process().config().clone(), bench.shard.store().folder().to_path_buf());
    assert!(matches!(Store::open(StoreOptions::in_small_steps(&data)), Err(handoff_store::StoreError::InUse(_))));
    let Bench { shard, folder: _kept } = bench;
    drop(client);
    shard.stop().await;
    let store = Store::open(StoreOptions::in_small_steps(&data)).expect("it is free now");
    let process = Process::stopped(config, std::sync::Arc::new(SystemClock)).expect("a process");
    let host = std::sync::Arc::new(control::InProcessHost::new(Shard::stopped(store, process)));
    let client = Client::in_process(target, host).expect("a client");
    let stopped = answers(&client).await;
    assert!(stopped.contains("\"host\": \"stopped\""), "{stopped}");
    assert_eq!(online, stopped.replace("\"host\": \"stopped\"", "\"host\": \"ready\""));
    assert!(online.contains("America/Chicago"), "the time zone of the rooftop is shown: {online}");
    let change = ChangeRequest { by: None, reason: None };
    let refused = client.post(&installations::PAUSE, &["web-leads"], &change).await.expect_err("nothing runs");
    let ClientError::Problem(problem) = refused else { panic!("{refused}") };
    assert_eq!(problem.word(), Some("host-stopped"), "{problem}");
}

/// What a client reads from the host.
async fn answers(client: &Client) -> String {
    let views = (
        client.get(&installations::LIST, &[], &InstallationQuery::default()).await.expect("installations"),
        client.get(&installations::SHOW, &["web-leads"], &Nothing {}).await.expect("one"),
        client.get(&events::LIST, &[], &EventQuery::default()).await.expect("events"),
    );
    serde_json::to_string_pretty(&views).expect("views are JSON")
}

#[tokio::test]
async fn the_host_finds_out_who_asks_and_shows_the_rest_as_a_note() {
    let bench = Bench::new("").await;
    let path = bench.folder.path().join("run/control.sock");
    let socket = listen::unix(&path).expect("a socket");
    let stop = CancellationToken::new();
    let router = control::router(bench.shard.clone());
    let server = tokio::spawn(listen::serve_unix(socket, router, stop.clone(), Duration::from_secs(5)));
    let client = Client::new(Target::Socket(path)).expect("a client");
    let change = ChangeRequest { by: Some("the boss".to_owned()), reason: Some("inventory".to_owned()) };
    client.post(&installations::PAUSE, &["web-leads"], &change).await.expect("paused");
    let audit = client.get(&audit::LIST, &[], &AuditQuery::default()).await.expect("the audit log");
    let this_user = uzers::get_current_username().expect("a user").to_string_lossy().into_owned();
    let by = audit.entries.last().map(|entry| entry.by.clone());
    assert_eq!(by.as_deref(), Some(format!("{this_user} (\"the boss\")").as_str()));
    drop(client);
    stop.cancel();
    server.await.expect("it ends");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_file_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket that nobody answers on"));
    drop(listen::unix(&path).expect("it is replaced"));
    std::fs::write(&path, "notes").expect("a file");
    assert!(matches!(listen::unix(&path), Err(listen::ListenError::NotASocket(_))));
}
