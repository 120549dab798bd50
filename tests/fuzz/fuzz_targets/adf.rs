//! Fuzzes ADF as a webhook posts it. The properties are in `handoff_fuzz::leads`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::leads::adf(data));
