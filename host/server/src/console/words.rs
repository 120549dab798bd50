//! Times, sizes, numbers and types as people read them: times in a rooftop's zone, numbers with their units.

use handoff_model::delivery::zone::TimeZone;
use handoff_model::time::Timestamp;

use super::components::When;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A zone, and the time at which a page is made.
#[derive(Clone, Copy)]
pub(super) struct Wall {
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
}

impl Wall {
    /// A time: of today as the time of day, otherwise with its date.
    pub(super) fn when(&self, at: impl Into<Timestamp>) -> When {
        let at = at.into();
        let (time, now) = (self.zone.local(at), self.zone.local(self.now));
        let clock = format!("{:02}:{:02}", time.hour, time.minute);
        let month = MONTHS.get(time.month.saturating_sub(1) as usize).copied().unwrap_or_default();
        let short = if (time.year, time.month, time.day) == (now.year, now.month, now.day) {
            clock.clone()
        } else if time.year == now.year {
            format!("{} {month}, {clock}", time.day)
        } else {
            format!("{} {month} {}, {clock}", time.day, time.year)
        };
        let exact = format!("{} {month} {}, {clock}:{:02} {}", time.day, time.year, time.second, time.abbreviation);
        When { iso: at.to_string(), short, exact }
    }

    /// The time at which the page is made, for its head.
    pub(super) fn head(&self) -> String {
        let now = self.zone.local(self.now);
        let day = DAYS.get(now.weekday as usize).copied().unwrap_or_default();
        let month = MONTHS.get(now.month.saturating_sub(1) as usize).copied().unwrap_or_default();
        format!("{day} {} {month}, {:02}:{:02} {}", now.day, now.hour, now.minute, now.abbreviation)
    }

    /// The zone's name.
    pub(super) fn zone_name(&self) -> String {
        self.zone.into()
    }

    /// How long ago.
    pub(super) fn ago(&self, at: impl Into<Timestamp>) -> String {
        format!("{} ago", span(self.now.since_ms(at.into())))
    }
}

/// A length of time in its largest whole unit.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => count(seconds / 86_400, "day", "days"),
    }
}

/// A measured time in milliseconds.
pub(super) fn milliseconds(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// A size.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = bytes as f64;
    while rest >= 1_024.0 && unit + 1 < UNITS.len() {
        rest /= 1_024.0;
        unit += 1;
    }
    let unit_name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || rest >= 100.0 { format!("{rest:.0} {unit_name}") } else { format!("{rest:.1} {unit_name}") }
}

/// A number with a comma between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub(super) fn count(many: u64, one: &str, more: &str) -> String {
    format!("{} {}", number(many), if many == 1 { one } else { more })
}

/// A type of our own in words; another as it is.
pub(super) fn type_words(type_name: &str) -> String {
    let words = type_name.strip_prefix("com.handoff.").and_then(|rest| {
        let (words, version) = rest.rsplit_once(".v")?;
        version.bytes().all(|byte| byte.is_ascii_digit()).then(|| words.replace(['.', '-'], " "))
    });
    words.map_or_else(|| type_name.to_owned(), |words| sentence(&words))
}

/// An id for a list: of a digest the first 12 digits, which are enough to distinguish it. The event's page has all of it.
pub(super) fn short_id(id: &str) -> String {
    match id.strip_prefix("sha256:").and_then(|digits| digits.get(..12).filter(|short| short.len() < digits.len())) {
        Some(short) => format!("sha256:{short}…"),
        None => id.to_owned(),
    }
}

/// A word in kebab case as the beginning of a sentence.
pub(super) fn sentence(kebab: &str) -> String {
    let words = kebab.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text that begins and ends as a sentence.
pub(super) fn prose(text: &str) -> String {
    let mut letters = text.chars();
    let mut text: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// A text as one field of a query.
pub(super) fn in_query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_read_as_people_write_them() {
        let zone = TimeZone::try_from("America/Chicago".to_owned()).expect("a zone");
        let wall = Wall { zone, now: Timestamp(1_774_884_620_000) };
        assert_eq!(wall.head(), "Monday 30 Mar, 10:30 CDT");
        assert_eq!(wall.when(wall.now).short, "10:30");
        let before = wall.when(Timestamp(1_774_800_000_000));
        assert_eq!((before.short.as_str(), before.exact.as_str()), ("29 Mar, 11:00", "29 Mar 2026, 11:00:00 CDT"));
        assert_eq!(wall.when(Timestamp(0)).short, "31 Dec 1969, 18:00");
        assert_eq!(wall.ago(Timestamp(1_774_884_500_000)), "2 min ago");
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([5, 1_536, 200 << 20].map(size), ["5 B", "1.5 KiB", "200 MiB"]);
        assert_eq!(type_words("com.handoff.lead.received.v1"), "Lead received");
        assert_eq!(type_words("com.example.lead"), "com.example.lead");
        assert_eq!(span(3 * 86_400_000), "3 days");
        assert_eq!(["sha256:0123456789abcdef", "7"].map(short_id), ["sha256:0123456789ab…", "7"]);
    }
}
