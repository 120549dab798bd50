//! Fuzzes `handoff.toml`. The properties are in `handoff_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::config::host(data));
