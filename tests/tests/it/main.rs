//! End-to-end tests: the real program, real HTTP, real connectors. One binary, because each one would link everything
//! again.

#![expect(clippy::expect_used, reason = "a test stops at the first unexpected result")]

mod audit;
mod backup;
mod by_hand;
mod calls;
mod command_line;
mod console;
mod data_folders;
mod dead_letters;
mod develop;
mod disk;
mod events;
mod first_release;
mod folders;
#[path = "../../guests/guest.rs"]
mod guest;
mod hooks;
mod hostile;
mod incidents;
#[path = "../../guests/languages.rs"]
mod language;
mod lead_path;
mod leads;
mod limits;
mod masking;
mod metrics;
mod outbox;
mod packages;
mod probation;
#[path = "../../guests/raw.rs"]
mod raw;
mod registry;
mod registry_server;
mod restart;
mod rollback;
mod rooftops;
mod sandbox;
mod schedules;
#[path = "../../guests/scripts.rs"]
mod scripts;
mod secrets;
mod shadow;
mod swaps;
mod uninstall;
mod upgrade;
