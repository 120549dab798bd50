//! Real sockets, with the command line's own client, and the same answers from the store of a stopped host.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use crate::{control, listen};
use handoff_app::queries;
use handoff_app::queries::Live;
use handoff_control::client::{Client, Target};
use handoff_control::events::EventQuery;
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
    let router = control::router(bench.host.clone());
    let server = tokio::spawn(listen::serve_unix(socket, router, stop.clone(), Duration::from_secs(5)));
    assert!(matches!(listen::unix(&path), Err(listen::ListenError::Taken(_))), "a second host is refused");

    let name = "web-leads".parse().expect("a name");
    let client = Client::new(Target::Socket(path.clone())).expect("a client");
    let online = (
        client.installations().await.expect("installations"),
        client.installation(&name).await.expect("one"),
        client.events(&EventQuery::default()).await.expect("events"),
    );
    stop.cancel();
    server.await.expect("it ends");
    assert!(!path.exists(), "the socket file goes with the host");

    let (config, data) = (bench.host.config().clone(), bench.host.store().folder().to_path_buf());
    assert!(matches!(Store::open(StoreOptions::in_small_steps(&data)), Err(handoff_store::StoreError::InUse(_))));
    let Bench { host, folder: _kept } = bench;
    drop(client);
    let store = std::sync::Arc::into_inner(host).expect("nobody else holds the host").store().clone();
    tokio::task::spawn_blocking(move || store.close()).await.expect("it closes");
    let store = Store::open(StoreOptions::in_small_steps(&data)).expect("it is free now");
    let offline = (
        queries::installations::installations(&store, &Live::default()),
        queries::installations::installation(&store, &config, &Live::default(), &name).expect("one"),
        queries::events::events(&store, &EventQuery::default()).expect("events"),
    );
    assert_eq!(json(&online), json(&offline));
    assert_eq!(online.1.time_zone.as_deref(), Some("America/Chicago"));
}

fn json(views: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(views).expect("views are JSON")
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
