//! The test clock of a host that was started with one. Not part of the OpenAPI document: other hosts do not have these
//! operations.

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::{Get, Nothing, Post};

/// Shows the clock.
pub const SHOW: Get<Nothing, ClockView> = Get::get("showClock", "/v1/clock", "Show the test clock");
/// Moves the clock.
pub const MOVE: Post<MoveClockRequest, ClockView> = Post::post("moveClock", "/v1/clock", "Move the test clock");

/// The host's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// The current time.
    pub now: Time,
}

/// Requests to move the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveClockRequest {
    /// The new time. A time in the past changes nothing.
    pub to: Time,
}
