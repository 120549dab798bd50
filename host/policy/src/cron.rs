//! Parses cron patterns, for checking a settings file and for schedules.

use chrono::DateTime;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Parses a cron pattern: five fields, names for months and weekdays, no seconds and no years.
pub fn parse_cron(pattern: &str) -> Result<Cron, String> {
    if pattern.split_whitespace().count() != 5 && !pattern.trim_start().starts_with('@') {
        return Err(format!("it has {} fields, not 5", pattern.split_whitespace().count()));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(pattern).map_err(|error| error.to_string())?;
    // A pattern such as 31 February parses and never ticks.
    let start = DateTime::from_timestamp_millis(1_767_225_600_000).unwrap_or_default();
    match cron.find_next_occurrence(&start, false) {
        Ok(_) => Ok(cron),
        Err(_) => Err("no such day exists".to_owned()),
    }
}
