//! Fuzzes mails with ADF in them. The properties are in `handoff_fuzz::leads`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::leads::mail(data));
