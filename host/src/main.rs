//! The program `handoff`. Everything is in the library, so that tests reach it.

fn main() -> std::process::ExitCode {
    handoff::cli::main()
}
