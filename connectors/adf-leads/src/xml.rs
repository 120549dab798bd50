//! Reads one XML element into a small tree, forgiving what senders get wrong and refusing what could hurt.
//!
//! Knows nothing of ADF but the names `adf` and `prospect`, which never nest. Expands nothing but the five predefined
//! entities and character references; never fetches.

pub mod element;
pub mod reader;
pub mod references;
pub mod repair;

pub use element::{Content, Element};
pub use reader::{Limits, Parsed, read_element};
