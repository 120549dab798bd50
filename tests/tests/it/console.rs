//! The console in a real browser, over the real program: what people do there, how each page looks, and that it can be
//! used without script, by keyboard and by ear. Pictures are left in `target/console`.

mod looks;
mod ways;

use handoff_tests::browser::Browser;
use handoff_tests::harness::{CONTROL_TOKEN, TestHost, restamped, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;

use crate::lead_path::listed;

/// A host that handled a lead, was upgraded to a version that refuses leads, and has two dead letters.
async fn host_with_a_bad_version(crm: &Crm) -> (TestHost, Lead) {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let good = Lead::new(910);
    host.post_lead(&good.adf()).await.expect(202);
    listed(crm, &good).await;
    let mut settings = web_leads(&host.inbox());
    settings["config"]["accepted-vendor-ids"] = vec!["NOBODY"].into();
    let newer = restamped("adf-leads", "1.1.0", host.folder());
    host.install("web-leads", &newer, &settings).await.ok();
    for number in [911, 912] {
        host.post_lead(&Lead::new(number).adf()).await.expect(202);
    }
    host.wait_dead_letters(2).await;
    (host, good)
}

/// Signs in with the control token; the browser is where `path` says then.
async fn sign_in(browser: &Browser, host: &TestHost, path: &str) {
    browser.open(&host.control_url(path)).await;
    browser.fill("#token", CONTROL_TOKEN).await;
    browser.click("button[type=submit]").await;
}
