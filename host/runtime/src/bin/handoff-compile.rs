//! The compiling child as a program of its own, for whoever uses the runtime without `handoff`, such as this crate's tests.
//! `handoff` holds the same code behind a hidden subcommand, so that one file is the whole installation.

fn main() -> std::process::ExitCode {
    handoff_runtime::compile_worker_main()
}
