//! The registry server over HTTP: the OCI Distribution Specification 1.1 request by request, the registry's own rules,
//! its data on disk, and third-party clients.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod access;
mod clients;
mod disk;
mod failure_counts;
mod harness;
mod hosts;
mod index;
mod lists;
mod namespaces;
mod pages;
mod pull;
mod push;
mod rules;
mod tls;
