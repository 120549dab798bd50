//! Incidents: what the host noticed and a person should look at. Raise one, list them, close one.

mod close;
pub(crate) mod list;
pub(crate) mod raise;
