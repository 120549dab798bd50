//! Fuzzes components before they are compiled. The properties are in `handoff_fuzz::package`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::package::check(data));
