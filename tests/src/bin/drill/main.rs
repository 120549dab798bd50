//! `handoff-drill`: rolls out a bad release under load and rolls it back, with one command or automatically, many times
//! in nine variants. Exits with 1 if an event was lost, an effect doubled, or wrong state left behind, and stops there.
//! Times are reported but never fail the drill; a disturbed run is reported and not timed.

#![expect(clippy::expect_used, clippy::panic, reason = "a drill stops at the first unexpected result")]

mod acts;
mod crm;
mod judge;
mod load;
mod options;
mod release;
mod round;
mod session;
mod table;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use judge::Judged;
use options::{Mode, Options};
use release::Release;
use table::Outcome;

/// Percentage of a variant's runs, plus one, that may be disturbed; more is an error.
const DISTURBED_PERCENT: u64 = 5;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = Options::read(std::env::args().skip(1)) else {
        eprintln!("{}", options::USAGE);
        return ExitCode::from(2);
    };
    let (begun, load) = (Instant::now(), load_average());
    let options = Arc::new(options);
    let outcomes = drilled(&options).await;
    let text = table::markdown(&options, &outcomes, &load);
    println!("\n{text}\nDrilled in {} s.", begun.elapsed().as_secs());
    let all = || outcomes.iter().map(|outcome| &outcome.sum);
    all().flat_map(|sum| &sum.disturbed).for_each(|what| eprintln!("DISTURBED: {what}"));
    all().flat_map(|sum| &sum.findings).for_each(|what| eprintln!("FOUND: {what}"));
    let is_sound = all().all(|sum| sum.findings.is_empty());
    if options.write && is_sound {
        handoff_tests::document::DRILL.write(&text);
        println!("Updated BENCHMARKS.md.");
    }
    if is_sound && outcomes.iter().all(Outcome::is_whole) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All requested runs, or all until a promise is broken.
async fn drilled(options: &Arc<Options>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for mode in &options.modes {
        for fault in options.variants.iter().filter(|fault| mode.sees(**fault)) {
            println!(
                "{}, {}: {} runs at {} events a second",
                fault.name(),
                mode.name(),
                options.runs(*mode),
                options.rate
            );
            let release = Arc::new(Release::build(*fault));
            let outcome = variant(options, *mode, release).await;
            let is_sound = outcome.sum.findings.is_empty();
            outcomes.push(outcome);
            if !is_sound {
                return outcomes;
            }
        }
    }
    outcomes
}

/// All runs of one variant, on as many hosts as needed.
async fn variant(options: &Arc<Options>, mode: Mode, release: Arc<Release>) -> Outcome {
    let wanted = options.runs(mode);
    let mut outcome = Outcome { mode, fault: release.fault, wanted, sum: Judged::default() };
    let bearable = 1 + wanted * DISTURBED_PERCENT / 100;
    while outcome.sum.runs < wanted && outcome.sum.findings.is_empty() {
        let rounds = options.runs_per_host(mode).min(wanted - outcome.sum.runs);
        let session = tokio::spawn(session::run(Arc::clone(options), mode, Arc::clone(&release), rounds));
        match session.await {
            Ok(judged) => outcome.sum.add(judged),
            // The error was printed above; its runs are not counted.
            Err(error) => outcome.sum.disturbed.push(format!("{}, {}: {error}", release.fault.name(), mode.name())),
        }
        println!("  {}", outcome.progress());
        if u64::try_from(outcome.sum.disturbed.len()).unwrap_or(u64::MAX) > bearable {
            break;
        }
    }
    outcome
}

/// The load average of the last minute.
fn load_average() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
