//! Shows and moves the test clock of a host that was started with one.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::host::clock::{ClockView, MoveClockRequest};

impl Shard {
    /// Shows the current time.
    pub fn show_clock(&self) -> Result<ClockView, AppError> {
        Ok(ClockView { now: self.now().into() })
    }

    /// Moves the test clock. Everything that is due by the new time runs.
    pub fn move_clock(&self, request: MoveClockRequest) -> Result<ClockView, AppError> {
        let clock = self.process.test_clock().ok_or_else(|| AppError::NotFound { what: "test clock".to_owned() })?;
        let now =
            clock.move_to(request.to.0).map_err(|error| AppError::Internal(format!("the test clock: {error}")))?;
        Ok(ClockView { now: now.into() })
    }
}
