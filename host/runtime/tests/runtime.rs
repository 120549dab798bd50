//! The runtime with a guest that follows commands, good or bad: effects, limits, failures, preparation.

#[path = "runtime/bench.rs"]
mod bench;
#[path = "runtime/bombs.rs"]
mod bombs;
#[path = "runtime/capabilities.rs"]
mod capabilities;
#[path = "../../../tests/guests/guest.rs"]
mod guest;
#[path = "runtime/hostile.rs"]
mod hostile;
#[path = "../../../tests/guests/languages.rs"]
mod language;
#[path = "runtime/languages.rs"]
mod languages;
#[path = "runtime/large.rs"]
mod large;
#[path = "runtime/limits.rs"]
mod limits;
#[path = "runtime/measure.rs"]
mod measure;
#[path = "runtime/prepare.rs"]
mod prepare;
#[path = "runtime/process.rs"]
mod process;
#[path = "../../../tests/guests/raw.rs"]
mod raw;
#[path = "runtime/raw_guests.rs"]
mod raw_guests;
#[path = "../../../tests/guests/scripts.rs"]
mod scripts;
#[path = "runtime/torture.rs"]
mod torture;
