//! Fuzzes ADF in a webhook. The properties are in `handoff_fuzz::leads`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::leads::adf(data));
