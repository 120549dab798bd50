//! Timers: list them, and fire one.

mod fire;
mod list;
