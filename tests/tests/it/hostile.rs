//! Hostile connectors in a real host: a good connector next to them keeps its order and speed, and every limit holds.
//! The tests of the runtime cover the effects of each guest on its own call.

mod beside;
mod bounds;
mod loops;
pub(crate) mod packages;
