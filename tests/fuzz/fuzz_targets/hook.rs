//! Fuzzes webhooks with every kind of verification. The properties are in `handoff_fuzz::hook`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::hook::check(data));
