//! Fuzzes webhooks, under every way of verifying them. The properties are in `handoff_fuzz::hook`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::hook::check(data));
