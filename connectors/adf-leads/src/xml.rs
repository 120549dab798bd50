//! Parses one XML element into a small tree, tolerating senders' mistakes and refusing dangerous input.
//!
//! It knows no ADF names except `adf` and `prospect`, which never nest. It expands only the five predefined entities
//! and character references, and never fetches anything.

pub mod element;
pub mod reader;
pub mod references;
pub mod repair;

pub use element::{Content, Element};
pub use reader::{Limits, Parsed, read_element};
