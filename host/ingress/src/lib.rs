//! How events come in from outside: CloudEvents, signed webhooks, watched folders, schedules. Turns them into
//! events and proves where they come from. Knows no HTTP server, no store and no runtime.

pub mod cloudevents;
pub mod folders;
pub mod hook;
pub mod rate;
pub mod schedules;
pub mod sink;
pub mod verify;

mod digest;
