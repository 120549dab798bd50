//! The audit log: list it, and verify its chain of hashes.

mod entries;
mod list;
mod verify;
