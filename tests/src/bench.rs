//! The benchmark: loads a real host over real HTTP and measures it. Checks after each run that nothing was lost or doubled;
//! a figure of a host that loses leads is worth nothing.

mod bounds;
pub mod document;
mod figures;
mod latency;
mod load;
mod machine;
mod memory;
mod startup;
mod throughput;

use crate::harness::{Builder, TestHost};
use crate::simulators::crm::Crm;
use figures::Table;

/// How much of what is measured how often.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Runs of each throughput figure.
    runs: usize,
    /// Leads of one run through one connector.
    single: u64,
    /// Leads of one run through the three connectors.
    pipeline: u64,
    /// Leads over which latency is measured.
    paced: u64,
    /// Installations added for the memory figure.
    installations: u64,
}

impl Load {
    /// About three minutes on two cores.
    pub fn full() -> Self {
        Self { runs: 3, single: 3_000, pipeline: 1_000, paced: 500, installations: 100 }
    }

    /// To see that the benchmark works.
    pub fn quick() -> Self {
        Self { runs: 1, single: 300, pipeline: 100, paced: 50, installations: 10 }
    }
}

/// Senders that post at the same time, each waiting for its answer.
const PRODUCERS: usize = 32;
/// Leads a second in the latency runs.
const PACE: u64 = 50;

/// Measures everything; answers a Markdown table.
///
/// # Panics
/// If a lead is lost or doubled, or the host fails in any way.
pub async fn run(load: Load) -> String {
    let mut table = Table::default();
    let facts = machine::facts();
    say(&facts);
    throughput::hooks(load, &mut table).await;
    throughput::events(load, &mut table).await;

    let crm = Crm::start().await;
    let host = fast_host().with_lead_handoff(&crm).start().await;
    throughput::pipeline(load, &host, &crm, &mut table).await;
    latency::paced(load, &host, &crm, &mut table).await;
    drop((host, crm));

    let crm = Crm::start().await;
    let mut host = fast_host().with_lead_handoff(&crm).start().await;
    startup::measure(load, &mut host, &crm, &mut table).await;
    memory::measure(load, &mut host, &crm, &mut table).await;
    format!("{facts}\n\n{table}")
}

/// A host whose rate limits leave room for one loud client.
fn fast_host() -> Builder {
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    TestHost::new().ingress(&format!("[ingress.rate]\n{wide}"))
}

fn say(text: &str) {
    println!("{text}");
}
