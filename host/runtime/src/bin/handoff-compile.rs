//! The compiler process as a separate program, for users of the runtime without `handoff`, such as this crate's tests.
//! `handoff` contains the same code as a hidden subcommand, so that an installation is a single file.

fn main() -> std::process::ExitCode {
    handoff_runtime::compile_worker_main()
}
