//! Time from the start of the process to its first delivery, with and without cached compiled code.

use std::time::Instant;

use handoff_tests::harness::TestHost;
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;

use super::load::{Counters, PATIENCE, Post, send_all, wait_committed};
use super::{Load, say};
use crate::results::{Samples, Table};

/// First number of the leads of these runs.
const FIRST_LEAD: u64 = 5_000;

#[derive(Default)]
struct Times {
    ready: Samples,
    delivered: Samples,
    listed: Samples,
}

/// Restarts the host repeatedly.
pub(super) async fn measure(load: Load, host: &mut TestHost, crm: &Crm, table: &mut Table) {
    say("From start to first delivery");
    let mut lead = FIRST_LEAD;
    for (name, starts, cold) in [("warm", 2 * load.runs - 1, false), ("cold", load.runs, true)] {
        let mut times = Times::default();
        for _ in 0..starts {
            lead += 1;
            once(host, crm, &Lead::new(lead), cold, &mut times).await;
        }
        let code = if cold { "no cached code: three components compiled" } else { "cached code" };
        table.result(&format!("4. Start to ready, {name}"), &times.ready, "ms", code);
        table.result(&format!("4. Start to first delivery committed, {name}"), &times.delivered, "ms", code);
        table.result(&format!("4. Start to first entry at the CRM, {name}"), &times.listed, "ms", code);
    }
}

async fn once(host: &mut TestHost, crm: &Crm, lead: &Lead, cold: bool, times: &mut Times) {
    host.quiet().await;
    let committed = Counters::of(host).await.committed("web-leads");
    host.stop().await;
    if cold {
        std::fs::remove_dir_all(host.folder().join("data/code")).expect("the folder of compiled code");
    }
    let post = Post::lead(lead);
    let mark = lead.mark();
    let start = Instant::now();
    let elapsed = || start.elapsed().as_secs_f64() * 1_000.0;
    host.start_again().await;
    times.ready.push(elapsed());
    send_all(host, vec![post], 1).await;
    let listed = async {
        crm.wait("the lead", PATIENCE, |ledger| ledger.with_comments(&mark).len() == 1).await;
        elapsed()
    };
    let delivered = async {
        wait_committed(host, "web-leads", committed + 1).await;
        elapsed()
    };
    let (listed, delivered) = tokio::join!(listed, delivered);
    times.delivered.push(delivered);
    times.listed.push(listed);
}
