//! `handoff-torture`: the real program, killed repeatedly under load, or loaded for an hour. Exits with 1 if anything
//! was lost, doubled or reordered, or if a resource grows.

mod check;
mod crash;
mod install;
mod post;
mod sent;
mod settle;
mod soak;

use std::process::ExitCode;

const USAGE: &str = "usage: handoff-torture crash [--kills N] [--seed N]
       handoff-torture soak [--seconds N] [--write 1]

  crash    kill -9 at random moments under load, then check that nothing was lost, doubled or reordered (200 kills)
  soak     load at 70 % of the peak with swaps and restarts, then check that nothing grew (3600 s); `--write 1` writes the graph
           to tests/soak.svg, otherwise to target/soak";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, options)) = arguments.split_first() else { return usage() };
    let Some(options) = Options::read(options) else { return usage() };
    let findings = match command.as_str() {
        "crash" => crash::run(crash::Plan { kills: options.number("--kills", 200), seed: options.seed() }).await,
        "soak" => {
            let write = options.number("--write", 0) != 0;
            soak::run(soak::Plan { seconds: options.number("--seconds", 3_600), seed: options.seed(), write }).await
        }
        _ => return usage(),
    };
    for finding in &findings {
        eprintln!("FOUND: {finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// Options with numeric values.
struct Options(Vec<(String, u64)>);

impl Options {
    fn read(words: &[String]) -> Option<Self> {
        let (pairs, rest) = words.as_chunks::<2>();
        let known = ["--kills", "--seed", "--seconds", "--write"];
        let pairs = pairs.iter().map(|[name, number]| {
            known.contains(&name.as_str()).then_some(())?;
            Some((name.clone(), number.parse().ok()?))
        });
        rest.is_empty().then(|| pairs.collect::<Option<Vec<_>>>().map(Self))?
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.0.iter().find(|(known, _)| known == name).map_or(default, |(_, number)| *number)
    }

    /// A random seed, unless one is given.
    fn seed(&self) -> u64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.number("--seed", u64::from(now.subsec_micros()))
    }
}
