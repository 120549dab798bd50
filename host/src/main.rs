//! The program `handoff`. Only dispatches: everything is in the library, so that tests reach it.

use std::process::ExitCode;

/// A host runs for months with small and large pieces of memory from many threads: glibc's allocator keeps more of them for
/// itself, and takes more time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the compiling child bounds its own process and must be small.
    if std::env::args().nth(1).as_deref() == Some(handoff::runtime::COMPILE_WORKER) {
        return handoff::runtime::compile_worker_main();
    }
    handoff::cli::main()
}
