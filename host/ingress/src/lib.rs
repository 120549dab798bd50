//! Events from outside: CloudEvents, signed webhooks, watched folders, schedules. It turns them into events and
//! verifies their origin. It knows no HTTP server, no store and no runtime.

pub mod cloudevents;
pub mod folders;
pub mod hook;
pub mod rate;
pub mod schedules;
pub mod sink;
pub mod verify;

mod digest;
