//! Fuzzes the manifests of registries. The properties are in `handoff_fuzz::registry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| handoff_fuzz::registry::artifact(data));
