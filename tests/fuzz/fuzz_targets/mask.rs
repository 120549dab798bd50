//! Fuzzes what `handoff mask` reads. The properties are in `handoff_fuzz::mask`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::mask::check(data));
