//! Several rooftops on one host: what one receives stays with it, unless the settings of both sides share it, or a
//! group's installation works for both.

use handoff_tests::harness::{
    LEADS_SECRET, SOON, TestHost, bdc_list, body_hmac, component, eventually, identity, web_leads,
};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::Value;
use toml::Table;

use crate::lead_path::{deliveries, listed, listed_once};

/// A second rooftop, and a group of both.
const SOUTH: &str = "[rooftops.south]\ntime-zone = \"America/Denver\"\n\n[groups.west]\nrooftops = [\"main-street\", \
                     \"south\"]\ntime-zone = \"America/Chicago\"\n";
const IDENTIFIED: &str = "com.handoff.lead.identified.v1";

fn at(rooftop: &str, mut settings: Table) -> Table {
    settings.insert("rooftop".to_owned(), rooftop.into());
    settings
}

/// Installs the path of a lead at the rooftop `south`.
async fn install_south(host: &TestHost, crm: &Crm) {
    let leads = at("south", web_leads(&host.folder().join("inbox-south")));
    std::fs::create_dir_all(host.folder().join("inbox-south")).expect("an inbox");
    host.install("south-leads", &component("adf-leads"), &leads).await.ok();
    host.install("south-identity", &component("identity"), &at("south", identity())).await.ok();
    host.install("south-list", &component("bdc-list"), &at("south", bdc_list(crm))).await.ok();
}

async fn post_south(host: &TestHost, document: &str) -> u64 {
    let signature = body_hmac(LEADS_SECRET, document.as_bytes());
    let headers = [("x-signature", signature.as_str()), ("content-type", "application/xml")];
    host.post("/hooks/south-leads", &headers, document).await.expect(202).position()
}

/// The installation of each delivery of a trace, and its scope.
fn path(trace: &Value) -> Vec<String> {
    deliveries(trace)
        .iter()
        .map(|one| format!("{} {}", one["installation"].as_str().expect("a name"), one["scope"]))
        .collect()
}

#[tokio::test]
async fn a_lead_of_one_rooftop_is_listed_at_the_crm_of_that_rooftop_only() {
    let (north, south) = (Crm::start().await, Crm::start().await);
    let mut host = TestHost::new().config(SOUTH).with_lead_handoff(&north).start().await;
    install_south(&host, &south).await;
    let (first, second, same) = (Lead::new(1), Lead::new(2), Lead::new(3));

    host.post_lead(&first.adf()).await.expect(202);
    listed(&north, &first).await;
    post_south(&host, &second.adf()).await;
    listed(&south, &second).await;
    // The same document at both is a lead of each.
    host.post_lead(&same.adf()).await.expect(202);
    post_south(&host, &same.adf()).await;
    listed_once(&north, &[first.clone(), same.clone()], SOON).await;
    listed_once(&south, &[second.clone(), same.clone()], SOON).await;

    host.kill();
    host.start_again().await;
    host.quiet().await;
    listed_once(&north, &[first, same.clone()], SOON).await;
    listed_once(&south, &[second, same], SOON).await;
    for (rooftop, others) in [("main-street", "south-"), ("south", "web-leads")] {
        let list = host.cli_json(&["events", "--rooftop", rooftop, "--limit", "1000"]).await;
        let events = list["events"].as_array().expect("events");
        assert!(!events.is_empty() && events.iter().all(|event| event["scope"] == rooftop), "{list:#}");
        let routes = events.iter().flat_map(|event| event["routes"].as_array().into_iter().flatten());
        let mut names = routes.filter_map(|route| route["installation"].as_str());
        assert!(names.all(|name| !name.starts_with(others)), "{list:#}");
    }
}

#[tokio::test]
async fn an_event_crosses_only_while_both_rooftops_share_its_type() {
    let (north, south) = (Crm::start().await, Crm::start().await);
    let host = TestHost::new().config(SOUTH).with_lead_handoff(&north).start().await;
    let list = at("south", bdc_list(&south));
    host.install("south-list", &component("bdc-list"), &list).await.ok();
    let share = |settings: &Table, key: &str, scopes: &str, other: &str| {
        let share: Table =
            format!("{key} = [{{ type = \"{IDENTIFIED}\", {scopes} = [\"{other}\"] }}]").parse().expect("TOML");
        settings.clone().into_iter().chain(share).collect::<Table>()
    };

    // The receiver's settings alone do nothing, and the report says so.
    let accepts = share(&list, "accept-shared", "from", "main-street");
    let file = host.write_settings("south-list", &accepts);
    let package = component("bdc-list").display().to_string();
    let plan = host.cli(&["install", "south-list", &package, "-s", &file, "--dry-run"]).await.ok();
    plan.says(&["accepts from main-street", IDENTIFIED, "no installation there shares it"]);
    host.install("south-list", &component("bdc-list"), &accepts).await.ok();
    host.post_lead(&Lead::new(1).adf()).await.expect(202);
    listed(&north, &Lead::new(1)).await;

    // With the emitter's settings, too, the event crosses.
    let gives = share(&identity(), "share", "with", "south");
    host.install("identity", &component("identity"), &gives).await.ok().says(&["reconfigured"]);
    host.cli(&["show", "identity"]).await.ok().says(&["shares with south", IDENTIFIED, "south-list"]);
    host.cli(&["show", "south-list"]).await.ok().says(&["accepts from main-street", IDENTIFIED, "identity"]);
    let position = host.post_lead(&Lead::new(2).adf()).await.expect(202).position();
    listed(&north, &Lead::new(2)).await;
    listed(&south, &Lead::new(2)).await;
    host.quiet().await;
    let trace = host.trace(position).await;
    let crossed = deliveries(&trace).into_iter().find(|one| one["installation"] == "south-list").expect("a delivery");
    assert_eq!((&crossed["scope"], &crossed["shared"]), (&"south".into(), &true.into()), "{trace:#}");
    host.cli(&["trace", &position.to_string()]).await.ok().says(&["south-list (shared with south)"]);

    // A rollback takes the share back.
    host.cli(&["rollback", "identity"]).await.ok();
    host.post_lead(&Lead::new(3).adf()).await.expect(202);
    listed(&north, &Lead::new(3)).await;
    host.quiet().await;
    listed_once(&south, &[Lead::new(2)], SOON).await;
}

#[tokio::test]
async fn a_call_list_of_a_group_works_for_its_rooftops() {
    let (north, whole) = (Crm::start().await, Crm::start().await);
    let host = TestHost::new().config(SOUTH).with_lead_handoff(&north).start().await;
    let mut list = bdc_list(&whole);
    list.remove("rooftop");
    let file = host.write_settings("west-list", &list);
    let package = component("bdc-list").display().to_string();
    host.cli(&["install", "west-list", &package, "-s", &file, "--group", "west", "--yes"]).await.ok();

    let position = host.post_lead(&Lead::new(1).adf()).await.expect(202).position();
    listed(&north, &Lead::new(1)).await;
    listed(&whole, &Lead::new(1)).await;
    host.quiet().await;
    let trace = host.trace(position).await;
    assert!(path(&trace).contains(&"west-list \"group:west\"".to_owned()), "{trace:#}");
    host.cli(&["trace", &position.to_string()]).await.ok().says(&["west-list (group:west)"]);
    // What it emits belongs to the rooftop of the lead.
    let listed = eventually("the events of both lists", async || {
        let events = host.events("com.handoff.call.listed.v1").await;
        (events.len() == 2).then_some(events)
    })
    .await;
    assert!(listed.iter().all(|event| event["scope"] == "main-street"), "{listed:#?}");
    let sources: Vec<&str> = listed.iter().filter_map(|event| event["source"].as_str()).collect();
    assert!(sources.contains(&"/rooftops/main-street/installations/west-list"), "{sources:?}");
    host.cli(&["list"]).await.ok().says(&["west-list", "group:west"]);
    assert_eq!(host.control("/v1/installations/west-list").await.expect("a view")["timeZone"], "America/Chicago");
}
