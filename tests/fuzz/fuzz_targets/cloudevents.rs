//! Fuzzes requests to `POST /events`. The properties are in `handoff_fuzz::cloudevents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::cloudevents::check(data));
