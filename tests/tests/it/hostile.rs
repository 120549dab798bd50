//! Hostile connectors in a real host: a good one beside them keeps its order and its pace, and every limit holds. What each
//! guest does to its own call alone, the tests of the runtime say.

mod beside;
mod bounds;
mod loops;
mod packages;
