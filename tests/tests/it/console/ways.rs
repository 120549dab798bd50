//! What people do with the console: sign in, find a lead, roll back, deliver again. With script and without.

use handoff_tests::browser::Browser;
use handoff_tests::harness::CONTROL_TOKEN;
use handoff_tests::simulators::crm::Crm;

use super::{host_with_a_bad_version, sign_in};

async fn go_the_ways(browser: Browser) {
    let crm = Crm::start().await;
    let (host, good) = host_with_a_bad_version(&crm).await;
    browser.open(&host.control_url("/dead-letters")).await;
    browser.fill("#token", "not the token").await;
    browser.click("button[type=submit]").await;
    browser.shows("This is not the control token.").await;
    browser.fill("#token", CONTROL_TOKEN).await;
    browser.click("button[type=submit]").await;
    browser.shows("By cause").await;

    browser.click("a[href='/find']").await;
    browser.shows("What do you look for?").await;
    browser.fill("#text", &good.mark()).await;
    browser.click("main button[type=submit]").await;
    browser.shows("These are all.").await;
    browser.click(".found a").await;
    assert!(browser.shows("Step by step").await.contains("Handled"));

    browser.click("nav a[href='/installations']").await;
    browser.shows("<h1>Installations</h1>").await;
    browser.click("a[href='/installations/web-leads']").await;
    browser.shows("What it may do").await;
    browser.click("a[href='/installations/web-leads/rollback']").await;
    assert!(browser.shows("What will happen").await.contains("2 dead letters of the version"));
    browser.fill("#reason", "leads are refused").await;
    browser.click("button.danger").await;
    browser.shows("Version 1.0.0 has taken over from 1.1.0 as generation 3").await;
    host.quiet().await;
    browser.click("nav a[href='/dead-letters']").await;
    browser.shows("No dead letters").await;
    let audit = host.cli_json(&["audit"]).await;
    let rollback = audit["entries"].as_array().into_iter().flatten().find(|entry| entry["action"] == "rollback");
    assert_eq!(rollback.expect("an entry")["by"], "token:control-token");

    browser.click(".who button").await;
    browser.shows("You are signed out.").await;
    browser.open(&host.control_url("/audit")).await;
    assert!(browser.source().await.contains("Control token"), "the session is over");
}

#[tokio::test]
async fn people_find_a_lead_and_roll_back_in_a_browser() {
    if let Some(browser) = Browser::start(true).await {
        go_the_ways(browser).await;
    }
}

#[tokio::test]
async fn the_same_ways_work_without_script() {
    if let Some(browser) = Browser::start(false).await {
        go_the_ways(browser).await;
    }
}

#[tokio::test]
async fn a_whole_cause_is_delivered_again_in_a_browser() {
    let Some(browser) = Browser::start(true).await else { return };
    let crm = Crm::start().await;
    let (host, _) = host_with_a_bad_version(&crm).await;
    sign_in(&browser, &host, "/dead-letters").await;
    browser.shows("By cause").await;
    browser.click(".cause .button.main").await;
    browser.shows("Deliver 2 dead letters again").await;
    browser.click("main button[type=submit]").await;
    browser.shows("2 dead letters are delivered again").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
