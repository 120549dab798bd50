//! `handoff-bench`: makes the figures of BENCHMARKS.md. Prints them; `--write` also puts them into the document. Ends with an
//! error, and without figures, if an event is lost or doubled on the way.
//!
//! # Layout
//! `program` (the real program over real HTTP) · `embedded` (a host in this process) and what is measured with it: `commit` ·
//! `bounds` (what the machine can do at best) · `goals`, `figures`, `document` (tables).

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark stops at the first surprise, and says where")]

mod backlog;
mod bare;
mod bounds;
mod call;
mod commit;
mod document;
mod embedded;
mod extism;
mod figures;
mod goals;
mod guest;
mod machine;
mod many;
mod program;
mod space;

use std::process::ExitCode;

use figures::Table;
use goals::Goals;
use guest::Taker;

/// How much of what is measured how often.
#[derive(Clone, Copy, Debug)]
struct Load {
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
    /// Events of one run with producers in process.
    commit_events: u64,
    /// Calls of one round without a store.
    calls: u32,
    /// Events that wait at most.
    backlog: u64,
    /// Installations beside one.
    many: u64,
    /// Seconds at a moderate pace.
    paced_seconds: u64,
    /// Events delivered before the disk is looked at.
    space_events: u64,
}

impl Load {
    fn full() -> Self {
        Self {
            runs: 3,
            single: 3_000,
            pipeline: 1_000,
            paced: 500,
            installations: 100,
            commit_events: 60_000,
            calls: 20_000,
            backlog: 1_000_000,
            many: 1_000,
            paced_seconds: 10,
            space_events: 400_000,
        }
    }

    /// To see that the benchmark works.
    fn quick() -> Self {
        Self {
            runs: 1,
            single: 300,
            pipeline: 100,
            paced: 50,
            installations: 10,
            commit_events: 6_000,
            calls: 2_000,
            backlog: 100_000,
            many: 100,
            paced_seconds: 1,
            space_events: 50_000,
        }
    }
}

/// Parts that `--only` names, in the order in which they run.
const PARTS: [&str; 8] = ["call", "commit", "http", "backlog", "many", "start", "space", "program"];

const USAGE: &str = "handoff-bench [--write] [--quick] [--only PART]…

  --write       puts the figures into BENCHMARKS.md
  --quick       a tenth of the load: shows that it works, not how fast
  --only PART   measures this part alone, and writes nothing";

struct Args {
    write: bool,
    quick: bool,
    only: Vec<String>,
}

impl Args {
    fn parse(args: impl Iterator<Item = String>) -> Option<Self> {
        let mut parsed = Self { write: false, quick: false, only: Vec::new() };
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--write" => parsed.write = true,
                "--quick" => parsed.quick = true,
                "--only" => parsed.only.push(args.next().filter(|part| PARTS.contains(&part.as_str()))?),
                _ => return None,
            }
        }
        Some(parsed).filter(|parsed| !parsed.write || parsed.only.is_empty())
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

fn main() -> ExitCode {
    // A host in this process compiles connectors with this very program.
    if std::env::args().nth(1).as_deref() == Some(handoff::runtime::COMPILE_WORKER) {
        return handoff::runtime::compile_worker_main();
    }
    // As `handoff serve` has it: one thread for each core.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    if std::env::args().nth(1).as_deref() == Some(program::route::BARE_ROUTE) {
        runtime.block_on(program::route::serve());
        return ExitCode::SUCCESS;
    }
    let Some(args) = Args::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}\n\nParts: {}", PARTS.join(", "));
        return ExitCode::from(2);
    };
    runtime.block_on(measure(&args));
    ExitCode::SUCCESS
}

async fn measure(args: &Args) {
    let load = if args.quick { Load::quick() } else { Load::full() };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut goals, mut table) = (Goals::default(), Table::default());
    let facts = machine::facts();
    say(&facts);
    let taker = Taker::build();
    if args.wants("call") {
        call::measure(load, &taker, &mut goals).await;
    }
    if args.wants("commit") {
        commit::measure(load, &taker, &mut goals).await;
    }
    if args.wants("http") {
        program::http::measure(load, &taker, &mut goals).await;
    }
    if args.wants("backlog") {
        backlog::measure(load, &taker, &mut goals).await;
    }
    if args.wants("many") {
        many::measure(load, &taker, &mut goals).await;
    }
    if args.wants("start") {
        program::many_packages::measure(load, &taker, &mut goals).await;
    }
    if args.wants("space") {
        space::measure(load, &taker, &mut goals).await;
    }
    if args.wants("program") {
        program::measure(load, &mut table).await;
    }
    let text = format!("{facts}\n\n{}.\n\n{goals}\n{table}", goals.summary());
    println!("\n{text}");
    if args.write {
        document::write(&text);
        println!("BENCHMARKS.md is written.");
    }
}

fn say(text: &str) {
    println!("{text}");
}
