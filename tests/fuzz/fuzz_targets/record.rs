//! Fuzzes journal records. The properties are in `handoff_fuzz::journal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::journal::record(data));
