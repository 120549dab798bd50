//! Tests of the HTTP servers over a store in a temporary folder: every kind of error, every form of event, every bound.

mod attacks;
mod bench;
mod console;
mod control;
mod incidents;
mod ingress;
mod lists;
mod metrics;
mod openapi;
mod sockets;
mod tls;
mod trace;
