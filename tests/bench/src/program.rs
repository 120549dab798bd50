//! The benchmark: loads a real host over real HTTP and measures it. Checks after each run that nothing was lost or doubled;
//! a figure of a host that loses leads is worth nothing.

mod client;
pub(crate) mod http;
mod latency;
mod load;
pub(crate) mod many_packages;
mod memory;
pub(crate) mod route;
mod startup;
pub(crate) mod swap;
mod throughput;

use crate::figures::Table;
use crate::{Load, bounds, say};
use handoff_tests::harness::{Builder, TestHost};
use handoff_tests::simulators::crm::Crm;

/// Senders that post at the same time, each waiting for its answer.
const PRODUCERS: usize = 32;
/// Leads a second in the latency runs.
const PACE: u64 = 50;

/// Measures everything of the program.
///
/// # Panics
/// If a lead is lost or doubled, or the host fails in any way.
pub(crate) async fn measure(load: Load, table: &mut Table) {
    throughput::hooks(load, table).await;
    throughput::events(load, table).await;

    let crm = Crm::start().await;
    let host = fast_host().with_lead_handoff(&crm).start().await;
    throughput::pipeline(load, &host, &crm, table).await;
    latency::paced(load, &host, &crm, table).await;
    drop((host, crm));

    let crm = Crm::start().await;
    let mut host = fast_host().with_lead_handoff(&crm).start().await;
    startup::measure(load, &mut host, &crm, table).await;
    memory::measure(load, &mut host, &crm, table).await;
}

/// A host whose rate limits leave room for one loud client.
fn fast_host() -> Builder {
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    TestHost::new().ingress(&format!("[ingress.rate]\n{wide}"))
}
