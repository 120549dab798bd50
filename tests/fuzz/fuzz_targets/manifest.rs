//! Fuzzes manifests, as TOML and as the JSON of a component. The properties are in `handoff_fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::manifest::check(data));
