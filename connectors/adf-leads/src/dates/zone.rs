//! Offsets from UTC and the zone names of RFC 2822. Other zone names are ambiguous and not supported.

/// An offset in minutes, and whether it was written as in ISO 8601.
pub(crate) fn offset(text: &str) -> Option<(i32, bool)> {
    if matches!(text, "Z" | "z") {
        return Some((0, true));
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = text.get(1..)?;
    let (hours, minutes, proper) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes, hours.len() == 2 && minutes.len() == 2),
        None if digits.len() > 2 => {
            let (hours, minutes) = digits.split_at_checked(digits.len() - 2)?;
            (hours, minutes, digits.len() == 4)
        }
        None => (digits, "0", digits.len() == 2),
    };
    let hours = number(hours)?;
    // `-08:0` is a truncated `-08:00`; no other offset ends in a single digit.
    let minutes = if minutes.is_empty() { 0 } else { number(minutes)? };
    (hours <= 14 && minutes < 60).then(|| (sign * (hours * 60 + minutes), proper))
}

/// A zone name's offset in minutes.
pub(crate) fn named(text: &str) -> Option<i32> {
    let hours = match text.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 60)
}

fn number(text: &str) -> Option<i32> {
    ((1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
