//! Gates: one for each target and auth profile, in front of every request. List them, and open one that a target closed
//! for long.

pub(crate) mod list;
mod open;
mod remember;

pub(crate) use remember::restore;
