//! What a person does by hand: sends events and webhooks, fires timers, and sets events aside.

use handoff_tests::harness::{TestHost, component, eventually, web_leads};
use handoff_tests::leads::Lead;
use serde_json::{Value, json};
use tally::{Act, ENTRY, Entry};
use toml::{Table, toml};

fn settings() -> Table {
    toml! {
        rooftop = "main-street"

        [config]

        [grants]
        accepts = ["com.example.tally.entry.v1", "com.example.tally.rung.v1"]
    }
}

fn entry(number: u64, act: Act) -> Value {
    let entry = Entry { key: "k1".to_owned(), number, act, pad: String::new() };
    serde_json::to_value(&entry).expect("JSON")
}

/// Posts an entry; entries of the key are delivered one after another.
async fn post(host: &TestHost, number: u64, act: Act) -> u64 {
    let event = json!({
        "specversion": "1.0", "id": format!("e{number}"), "source": "urn:test", "type": ENTRY, "partitionkey": "k1",
        "datacontenttype": "application/json", "data": entry(number, act),
    });
    host.post_event(&event).await.expect(202).position()
}

/// Writes a file into the host's folder.
fn file(host: &TestHost, name: &str, text: &str) -> String {
    std::fs::write(host.folder().join(name), text).expect("written");
    name.to_owned()
}

/// The last audit entry.
async fn last_audit(host: &TestHost) -> Value {
    let head = host.cli_json(&["audit", "--limit", "1"]).await["head"]["number"].as_u64().expect("a number");
    host.cli_json(&["audit", "--after", &(head - 1).to_string()]).await["entries"][0].clone()
}

#[tokio::test]
async fn an_event_that_a_person_sends_is_delivered_and_audited() {
    let host = TestHost::new().with_connector("tally", component("tally"), settings()).start().await;
    let data = file(&host, "entry.json", &entry(1, Act::Count).to_string());
    let args = ["send", &data, "--type", ENTRY, "--id", "e-1", "--reason", "a try"];
    let sent = host.cli_json(&args).await;
    assert_eq!((&sent["duplicate"], &sent["recipients"]), (&false.into(), &1.into()), "{sent}");
    host.quiet().await;
    let trace = host.trace(sent["position"].as_u64().expect("a position")).await;
    assert_eq!(trace["deliveries"][0]["state"], "committed", "{trace:#}");
    let audit = last_audit(&host).await;
    assert_eq!((&audit["action"], &audit["subject"]), (&"send-event".into(), &"main-street".into()), "{audit:#}");

    let again = host.cli_json(&args).await;
    assert_eq!((&again["duplicate"], &again["position"]), (&true.into(), &sent["position"]), "{again}");
    let event = json!({ "specversion": "1.0", "id": "x", "source": "urn:test", "type": "com.example.unknown.v1" });
    let whole = file(&host, "event.json", &event.to_string());
    host.cli(&["send", &whole]).await.ok().says(&["no installation accepts its type"]);
    // Nobody can send in the host's name.
    let forged =
        json!({ "specversion": "1.0", "id": "x", "source": "urn:test", "type": "com.handoff.hook.received.v1" });
    let forged = file(&host, "forged.json", &forged.to_string());
    host.cli(&["send", &forged]).await.exits(6).says(&["may only be emitted by the host"]);
    host.cli(&["send", &whole, "--rooftop", "nowhere"]).await.exits(3).says(&["`main-street`"]);
    host.cli(&["send", "missing.json"]).await.exits(6).says(&["cannot read missing.json"]);
}

#[tokio::test]
async fn a_webhook_that_a_person_sends_is_signed_by_the_host() {
    let host = TestHost::new().start().await;
    let hooks = [
        (
            "by-hmac",
            "verify = \"body-hmac\"\nsecret = \"leads-hook\"\nheader = \"x-signature\"\nencoding = \"hex\"\nprefix = \"sha256=\"",
        ),
        ("by-standard", "verify = \"standard-webhooks\"\nsecret = \"crm-hook\"\ntolerance-seconds = 300"),
        (
            "by-jwt",
            "verify = \"jwt\"\nsecret = \"leads-hook\"\nissuer = \"https://id.vendor.example\"\naudience = \"handoff\"\nalgorithms = [\"HS256\"]",
        ),
        ("by-none", "verify = \"none\"\nid-header = \"x-id\""),
    ];
    let lead = file(&host, "lead.xml", &Lead::new(30).adf());
    for (name, hook) in hooks {
        let mut settings = web_leads(&host.inbox());
        settings.remove("folders");
        settings.insert("hook".to_owned(), toml::Value::Table(hook.parse().expect("TOML")));
        host.install(name, &component("adf-leads"), &settings).await.ok();
        let sent = host.cli_json(&["hook", "send", name, &lead, "--content-type", "application/xml"]).await;
        let event = host.cli_json(&["events", &sent["position"].to_string()]).await;
        assert_eq!(event["source"], format!("/hooks/{name}"), "{event:#}");
        let audit = last_audit(&host).await;
        assert_eq!((&audit["action"], &audit["subject"]), (&"send-hook".into(), &name.into()), "{audit:#}");
        let view = host.cli_json(&["hooks", name]).await;
        assert_eq!((&view["accepted"], &view["refused"]), (&1.into(), &0.into()), "{view:#}");
    }
    host.cli(&["hook", "send", "nobody", &lead]).await.exits(3);
}

#[tokio::test]
async fn a_person_fires_a_timer_before_it_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "2026-03-30T15:30:00Z").expect("the clock's file");
    // The clock stands, so that no timer becomes due by itself.
    let host = TestHost::new().environment("HANDOFF_TEST_CLOCK", &clock.display().to_string());
    let host = host.with_connector("tally", component("tally"), settings()).start().await;
    host.cli(&["timers"]).await.ok().says(&["no timers"]);
    host.post_data(ENTRY, "e1", &entry(1, Act::Ring)).await;
    let timers = eventually("a timer", async || {
        let list = host.cli_json(&["timers", "--installation", "tally"]).await;
        list["timers"].as_array().filter(|timers| !timers.is_empty()).cloned()
    })
    .await;
    let key = timers[0]["key"].as_str().expect("a key").to_owned();
    assert_eq!(timers[0]["type"], "com.example.tally.rung.v1", "{timers:#?}");
    host.cli(&["timers", "fire", "tally", &key]).await.exits(5).says(&["--yes"]);
    let fired = host.cli_json(&["timers", "fire", "tally", &key, "--yes", "--reason", "a try"]).await;
    host.quiet().await;
    let trace = host.trace(fired["position"].as_u64().expect("a position")).await;
    assert_eq!(trace["deliveries"][0]["state"], "committed", "{trace:#}");
    let audit = last_audit(&host).await;
    assert_eq!((&audit["action"], &audit["subject"]), (&"fire-timer".into(), &"tally".into()), "{audit:#}");
    assert_eq!(host.cli_json(&["timers"]).await["timers"], json!([]));
    host.cli(&["timers", "fire", "tally", &key, "--yes"]).await.exits(3).says(&["it has fired or was cancelled"]);
}

#[tokio::test]
async fn an_event_that_paused_an_installation_can_be_set_aside() {
    let mut settings = settings();
    settings["config"].as_table_mut().expect("config").insert("crm-url".to_owned(), "https://crm.example".into());
    let host = TestHost::new().with_connector("tally", component("tally"), settings).start().await;
    // The target is not granted, so that the connector pauses the installation.
    let bad = post(&host, 1, Act::Send).await;
    let paused = async || host.cli_json(&["show", "tally"]).await["paused"].is_object();
    eventually("a pause", async || paused().await.then_some(())).await;
    let good = post(&host, 2, Act::Count).await;
    let id = format!("tally/{bad}");
    host.cli(&["set-aside", &id]).await.exits(2);
    let letter = host.cli_json(&["set-aside", &id, "--reason", "its target is not granted"]).await;
    assert_eq!((&letter["id"], &letter["failure"]["code"]), (&id.clone().into(), &"set-aside".into()), "{letter:#}");
    assert_eq!(host.dead_letters().await.len(), 1);
    let audit = last_audit(&host).await;
    assert_eq!((&audit["action"], &audit["subject"]), (&"set-aside".into(), &"tally".into()), "{audit:#}");
    host.cli(&["set-aside", &id, "--reason", "again"]).await.exits(3).says(&["does not wait"]);

    // The next event of the same key goes on, and the one set aside can be discarded.
    host.cli(&["resume", "tally"]).await.ok();
    host.quiet().await;
    assert!(!paused().await, "the next event must not pause it again");
    assert_eq!(host.trace(good).await["deliveries"][0]["state"], "committed");
    host.cli(&["discard", &id, "--reason", "a test"]).await.ok();
}
