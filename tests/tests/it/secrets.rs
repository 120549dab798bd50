//! Secrets never leave the host: whatever a target echoes, a connector does, a person requests or a crash leaves, no
//! byte that the host writes contains one.

mod echo;
mod inline;
mod search;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use handoff_tests::harness::{
    CONTROL_TOKEN, CRM_HOOK_SECRET, EVENTS_TOKEN, LEADS_SECRET, TestHost, body_hmac, component, escape_package,
    eventually, standard_webhook, web_leads,
};
use handoff_tests::leads::Lead;
use serde_json::Value;
use toml::Table;

use crate::sandbox::{SAW, order, saw, settings, words};
use echo::{Echo, TOKEN, WAYS};
use search::Search;

/// Profiles and the letters in their secrets, which identify them in any encoding.
const PROFILES: [(&str, &str); 7] = [
    ("bearer", "CnryBearer7Qx9ZwKp31"),
    ("basic", "CnryBasic7Qx9ZwKp31b"),
    ("key", "CnryApiKey7Qx9ZwKp31"),
    ("ws", "CnrySoap7Qx9ZwKp31cc"),
    ("oauth", "CnryClient7Qx9ZwKp31"),
    ("refused", "CnryRefused7Qx9ZwKp3"),
    ("hmac", "CnrySigning7Qx9ZwKp3"),
];
/// Not a secret, but sent and echoed like one: it must be found, otherwise the search is broken.
const PLANT: &str = "PlantedInPlainSight01";
const SOAP: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>";
/// The most verbose level of all libraries.
const LOUDEST: &str = "trace";

fn sections(folder: &Path, port: u16) -> String {
    let mut text = "[hosts.\"127.0.0.1\"]\nfailures-to-open = 0\n".to_owned();
    for (name, letters) in PROFILES {
        let file = folder.join(name);
        // Characters that each encoding changes, on both sides.
        fs::write(&file, format!("+/'\"\\<&>={letters}%~ !é;")).expect("a secret");
        let file = file.display();
        text.push_str(&format!(
            "[secrets.canary-{name}]\nfile = \"{file}\"\n[auth.{name}]\nsecret = \"canary-{name}\"\n"
        ));
        let oauth2 = |path: &str, how: &str| {
            format!(
                "kind = \"oauth2-client-credentials\"\ntoken-url = \"http://127.0.0.1:{port}/{path}\"\nclient-id = \"handoff\"\n\
                 private-addresses = true\nclient-authentication = \"{how}\"\n"
            )
        };
        text.push_str(&match name {
            "basic" => "kind = \"basic\"\nusername = \"handoff\"\n".to_owned(),
            "key" => "kind = \"api-key\"\nheader = \"x-key\"\n".to_owned(),
            "ws" => "kind = \"ws-security\"\nusername = \"handoff\"\npassword = \"text\"\n".to_owned(),
            "oauth" => oauth2("token", "basic"),
            "refused" => oauth2("refused", "post"),
            "hmac" => "kind = \"hmac\"\nheader = \"x-signature\"\npublic = \"pk\"\nformat = \"{public}:{signature}\"\n"
                .to_owned(),
            _ => format!("kind = \"{name}\"\n"),
        });
    }
    text
}

fn search() -> Search {
    let mut canaries = PROFILES.to_vec();
    canaries.extend([
        ("the token", TOKEN),
        ("the control token", CONTROL_TOKEN),
        ("the events token", EVENTS_TOKEN),
        ("the leads hook's secret", LEADS_SECRET),
        ("the CRM hook's secret", CRM_HOOK_SECRET.trim_start_matches("whsec_")),
    ]);
    Search::of(&canaries)
}

#[tokio::test]
async fn no_byte_that_the_host_writes_contains_a_secret() {
    let (echo, kept) = (Echo::start().await, tempfile::tempdir().expect("a folder"));
    raise_core_limit();
    let port = echo.address.port();
    let mut settings = settings("thief", "127.0.0.1", port, None);
    let auth: Table = PROFILES.iter().map(|(name, _)| ((*name).to_owned(), (*name).into())).collect();
    settings["grants"]["http"][0].as_table_mut().expect("a grant").insert("auth".to_owned(), auth.into());
    let mut host = TestHost::new()
        .config(&sections(kept.path(), port))
        .environment("RUST_LOG", LOUDEST)
        .with_connector("thief", escape_package(), settings)
        .start()
        .await;
    let inbox = host.inbox();
    host.install("web-leads", &component("adf-leads"), &web_leads(&inbox)).await.ok();
    let mut by_standard = web_leads(&inbox);
    by_standard.remove("folders");
    by_standard.insert(
        "hook".to_owned(),
        toml::Value::Table("verify = \"standard-webhooks\"\nsecret = \"crm-hook\"".parse().expect("TOML")),
    );
    host.install("by-standard", &component("adf-leads"), &by_standard).await.ok();
    knock(&host).await;
    provoke(&host, port).await;

    let search = search();
    let got = echo.got.lock().expect("a lock").clone();
    for (name, letters) in PROFILES.iter().filter(|(name, _)| *name != "hmac" && *name != "oauth") {
        // A form encodes the characters around the letters, and Basic all of them.
        let sent = search.find(got.as_bytes()).iter().any(|found| found.starts_with(name));
        assert!(sent, "{name}: {letters} did not reach the target, so nothing was tested");
    }
    clean(&host, &search, "while it runs").await;
    no_core_dump(&mut host);
    host.start_again().await;
    clean(&host, &search, "after SIGABRT").await;
    host.kill();
    clean_files(&host, &search, "after kill -9");
    host.start_again().await;
    host.stop().await;
    clean_files(&host, &search, "after a stop");
}

/// Valid and invalid requests with secrets in them.
async fn knock(host: &TestHost) {
    let lead = Lead::new(7).adf();
    host.post_lead(&lead).await.expect(202);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    for seconds in [now, now - 86_400] {
        let signed = standard_webhook(CRM_HOOK_SECRET, "msg_1", seconds, lead.as_bytes());
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        host.post("/hooks/by-standard", &headers, lead.clone()).await;
    }
    // Senders that use a secret as a signature or token by mistake.
    let (signature, bearer) = (format!("sha256={LEADS_SECRET}"), format!("Bearer {LEADS_SECRET}"));
    host.post("/hooks/web-leads", &[("x-signature", &signature)], lead.clone()).await.problem(401);
    host.post("/hooks/web-leads", &[("authorization", &bearer)], lead.clone()).await.problem(401);
    host.post("/hooks/web-leads", &[("x-signature", &body_hmac("another", lead.as_bytes()))], lead).await.problem(401);
    for token in [CONTROL_TOKEN.to_owned(), format!("{CONTROL_TOKEN}x")] {
        drop(host.client().get(host.control_url("/v1/status")).bearer_auth(&token).send().await);
        drop(host.client().get(host.control_url("/nothing")).header("x-token", &token).send().await);
    }
}

/// Every profile with every kind of echo, as look-up and outbox request, in answers, failures and panics.
async fn provoke(host: &TestHost, port: u16) {
    for (profile, _) in PROFILES {
        let mut attempts = Vec::new();
        for way in WAYS {
            let url = format!("http://127.0.0.1:{port}/granted/{way}");
            if profile == "ws" {
                attempts.push(words(&["fetch", "POST", &format!("http://127.0.0.1:{port}/search"), profile, SOAP]));
                attempts.push(words(&["send", &format!("{profile}-{way}"), "POST", &url, profile, SOAP]));
            } else {
                attempts.push(words(&["fetch", "GET", &url, profile, "-", "x-plant", PLANT]));
                attempts.push(words(&["send", &format!("{profile}-{way}"), "POST", &url, profile, "a body"]));
            }
        }
        let (id, _) = order(host, "thief", &attempts).await;
        let told = saw(host, &id).await;
        assert!(profile == "refused" || told.contains("[redacted]") || profile == "hmac", "{profile}: {told}");
        assert!(profile != "refused" || told.contains("invalid_client"), "{told}");
        let url = format!("http://127.0.0.1:{port}/granted/plain");
        if profile != "ws" {
            order(host, "thief", &[words(&["reject-with", "GET", &url, profile])]).await;
            order(host, "thief", &[words(&["panic-with", "GET", &url, profile])]).await;
        }
    }
    // Every request was sent at least once; failed ones are retried until the host stops.
    eventually("attempts of every request", async || {
        let pending = host.cli_json(&["outbox", "--installation", "thief", "--limit", "1000"]).await;
        let untried = pending["requests"].as_array()?.iter().filter(|one| one["attempts"] == 0).count();
        (untried == 0).then_some(())
    })
    .await;
    host.wait_dead_letters(6).await;
}

/// Searches files, log, API and command line.
async fn clean(host: &TestHost, search: &Search, when: &str) {
    let said = everything_said(host).await;
    let plant = Search::of(&[("the plant", PLANT)]);
    for (place, text) in &said {
        let found = search.find(text.as_bytes());
        assert!(found.is_empty(), "{when}, {place}: {found:?}");
    }
    let planted: Vec<&String> =
        said.iter().filter(|(_, text)| !plant.find(text.as_bytes()).is_empty()).map(|(place, _)| place).collect();
    for place in ["/v1/logs", "/v1/events/", "handoff logs", "handoff events"] {
        assert!(
            planted.iter().any(|found| found.starts_with(place)),
            "the search must find the planted text in {place}: {planted:?}"
        );
    }
    clean_files(host, search, when);
}

fn clean_files(host: &TestHost, search: &Search, when: &str) {
    let mut found = Vec::new();
    let except = host.folder().join("secrets");
    search.find_below(host.folder(), &except, &mut found);
    assert!(found.is_empty(), "{when}: {found:#?}");
    Search::of(&[("the plant", PLANT)]).find_below(host.folder(), &except, &mut found);
    assert!(
        found.iter().any(|place| place.contains("/data/")),
        "{when}: the search must find the planted text: {found:?}"
    );
    assert!(host.log().contains("TRACE"), "the log must be at the most verbose level");
}

/// Every response of the control API, and the output of every command, as text and as JSON.
async fn everything_said(host: &TestHost) -> Vec<(String, String)> {
    let get = async |path: String| {
        let asked = host.client().get(host.control_url(&path)).bearer_auth(CONTROL_TOKEN).send().await;
        let answer = asked.expect("an answer");
        let fields = format!("{:?}", answer.headers());
        (path, fields + &answer.text().await.expect("a text"))
    };
    let mut said = Vec::new();
    for path in [
        "status",
        "installations",
        "installations/thief",
        "installations/web-leads",
        "events?limit=1000",
        "dead-letters?limit=1000",
        "logs?limit=1000",
        "outbox?limit=1000",
        "metrics",
        "installations/NOBODY",
        "events/x",
    ] {
        said.push(get(format!("/v1/{path}")).await);
    }
    let list: Value = host.cli_json(&["events", "--limit", "1000"]).await;
    let positions: Vec<String> =
        list["events"].as_array().expect("events").iter().map(|event| event["position"].to_string()).collect();
    for position in &positions {
        said.push(get(format!("/v1/events/{position}")).await);
        said.push(get(format!("/v1/events/{position}/trace")).await);
    }
    let told = list["events"].as_array().and_then(|events| events.iter().rfind(|event| event["type"] == SAW));
    let last = told.map_or_else(|| "1".to_owned(), |event| event["position"].to_string());
    for command in [
        &["status"][..],
        &["list"],
        &["show", "thief"],
        &["events", "--limit", "1000"],
        &["events", &last],
        &["trace", &last],
        &["dead-letters", "--limit", "1000"],
        &["logs", "thief"],
        &["outbox", "--limit", "1000"],
        &["check"],
        &["doctor"],
        &["show", "nobody"],
    ] {
        for more in [&[][..], &["--json"]] {
            let output = host.cli(&[command, more].concat()).await;
            said.push((format!("handoff {}", command.join(" ")), output.stdout + &output.stderr));
        }
    }
    said
}

/// So that a limit of none was set by the host.
fn raise_core_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Core);
    setrlimit(Resource::Core, Rlimit { current: now.maximum, maximum: now.maximum }).expect("its own limit");
}

/// Crashes the host and checks for core dumps.
fn no_core_dump(host: &mut TestHost) {
    let pid = host.pid().expect("it runs");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    let soft = line.split_whitespace().nth(4).expect("a number");
    assert!(matches!(soft, "0" | "1"), "a core dump would hold secrets: {line}");
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a number")).expect("a process");
    rustix::process::kill_process(process, rustix::process::Signal::ABORT).expect("SIGABRT");
    host.kill();
    let names = fs::read_dir(host.folder()).expect("a folder").flatten().map(|entry| entry.file_name());
    let cores: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("core")).collect();
    assert!(cores.is_empty(), "{cores:?}");
}
