//! Memory of a host with few and with many installations of the same package.

use handoff_tests::harness::{LEADS_SECRET, TestHost, body_hmac, component, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;

use super::load::{Counters, PATIENCE};
use super::throughput::number_of;
use super::{Load, say};
use crate::machine::resident_kib;
use crate::results::{Samples, Table, number};

/// First number of the leads of these runs.
const FIRST_LEAD: u64 = 6_000;

/// Resident memory in KiB, over several starts.
#[derive(Default)]
struct Resident {
    idle: Samples,
    used: Samples,
}

/// Measures with the three connectors, adds installations, measures again.
pub(super) async fn measure(load: Load, host: &mut TestHost, crm: &Crm, table: &mut Table) {
    say("Memory of an installation");
    let mut lead = FIRST_LEAD;
    let few = resident(load, host, crm, &mut lead, |_| "web-leads".to_owned()).await;
    let mut settings = web_leads(&host.inbox());
    settings.remove("folders");
    let name = |number: u64| format!("web-leads-{number:03}");
    for number in 0..load.installations {
        let _ = host.install(&name(number), &component("adf-leads"), &settings).await.ok();
    }
    let many = resident(load, host, crm, &mut lead, name).await;

    let each = |few: &Samples, many: &Samples| (many.median() - few.median()) / number(load.installations);
    let total = load.installations + 3;
    for (count, resident) in [(3, &few), (total, &many)] {
        let what = format!("5. Resident memory, {count} installations");
        table.result(&format!("{what}, idle"), &resident.idle.divided_by(1024.0), "MiB", "started, nothing delivered");
        let leads = format!("after {} leads", load.installations);
        table.result(&format!("{what}, in use"), &resident.used.divided_by(1024.0), "MiB", &leads);
    }
    table.derived("5. One more idle installation", each(&few.idle, &many.idle), "KiB", "difference by number");
    table.derived("5. One more installation in use", each(&few.used, &many.used), "KiB", "difference by number");
}

/// Idle after a start, and after as many leads as there are further installations.
async fn resident(
    load: Load,
    host: &mut TestHost,
    crm: &Crm,
    lead: &mut u64,
    name: impl Fn(u64) -> String,
) -> Resident {
    let mut resident = Resident::default();
    for _ in 0..load.runs {
        host.quiet().await;
        host.stop().await;
        host.start_again().await;
        host.quiet().await;
        let pid = host.pid().expect("the host runs");
        resident.idle.push(resident_kib(pid).0);
        let failures = Counters::of(host).await.failures();
        let wanted = number_of(crm.ledger().entries.len()) + load.installations;
        for number in 0..load.installations {
            *lead += 1;
            let body = Lead::new(*lead).adf();
            let signature = body_hmac(LEADS_SECRET, body.as_bytes());
            let _ =
                host.post(&format!("/hooks/{}", name(number)), &[("x-signature", &signature)], body).await.expect(202);
        }
        crm.wait("every lead", PATIENCE, |ledger| number_of(ledger.entries.len()) >= wanted).await.assert_clean();
        host.quiet().await;
        assert_eq!(Counters::of(host).await.failures(), failures, "deliveries failed:\n{}", host.log());
        resident.used.push(resident_kib(pid).0);
    }
    resident
}
