//! Watched folders: mails and files that other systems drop.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use handoff_tests::harness::{LEADS_SECRET, SOON, TestHost, body_hmac, eventually};
use handoff_tests::leads::{Lead, wrap};
use handoff_tests::simulators::crm::Crm;

use crate::lead_path::{listed, listed_once};

#[tokio::test]
async fn dropped_mails_are_listed_even_if_the_host_is_killed() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    let leads: Vec<Lead> = (600..606).map(Lead::new).collect();
    host.drop_file("1.eml", wrap::plain_mail("Lead", &leads[0].adf()));
    host.drop_file("2.eml", wrap::mail_with_attachment("Lead", &leads[1].adf()));
    listed(&crm, &leads[0]).await;
    listed(&crm, &leads[1]).await;

    // Killed at any point, with files that are not delivered yet.
    for (number, lead) in leads[2..].iter().enumerate() {
        host.drop_file(&format!("late-{number}.eml"), wrap::mail_with_html("Lead", &lead.adf()));
    }
    eventually("a file on its way", async || {
        let left = std::fs::read_dir(host.inbox()).expect("the inbox").flatten().count();
        (left < 4).then_some(())
    })
    .await;
    host.kill();
    host.start_again().await;
    listed_once(&crm, &leads, SOON).await;
    host.quiet().await;
    listed_once(&crm, &leads, SOON).await;
    eventually("an empty inbox", async || files(&host.inbox()).is_empty().then_some(())).await;
    assert!(host.events("com.handoff.file.dropped.v1").await.len() >= 6);
}

#[tokio::test]
async fn large_files_and_invalid_leads_are_refused_with_a_reason() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).engine("event-bytes = 20000\n").start().await;
    host.drop_file("large.xml", "x".repeat(20_001));
    host.drop_file("empty.xml", "");
    host.drop_file("holiday.eml", wrap::plain_mail("Out of office", "I am on holiday."));
    host.drop_file("lead.xml", Lead::new(610).adf());
    listed(&crm, &Lead::new(610)).await;
    let refused = host.archive().join("refused");
    eventually("the large file among the refused", async || {
        files(&refused).iter().any(|name| name.starts_with("large.xml")).then_some(())
    })
    .await;
    let reasons: String = files(&refused)
        .iter()
        .filter(|name| name.contains("reason") || name.ends_with(".txt"))
        .map(|name| std::fs::read_to_string(refused.join(name)).expect("a reason"))
        .collect();
    assert!(reasons.contains("20001") && reasons.contains("20000"), "{reasons} of {:?}", files(&refused));
    let letters = host.wait_dead_letters(1).await;
    assert!(letters.iter().any(|letter| letter["failure"]["code"] == "adf-not-found"), "{letters:#?}");
    assert_eq!(crm.ledger().entries.len(), 1);
}

#[tokio::test]
async fn a_dropper_reaches_nothing_outside_the_folder() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).engine("event-bytes = 20000\n").start().await;
    let outside = tempfile::tempdir().expect("a folder");
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "precious").expect("written");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode();
    let rights = mode(&victim);
    // Where the host once wrote, and what it once deleted: `done` with an old day, `refused`, and the reason file.
    let old = outside.path().join("2020-01-01");
    std::fs::create_dir(&old).expect("made");
    std::fs::write(old.join("precious"), "x").expect("written");
    for name in ["done", "refused"] {
        std::os::unix::fs::symlink(outside.path(), host.inbox().join(name)).expect("linked");
    }
    let passwd = host.inbox().join("link.xml");
    std::os::unix::fs::symlink(&victim, &passwd).expect("linked");
    std::fs::hard_link(&victim, host.inbox().join("hard.xml")).expect("linked: both are in the temporary folder");
    host.drop_file("large.xml", "x".repeat(20_001));
    host.drop_file("lead.xml", Lead::new(620).adf());
    listed(&crm, &Lead::new(620)).await;
    for name in ["large.xml", "hard.xml", "link.xml"] {
        eventually(name, async || host.inbox().join(name).symlink_metadata().is_err().then_some(())).await;
    }
    let mut left = files(outside.path());
    left.sort_unstable();
    assert_eq!(left, ["victim"], "nothing was placed");
    assert_eq!(std::fs::read_to_string(&victim).expect("still there"), "precious");
    assert_eq!(mode(&victim), rights, "nor its rights changed");
    assert!(old.join("precious").exists(), "nothing was deleted");
    let seen = host.events("com.handoff.file.dropped.v1").await;
    assert_eq!(seen.len(), 1, "{seen:#?}");
    let mut refused = files(&host.archive().join("refused"));
    refused.retain(|name| name.ends_with(".reason.txt"));
    assert_eq!(refused.len(), 5, "the links, the file with a second name, and the large one: {refused:?}");
}

#[tokio::test]
async fn every_mail_of_an_mbox_is_listed_and_large_bodies_are_taken() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let leads: Vec<Lead> = (620..624).map(Lead::new).collect();
    let mail = |lead: &Lead| {
        format!("From sender@example.com Sun Nov 29 10:15:02 2026\n{}\n", wrap::plain_mail("Lead", &lead.adf()))
    };
    host.drop_file("mbox.eml", format!("{}{}", mail(&leads[0]), mail(&leads[1])));

    // As large as a document may be, by folder and by hook, and labelled as a form.
    let filled = |lead: &Lead| format!("{}{}", lead.adf(), " ".repeat(DOCUMENT_BYTES - lead.adf().len()));
    host.drop_file("large.xml", filled(&leads[2]));
    let document = filled(&leads[3]);
    let signature = body_hmac(LEADS_SECRET, document.as_bytes());
    let headers = [("x-signature", signature.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    host.post("/hooks/web-leads", &headers, document).await.expect(202);

    listed_once(&crm, &leads, SOON).await;
    assert!(host.dead_letters().await.is_empty());
}

/// The default of `max-document-bytes`.
const DOCUMENT_BYTES: usize = 4_194_304;

/// Names of the files in a folder, without subfolders.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
