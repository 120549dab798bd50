//! Incidents: conditions that the host detected and an operator should look at. Raise, list and close them.

mod close;
pub(crate) mod list;
pub(crate) mod raise;
