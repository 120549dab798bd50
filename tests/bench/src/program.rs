//! Benchmarks of the program: loads a real host over HTTP and measures it. After each run it checks that nothing was
//! lost or doubled; results of a host that loses leads are worthless.

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

use crate::results::Table;
use crate::{Load, bounds, say};
use handoff_tests::harness::{Builder, TestHost};
use handoff_tests::simulators::crm::Crm;

/// Concurrent senders, each waiting for its response.
const PRODUCERS: usize = 32;
/// Leads per second in the latency runs.
const PACE: u64 = 50;

/// Runs all measurements of the program.
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

/// A host whose rate limits allow one heavy client.
fn fast_host() -> Builder {
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    TestHost::new().ingress(&format!("[ingress.rate]\n{wide}"))
}
