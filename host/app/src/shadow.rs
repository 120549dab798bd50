//! Shadow runs and replays: run recorded deliveries with other code, without effects.

mod candidate;
mod replay;
mod report;
mod run;

pub use run::{PreparedShadow, SHADOW_LAST};
