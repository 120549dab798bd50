//! Use cases of the host: what the API, the console and the command line ask for. Knows no HTTP and no terminal.

pub mod views;
