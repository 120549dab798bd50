//! `handoff-drill`: a bad release in the middle of the day's traffic, and one command that takes it back; many times, in six
//! variants. Ends with 1 if an event was lost, an effect doubled, or something wrong left behind. Times are told, and decide
//! nothing.

#![expect(clippy::expect_used, clippy::panic, reason = "a drill stops at the first surprise, and says where")]

mod crm;
mod judge;
mod load;
mod options;
mod round;
mod session;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use options::Options;
use table::Outcome;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = Options::read(std::env::args().skip(1)) else {
        eprintln!("{}", options::USAGE);
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let mut outcomes = Vec::new();
    for fault in &options.variants {
        println!("{}: {} runs at {} events a second", fault.name(), options.runs, options.rate);
        let mut outcome = Outcome::new(*fault);
        let mut left = options.runs;
        while left > 0 {
            let rounds = left.min(options.runs_per_host);
            left -= rounds;
            outcome.add(session::run(&options, *fault, rounds).await);
            outcome.tell_progress();
        }
        outcomes.push(outcome);
    }
    let text = table::markdown(&options, &outcomes);
    println!("\n{text}\nDrilled in {} s.", begun.elapsed().as_secs());
    if options.write {
        handoff_tests::document::DRILL.write(&text);
        println!("BENCHMARKS.md is written.");
    }
    let findings: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.findings).collect();
    for finding in &findings {
        eprintln!("FOUND: {finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
