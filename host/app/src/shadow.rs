//! Shadow runs and replays: recorded deliveries on other code, without effects.

mod candidate;
mod case;
mod replay;
mod report;
mod run;

pub use run::{PreparedShadow, SHADOW_LAST};
