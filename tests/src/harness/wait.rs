//! Waiting for a condition with a deadline. There are no fixed delays.

use std::time::{Duration, Instant};

/// Long enough for anything that happens by itself, even on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// Polls until there is a result.
///
/// # Panics
/// After [`SOON`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    eventually_within(SOON, what, ask).await
}

/// Polls until there is a result.
///
/// # Panics
/// After `within`.
pub async fn eventually_within<T, F: Future<Output = Option<T>>>(
    within: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
