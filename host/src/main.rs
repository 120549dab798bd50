//! The program `handoff`. Only dispatches: everything is in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: the compiling child bounds its own process and must be small.
    if std::env::args().nth(1).as_deref() == Some(handoff::runtime::COMPILE_WORKER) {
        return handoff::runtime::compile_worker_main();
    }
    handoff::cli::main()
}
