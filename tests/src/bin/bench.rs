//! `handoff-bench`: makes the figures of BENCHMARKS.md with the real program. Prints them; `--write` also puts them into the
//! document. Ends with an error if a lead is lost or doubled on the way.

use std::process::ExitCode;

use handoff_tests::bench;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_known = |arg: &String| ["--write", "--quick"].contains(&arg.as_str());
    if !args.iter().all(is_known) {
        eprintln!(
            "handoff-bench [--write] [--quick]\n\n  --write   puts the figures into BENCHMARKS.md\n  --quick   a tenth of the load: shows that it works, not how fast"
        );
        return ExitCode::from(2);
    }
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let table = bench::run(if has("--quick") { bench::Load::quick() } else { bench::Load::full() }).await;
    println!("\n{table}");
    if has("--write") {
        bench::document::write(&table);
        println!("BENCHMARKS.md is written.");
    }
    ExitCode::SUCCESS
}
