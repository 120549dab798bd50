//! What the host stops or refuses by itself, through the real program: shown everywhere while it is so, and no longer.

use handoff_tests::harness::{LEADS_SECRET, TestHost, body_hmac, component, web_leads};
use handoff_tests::leads::{Lead, wrap};
use handoff_tests::simulators::crm::{Crm, Mode};
use serde_json::json;

use crate::lead_path::listed;

#[tokio::test]
async fn a_vanished_folder_is_shown_everywhere_until_it_is_back() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    host.cli(&["status"]).await.exits(0);
    let (inbox, away) = (host.inbox(), host.folder().join("away"));
    std::fs::rename(&inbox, &away).expect("moved away");

    let incident = host.wait_incident("folder-unreadable").await;
    assert_eq!((&incident["installation"], &incident["closesItself"]), (&"web-leads".into(), &true.into()));
    assert_eq!(incident["waits"], "the files in it");
    let path = inbox.display().to_string();
    for command in ["status", "doctor"] {
        host.cli(&[command]).await.exits(1).says(&[&path, "cannot be read", "do:"]);
    }
    for command in [&["list"][..], &["show", "web-leads"], &["incidents"]] {
        host.cli(command).await.ok().says(&[&path, "restore the folder"]);
    }
    assert_eq!(host.get("/readyz").await.expect(200).text, "ready; open incidents: 1\n");
    let metrics = host.client().get(host.control_url("/metrics")).bearer_auth(handoff_tests::harness::CONTROL_TOKEN);
    let metrics = metrics.send().await.expect("an answer").text().await.expect("text");
    assert!(metrics.contains("handoff_incidents{kind=\"folder-unreadable\"} 1\n"), "{metrics}");
    let id = incident["id"].as_str().expect("an id");
    host.cli(&["incidents", "close", id]).await.exits(5).says(&["closes by itself"]);

    std::fs::rename(&away, &inbox).expect("moved back");
    host.wait_no_incident("folder-unreadable").await;
    host.cli(&["status"]).await.exits(0);
    let lead = Lead::new(720);
    host.drop_file("late.eml", wrap::plain_mail("Lead", &lead.adf()));
    listed(&crm, &lead).await;
    assert_eq!(host.log().matches("cannot be read").count(), 1, "logged once:\n{}", host.log());
}

#[tokio::test]
async fn a_long_retry_after_holds_over_a_restart_until_a_person_opens_the_gate() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    crm.set(Mode::RateLimited(7_200));
    let lead = Lead::new(721);
    host.post_lead(&lead.adf()).await.expect(202);
    let incident = host.wait_incident("target-asks-to-wait").await;
    assert_eq!((&incident["installation"], &incident["waits"]), (&"bdc-list".into(), &"1 outbox request".into()));
    crm.set(Mode::Healthy);
    host.stop().await;
    host.cli(&["incidents"]).await.ok().says(&["target-asks-to-wait"]);
    host.start_again().await;

    let again = host.wait_incident("target-asks-to-wait").await;
    assert_eq!(again["at"], incident["at"], "it is the same one");
    let target = format!("127.0.0.1:{}", crm.port());
    host.cli(&["gates"]).await.ok().says(&[&target, "asked to wait"]);
    assert_eq!(crm.ledger().requests.len(), 1, "no request is sent meanwhile");
    let open = ["gates", "open", &target, "--profile", "crm", "--reason", "the vendor lifted the limit"];
    host.cli(&open).await.ok().says(&["1 request is due now"]);
    listed(&crm, &lead).await;
    host.wait_no_incident("target-asks-to-wait").await;
    host.cli(&["gates", "open", &target, "--profile", "crm"]).await.ok().says(&["was open already"]);
    host.cli(&["gates", "open", "127.0.0.1:1"]).await.exits(3);
    host.cli(&["audit"]).await.ok().says(&["gate open"]);
}

#[tokio::test]
async fn a_target_that_keeps_failing_is_one_incident_until_it_recovers() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    crm.set(Mode::Failing);
    for lead in (730..736).map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    host.wait_incident("target-failing").await;
    crm.set(Mode::Healthy);
    listed(&crm, &Lead::new(735)).await;
    host.wait_no_incident("target-failing").await;
    assert_eq!(host.log().matches("keeps failing").count(), 1, "logged once:\n{}", host.log());
}

#[tokio::test]
async fn hopeless_grants_and_unusable_secrets_are_refused_before_an_install() {
    let host = TestHost::new().start().await;
    let adf_leads = component("adf-leads");
    let mut settings = web_leads(&host.inbox());
    let hook = |secret: &str| {
        let text = format!("verify = \"standard-webhooks\"\nsecret = {secret}\n");
        toml::Value::Table(text.parse().expect("TOML"))
    };
    settings.remove("folders");
    settings.insert("hook".to_owned(), hook("\"leads-hook\""));
    // A secret for another kind of hook.
    let refused = host.install("web-leads", &adf_leads, &settings).await.exits(6);
    refused.says(&["secret `leads-hook`", "must be `whsec_` followed by Base64"]);
    settings.insert("hook".to_owned(), hook("[\"leads-hook\", \"crm-hook\"]"));
    host.install("web-leads", &adf_leads, &settings).await.ok();

    let mut bdc_list = handoff_tests::harness::bdc_list(&Crm::start().await);
    let grants = bdc_list["grants"]["http"].as_array_mut().expect("grants");
    grants[0].as_table_mut().expect("a grant").remove("private-addresses");
    let refused = host.install("bdc-list", &component("bdc-list"), &bdc_list).await.exits(6);
    refused.says(&["loopback", "add `private-addresses = true`"]);
    bdc_list["grants"].as_table_mut().expect("grants").remove("http");
    let file = host.write_settings("bdc-list", &bdc_list);
    let package = component("bdc-list").display().to_string();
    let checked = host.cli(&["check", &file, "--package", &package]).await.exits(6);
    checked.says(&["config.crm-url", "a grant for the target `crm`", "add `[[grants.http]]` with `name = \"crm\"`"]);
    host.install("bdc-list", &component("bdc-list"), &bdc_list).await.exits(6).says(&["config.crm-url"]);
}

#[tokio::test]
async fn a_repeated_id_with_another_body_is_an_incident() {
    let host = TestHost::new().start().await;
    let post =
        async |text: &str| host.post_data("com.example.note.v1", "note-1", &json!({ "text": text })).await.json();
    assert_eq!(post("first").await["accepted"], 1);
    assert_eq!(post("first").await["duplicates"], 1);
    assert_eq!(host.cli_json(&["incidents"]).await["incidents"], json!([]), "a repetition is no incident");
    assert_eq!(post("second").await["duplicates"], 1);
    assert_eq!(post("third").await["duplicates"], 1);
    let incidents = host.cli_json(&["incidents"]).await["incidents"].clone();
    assert_eq!(incidents.as_array().map(Vec::len), Some(1), "one an hour for each source: {incidents:#}");
    assert_eq!(incidents[0]["kind"], "repeated-id");
    let message = incidents[0]["message"].as_str().expect("a message");
    assert!(
        message.contains("`note-1`") && message.contains("was not taken") && !message.contains("second"),
        "{message}"
    );
}

/// The id is in a header that the signature does not cover: a stranger may repeat a request under the next id.
#[tokio::test]
async fn an_unsigned_id_with_another_body_is_taken_and_an_incident() {
    let host = TestHost::new().start().await;
    let mut settings = web_leads(&host.inbox());
    settings.remove("folders");
    settings["hook"].as_table_mut().expect("a hook").insert("id-header".to_owned(), "x-id".into());
    host.install("web-leads", &component("adf-leads"), &settings).await.ok();
    let post = async |id: &str, lead: u64| {
        let body = Lead::new(lead).adf();
        let signature = body_hmac(LEADS_SECRET, body.as_bytes());
        host.post("/hooks/web-leads", &[("x-signature", &signature), ("x-id", id)], body).await.json()
    };
    assert_eq!(post("7", 900).await["accepted"], 1);
    assert_eq!(post("7", 900).await["duplicates"], 1, "a repetition");
    assert_eq!(post("8", 900).await["accepted"], 1, "repeated by a stranger under the next id");
    assert_eq!(host.cli_json(&["incidents"]).await["incidents"], json!([]));
    assert_eq!(post("8", 902).await["accepted"], 1, "the sender's own next lead");
    let incident = host.wait_incident("repeated-id").await;
    assert_eq!(incident["installation"], "web-leads");
    assert!(incident["message"].as_str().is_some_and(|text| text.contains("both were taken")), "{incident:#}");
}
