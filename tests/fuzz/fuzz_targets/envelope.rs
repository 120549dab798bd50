//! Fuzzes signature envelopes. The properties are in `handoff_fuzz::registry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::registry::envelope(data));
