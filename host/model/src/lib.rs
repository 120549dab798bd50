//! The domain vocabulary as plain data, shared by every layer. No I/O, no clocks, no policy.

pub mod actor;
pub mod call;
pub mod delivery;
pub mod effects;
pub mod event;
pub mod failure;
pub mod grants;
pub mod host_records;
pub mod http;
pub mod installation;
pub mod limits;
pub mod names;
pub mod scope;
pub mod shares;
pub mod time;
pub mod track_record;
