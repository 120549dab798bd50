//! `handoff-bench`: produces the results in BENCHMARKS.md. It prints them; `--write` also writes them into the
//! document. It exits with an error, without results, if an event is lost or doubled.
//!
//! # Layout
//! `call`, `bare`, `extism` (one delivery, and its peers) · `embedded` (a host in this process) and its measurements:
//! `commit`, `backlog`, `many`, `space` · `rollback` (on a store alone) · `program` (the real program over HTTP) ·
//! `registry` (compared with copying files; choosing among many versions) · `bounds`, `machine` (limits of the machine)
//! · `goals`, `results` (tables).

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark stops at the first unexpected result")]

mod backlog;
mod bare;
mod bounds;
mod call;
mod commit;
mod embedded;
mod extism;
mod goals;
mod guest;
#[path = "../../guests/languages.rs"]
mod language;
mod languages;
mod machine;
mod many;
mod program;
mod registry;
mod results;
mod rollback;
mod space;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use goals::Goals;
use guest::Taker;
use results::Table;
use serde::{Deserialize, Serialize};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Runs per throughput result.
    runs: usize,
    /// Leads per run through one connector.
    single: u64,
    /// Leads per run through the three connectors.
    pipeline: u64,
    /// Leads of the latency measurement.
    paced: u64,
    /// Installations to add for the memory measurement.
    installations: u64,
    /// Events per run with producers in process.
    commit_events: u64,
    /// Calls per round without a store.
    calls: u32,
    /// Maximum number of waiting events.
    backlog: u64,
    /// Number of further installations.
    many: u64,
    /// Seconds at a moderate rate.
    paced_seconds: u64,
    /// Events to deliver before the disk usage is measured.
    space_events: u64,
    /// Hot swaps under load, one every other second.
    swaps: u32,
    /// Keys of state that a rollback does not touch.
    state_keys: u64,
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
            swaps: 100,
            state_keys: 1_000_000,
        }
    }

    /// To check that the benchmark works.
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
            swaps: 5,
            state_keys: 20_000,
        }
    }
}

/// Parts for `--only`, in the order of execution.
const PARTS: [&str; 12] = [
    "call",
    "languages",
    "commit",
    "http",
    "backlog",
    "many",
    "start",
    "space",
    "swap",
    "rollback",
    "registry",
    "program",
];

const USAGE: &str = "handoff-bench [--write] [--quick] [--only PART]…

  --write       write the results into BENCHMARKS.md
  --quick       a tenth of the load: a functional check, no usable results
  --only PART   run only this part, and write nothing";

struct Args {
    write: bool,
    quick: bool,
    only: Vec<String>,
    /// Where to write a part's rows, if this is a child process of the whole benchmark.
    rows: Option<PathBuf>,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut parsed = Self { write: false, quick: false, only: Vec::new(), rows: None };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--write" => parsed.write = true,
                "--quick" => parsed.quick = true,
                "--only" => parsed.only.push(args.next().filter(|part| PARTS.contains(&part.as_str()))?),
                "--rows" => parsed.rows = Some(args.next()?.into()),
                _ => return None,
            }
        }
        Some(parsed).filter(|parsed| !parsed.write || parsed.only.is_empty())
    }
}

/// The results.
#[derive(Default, Serialize, Deserialize)]
struct Rows {
    goals: Goals,
    table: Table,
}

/// The allocator of `handoff`, because a host also runs in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A host in this process compiles connectors with this very program.
    if std::env::args().nth(1).as_deref() == Some(handoff_runtime::COMPILE_WORKER) {
        return handoff_runtime::compile_worker_main();
    }
    // Like `handoff serve`: one thread per core.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    if std::env::args().nth(1).as_deref() == Some(program::route::BARE_ROUTE) {
        runtime.block_on(program::route::serve());
        return ExitCode::SUCCESS;
    }
    let Some(args) = Args::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}\n\nParts: {}", PARTS.join(", "));
        return ExitCode::from(2);
    };
    if let (Some(rows), [part]) = (&args.rows, &args.only[..]) {
        let measured = runtime.block_on(measure(part, args.quick));
        std::fs::write(rows, serde_json::to_vec(&measured).expect("rows are JSON")).expect("the rows are kept");
        return ExitCode::SUCCESS;
    }
    whole(&args)
}

/// Runs each part in its own process, so that memory, caches and allocator of one part do not affect the next.
fn whole(args: &Args) -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let facts = machine::facts();
    say(&facts);
    let (mut all, started) = (Rows::default(), Instant::now());
    for part in PARTS.iter().filter(|part| args.only.is_empty() || args.only.iter().any(|only| only == *part)) {
        say(&format!("[{} s] {part}", started.elapsed().as_secs()));
        let path = folder.path().join(part);
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"));
        child.args(["--only", part, "--rows"]).arg(&path);
        if args.quick {
            child.arg("--quick");
        }
        let status = child.status().expect("the part starts");
        if !status.success() {
            eprintln!("The part `{part}` failed with {status}: no results.");
            return ExitCode::FAILURE;
        }
        let rows: Rows = serde_json::from_slice(&std::fs::read(path).expect("its rows")).expect("rows");
        all.goals.extend(rows.goals);
        all.table.extend(rows.table);
    }
    let mut text = format!("{facts}\n\n{}.\n\n{}", all.goals.summary(), all.goals);
    if !all.table.is_empty() {
        text.push_str(&format!("\n{}", all.table));
    }
    println!("\n{text}\nMeasured in {} s.", started.elapsed().as_secs());
    if args.write {
        handoff_tests::document::RESULTS.write(&text);
        println!("Updated BENCHMARKS.md.");
    }
    ExitCode::SUCCESS
}

/// Runs one part.
async fn measure(part: &str, quick: bool) -> Rows {
    let load = if quick { Load::quick() } else { Load::full() };
    // Only one may exist per process; the first one wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut rows = Rows::default();
    let (goals, taker) = (&mut rows.goals, Taker::build());
    match part {
        "call" => call::measure(load, &taker, goals).await,
        "languages" => languages::measure(load, goals).await,
        "commit" => commit::measure(load, &taker, goals).await,
        "http" => program::http::measure(load, &taker, goals).await,
        "backlog" => backlog::measure(load, &taker, goals).await,
        "many" => many::measure(load, &taker, goals).await,
        "start" => program::many_packages::measure(load, &taker, goals).await,
        "swap" => program::swap::measure(load, goals).await,
        "rollback" => rollback::measure(load, goals).await,
        "space" => space::measure(load, &taker, goals).await,
        "registry" => registry::measure(load, goals, &mut rows.table).await,
        _ => program::measure(load, &mut rows.table).await,
    }
    rows
}

fn say(text: &str) {
    println!("{text}");
}
