//! Tests the command line against a small fake host on a Unix socket.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use clap::Parser as _;
use expect_test::expect;
use serde_json::{Value, json};

use crate::args::Cli;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Zone};
use handoff_control::problem::{FieldProblem, Problem};
use handoff_model::time::Timestamp;

/// A fake host that records requests and returns fixed responses.
#[derive(Clone)]
struct FakeHost {
    asked: Arc<Mutex<Vec<String>>>,
    answer: fn(&str) -> Response,
}

async fn serve(State(host): State<FakeHost>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let line = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
    host.asked.lock().unwrap().push(line.trim_end().to_owned());
    (host.answer)(parts.uri.path())
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) struct Ran {
    pub(super) end: Result<Exit, CliError>,
    pub(super) out: String,
    pub(super) error: String,
}

/// Runs a command line against the socket in `folder`.
pub(super) async fn handoff(folder: &Path, line: &str) -> Ran {
    let socket = folder.join("control.sock");
    let arguments = line.split(' ').chain(["--socket", socket.to_str().unwrap()]);
    let cli = Cli::try_parse_from(["handoff"].into_iter().chain(arguments)).unwrap();
    let sink = Sink::default();
    let style = Style { colour: false, width: None, now: Timestamp(0), zone: Zone::Named(chrono_tz::UTC) };
    let mut output = Output::into_sink(Box::new(sink.clone()), style, cli.global.json);
    let end = match crate::with_configuration(cli) {
        Ok(cli) => crate::run(cli, &mut output).await,
        Err(error) => Err(error),
    };
    let error = end.as_ref().err().map(|error| output.error_text(error)).unwrap_or_default();
    let out = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    Ran { end, out, error: error.replace(folder.to_str().unwrap(), "DATA") }
}

/// Starts a fake host in `folder` and returns its recorded requests.
fn start(folder: &Path, answer: fn(&str) -> Response) -> Arc<Mutex<Vec<String>>> {
    let host = FakeHost { asked: Arc::default(), answer };
    let asked = host.asked.clone();
    let listener = tokio::net::UnixListener::bind(folder.join("control.sock")).unwrap();
    let router = Router::new().fallback(serve).with_state(host);
    tokio::spawn(async move { axum::serve(listener, router).await });
    asked
}

fn rolled_back() -> Value {
    json!({"name": "web-leads", "from": {"generation": 3, "version": "1.1.0"}, "to": {"generation": 2, "version": "1.0.0"},
           "newGeneration": 4, "applied": true, "tookMs": 3, "tookUs": 3210, "state": {"does": "keep", "schema": 1, "schemaKnown": 1},
           "eventsRedelivered": 1, "deadLettersRedriven": 0, "eventsReplayed": 0, "eventsForgotten": 0, "eventsWithdrawn": 0, "keysRestored": 0,
           "timersRestored": 0, "requestsHeld": 0, "retriesMadeDue": 0, "unsent": {"requestsAnswered": 0, "requestsMayHaveBeenSent": 0, "eventsEmitted": 0},
           "hostRunning": true})
}

#[tokio::test]
async fn a_rollback_is_one_request_that_says_who_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let asked = start(folder.path(), |_| Json(rolled_back()).into_response());

    let ran = handoff(folder.path(), "rollback web-leads --by maria --reason bad").await;

    assert_eq!(ran.end, Ok(Exit::Ok), "{}", ran.error);
    expect![[r#"POST /v1/installations/web-leads/rollback {"by":"maria","reason":"bad"}"#]]
        .assert_eq(&asked.lock().unwrap().join("\n"));
    expect![[r#"
        rolled back web-leads: 1.1.0 → 1.0.0 (generation 4 with the content of 2), in 3.2 ms
          1 event in flight is delivered again
          1.1.0 is not picked again unless forced
    "#]]
    .assert_eq(&ran.out);
}

#[tokio::test]
async fn a_rollback_takes_a_version_as_well_as_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let asked = start(folder.path(), |_| Json(rolled_back()).into_response());
    for line in [
        "rollback web-leads --by maria --to 2 --restore-state --replay",
        "rollback web-leads --by maria --to 1.0.0 --keep-state --dry-run",
    ] {
        assert_eq!(handoff(folder.path(), line).await.end, Ok(Exit::Ok));
    }
    expect![[r#"
        POST /v1/installations/web-leads/rollback {"toGeneration":2,"restoreState":true,"replay":true,"by":"maria"}
        POST /v1/installations/web-leads/rollback {"toVersion":"1.0.0","keepState":true,"dryRun":true,"by":"maria"}"#]]
    .assert_eq(&asked.lock().unwrap().join("\n"));
}

#[tokio::test]
async fn held_requests_are_released_and_discarded_by_id_or_all_after_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let asked = start(folder.path(), |_| Json(json!({"done": 1, "unknown": ["bdc-list/9"]})).into_response());
    let ran = handoff(folder.path(), "outbox release bdc-list/4 bdc-list/9 --by maria --reason checked").await;
    assert_eq!(ran.end, Ok(Exit::NotFound));
    let ran = handoff(folder.path(), "outbox discard -i bdc-list --by maria --reason bad --yes").await;
    assert_eq!(ran.end, Ok(Exit::NotFound));
    let ran = handoff(folder.path(), "outbox discard -i bdc-list --by maria --reason bad").await;
    assert_eq!(ran.end.map_err(|error| error.exit), Err(Exit::Refused), "nobody is there to say yes");
    expect![[r#"
        POST /v1/outbox/release {"ids":["bdc-list/4","bdc-list/9"],"by":"maria","reason":"checked"}
        POST /v1/outbox/discard {"installation":"bdc-list","by":"maria","reason":"bad"}"#]]
    .assert_eq(&asked.lock().unwrap().join("\n"));
}

#[tokio::test]
async fn filters_travel_as_query() {
    let folder = tempfile::tempdir().unwrap();
    let asked = start(folder.path(), |_| Json(json!({"events": []})).into_response());

    let ran = handoff(folder.path(), "events --type com.handoff.lead.* --source /a&b=c --limit 5 --before 9").await;

    assert_eq!(ran.end, Ok(Exit::Ok), "{}", ran.error);
    expect!["GET /v1/events?before=9&limit=5&source=%2Fa%26b%3Dc&type=com.handoff.lead.*"]
        .assert_eq(&asked.lock().unwrap().join("\n"));
}

#[tokio::test]
async fn json_answers_are_the_api_s_own() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), |_| Json(rolled_back()).into_response());

    let ran = handoff(folder.path(), "rollback web-leads --json").await;

    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), rolled_back());
}

#[tokio::test]
async fn a_hosts_problem_is_shown_with_every_fault_and_decides_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), |path| {
        let problem = if path.contains("nobody") {
            Problem::new(404, "not-found", "Not found", "there is no installation `nobody`; installed are: web-leads")
        } else {
            let fault =
                |field: &str, detail: &str| FieldProblem { field: Some(field.to_owned()), detail: detail.to_owned() };
            Problem::new(422, "settings-invalid", "Not usable", "2 problems in the settings")
                .with_problems(vec![fault("rooftop", "`main` is not in [rooftops]"), fault("config.crm", "missing")])
        };
        let status = StatusCode::from_u16(problem.status).unwrap();
        (status, [("content-type", handoff_control::problem::CONTENT_TYPE)], Json(problem)).into_response()
    });

    let missing = handoff(folder.path(), "show nobody").await;
    assert_eq!(missing.end.unwrap_err().exit, Exit::NotFound);
    expect![[r#"
        error: there is no installation `nobody`; installed are: web-leads
    "#]]
    .assert_eq(&missing.error);

    let invalid = handoff(folder.path(), "pause web-leads").await;
    assert_eq!(invalid.end.unwrap_err().exit, Exit::Invalid);
    expect![[r#"
        error: 2 problems in the settings
          - rooftop: `main` is not in [rooftops]
          - config.crm: missing
    "#]]
    .assert_eq(&invalid.error);
}

#[tokio::test]
async fn without_a_host_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();

    let ran = handoff(folder.path(), "list").await;
    assert_eq!(ran.end.unwrap_err().exit.code(), 4);
    expect![[r#"
        error: the host at DATA/control.sock cannot be reached: there is no such socket
          do: start the host with `handoff serve`, or name the right one with --config, --socket or --url; `handoff doctor` looks for the cause
    "#]].assert_eq(&ran.error);

    // The socket of a killed host: nothing listens on it.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("control.sock")).unwrap());
    let ran = handoff(folder.path(), "list --json").await;
    assert_eq!(ran.end.unwrap_err().exit.code(), 4);
    expect![[r#"
        {"detail":"the host at DATA/control.sock cannot be reached: nobody listens on the socket","hint":"start the host with `handoff serve`, or name the right one with --config, --socket or --url; `handoff doctor` looks for the cause","title":"No host answers","type":"urn:handoff:problem:host-unreachable"}
    "#]].assert_eq(&ran.error);
}

/// A host that dies as soon as it has read a request.
fn start_dying(folder: &Path) {
    use tokio::io::AsyncReadExt as _;
    let listener = tokio::net::UnixListener::bind(folder.join("control.sock")).unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = connection.read(&mut request).await;
        }
    });
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_question_leaves_the_outcome_open() {
    let folder = tempfile::tempdir().unwrap();
    start_dying(folder.path());

    let ran = handoff(folder.path(), "rollback web-leads --by maria").await;
    assert_eq!(
        ran.end.map_err(|error| (error.exit, error.problem.word().map(str::to_owned))),
        Err((Exit::Unreachable, Some("host-outcome-unknown".to_owned())))
    );
    assert!(ran.error.contains("not known") && ran.error.contains("handoff audit"), "{}", ran.error);

    // A read command can be repeated safely.
    let ran = handoff(folder.path(), "list").await;
    assert_eq!(ran.end.map_err(|error| error.exit), Err(Exit::Unreachable));
    assert!(ran.error.contains("cannot be reached"), "{}", ran.error);
}

#[tokio::test]
async fn an_answer_that_is_no_host_s_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), |_| (StatusCode::BAD_GATEWAY, "<html>proxy</html>").into_response());

    let ran = handoff(folder.path(), "status").await;
    assert_eq!(ran.end.unwrap_err().exit, Exit::Failed);
    expect![[r#"
        error: the answer of DATA/control.sock is not a Handoff host's: HTTP status 502 Bad Gateway without problem details
          do: check --url or --socket, and that host and command line are of the same version
    "#]].assert_eq(&ran.error);
}

#[tokio::test]
async fn what_the_settings_do_not_name_needs_a_yes_before_anything_changes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("s.toml");
    std::fs::write(&settings, "rooftop = \"main-street\"\n[config]\nsince = 2026-01-01\n").unwrap();
    let asked = start(folder.path(), |_| {
        Json(json!({
            "name": "web-leads", "scope": "main-street", "package": "handoff/adf-leads", "title": "Web leads", "version": "1.0.0",
            "digest": "sha256:00", "kind": "install", "generation": 1, "state": {"does": "fresh"}, "validation": {"passed": true},
            "asks": [{"kind": "emit", "what": "com.handoff.lead.received.v1", "granted": "by-default"}], "applied": false, "tookMs": 1
        }))
        .into_response()
    });
    let line = format!("install web-leads --digest {} --by maria --json -s {}", "a".repeat(64), settings.display());

    let ran = handoff(folder.path(), &line).await;
    assert_eq!(ran.end.unwrap_err().exit, Exit::Refused);
    assert_eq!(asked.lock().unwrap().len(), 1, "only the dry run was asked");

    let ran = handoff(folder.path(), &format!("{line} --yes")).await;
    assert_eq!(ran.end, Ok(Exit::Ok), "{}", ran.error);
    let asked = asked.lock().unwrap().last().unwrap().replace(folder.path().to_str().unwrap(), "DATA");
    expect![[r#"POST /v1/installations {"name":"web-leads","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","settings":{"config":{"since":"2026-01-01"},"rooftop":"main-street"},"settingsFolder":"DATA","by":"maria","dryRun":false,"force":false}"#]].assert_eq(&asked);
}

#[tokio::test]
async fn a_broken_configuration_is_shown_at_its_line_and_keeps_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("handoff.toml");
    std::fs::write(&config, "[rooftops.main-street]\ntime-zone = \"America/Chicgo\"\n").unwrap();

    let ran = handoff(folder.path(), &format!("check --config {}", config.display())).await;
    assert_eq!(ran.end.unwrap_err().exit, Exit::Invalid);
    expect![[r#"
        error: DATA/handoff.toml:2:13: rooftops.main-street.time-zone: found "America/Chicgo", expected an IANA time zone
                  |
                2 | time-zone = "America/Chicgo"
                  |             ^^^^^^^^^^^^^^^^
                  do: did you mean "America/Chicago"?

               1 problem found; nothing was changed
    "#]].assert_eq(&ran.error);

    let places = crate::connection::places(&config).unwrap();
    assert_eq!(places.socket, folder.path().join("data/control.sock"));
}

#[tokio::test]
async fn the_example_configuration_passes_its_own_check() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("handoff.toml");
    let example = handoff(folder.path(), "check --example").await;
    std::fs::write(&config, example.out).unwrap();

    let ran = handoff(folder.path(), &format!("check --without-secrets --config {}", config.display())).await;

    assert_eq!(ran.end, Ok(Exit::Ok), "{}", ran.error);
}

#[tokio::test]
async fn the_doctor_times_the_disk_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();

    let ran = handoff(folder.path(), &format!("doctor --json --data {}", folder.path().display())).await;

    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&str> = found["findings"].as_array().unwrap().iter().filter_map(|f| f["name"].as_str()).collect();
    expect![
        "configuration, data folder, free space, durable writes, clock, permissions, open files, address space, host, build tools"
    ]
    .assert_eq(&names.join(", "));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_doctor_warns_of_what_others_may_change_or_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str, mode| std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::create_dir(path("data")).unwrap();
    std::fs::write(path("hook"), "hush").unwrap();
    let config = "[secrets.leads-hook]\nfile = \"hook\"\n";
    std::fs::write(path("handoff.toml"), config).unwrap();
    let line = format!("doctor --json --config {}", path("handoff.toml").display());
    let told = async || -> Vec<String> {
        let ran = handoff(folder.path(), &line).await;
        let found: Value = serde_json::from_str(&ran.out).unwrap();
        let mut findings = found["findings"].as_array().unwrap().clone();
        findings.retain(|finding| finding["name"] == "permissions");
        let line = |finding: &Value| {
            format!("{} {}", finding["verdict"].as_str().unwrap(), finding["found"].as_str().unwrap())
        };
        findings.iter().map(|finding| line(finding).replace(folder.path().to_str().unwrap(), "DATA")).collect()
    };

    mode("data", 0o777);
    mode("hook", 0o666);
    expect![[r#"
        warn DATA/data has mode 0777: others may change what is in it
        warn the file of the secret `leads-hook`, DATA/hook, has mode 0666: every user of this machine can read it"#]]
    .assert_eq(&told().await.join("\n"));
    mode("data", 0o700);
    mode("hook", 0o640);
    assert_eq!(told().await.len(), 1);
    assert!(told().await.iter().all(|line| line.starts_with("ok ")));
}
