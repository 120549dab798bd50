//! Incidents: what an operator should look at. Some are raised once and stay until someone closes them; conditions are
//! watched, and close when they are over.

mod close;
mod conditions;
pub(crate) mod keeper;
pub(crate) mod list;
pub(crate) mod raise;
mod save;
pub mod watch;

pub(crate) use conditions::FolderStates;
