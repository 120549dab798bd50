//! Trust: which publishers' packages the host accepts.

mod change;
pub(crate) mod list;
