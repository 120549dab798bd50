//! Rules for all messages to people, whatever the input.

/// One line or paragraph that is safe for a terminal: not empty, of limited length, no control characters except line
/// breaks.
pub(crate) fn check(message: &str, bytes_max: usize) {
    assert!(!message.trim().is_empty(), "an empty message");
    assert!(
        message.len() <= bytes_max,
        "a message of {} bytes; expected at most {bytes_max}: {message}",
        message.len()
    );
    let control = message.chars().find(|c| c.is_control() && *c != '\n');
    assert!(control.is_none(), "{control:?} in {message:?}");
}

/// Whether a position, both numbers from 1, is in a text or directly after it.
pub(crate) fn is_position(text: &str, line: usize, column: usize) -> bool {
    let lines = text.split('\n').count();
    let chars = text.split('\n').nth(line.wrapping_sub(1)).map(|line| line.chars().count());
    (1..=lines).contains(&line) && chars.is_some_and(|chars| (1..=chars + 1).contains(&column))
}
