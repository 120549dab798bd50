//! When schedules tick, in a rooftop's time zone. Pure arithmetic: reads no clock and delivers nothing.
//!
//! The rules, tested against real transitions:
//! - A cron pattern with fixed minutes and hours means local wall-clock time. A time that a spring change skips ticks
//!   once, at the first instant after the gap. A time that an autumn change repeats ticks once, the first time.
//! - A pattern with a wildcard or step in the minute or hour counts elapsed time: it ticks in both passes of a repeated
//!   hour and not in a skipped one.
//! - `every` is an interval of elapsed time, counted from 1970-01-01T00:00Z, so that a restart does not move it.
//! - After downtime, only the latest missed tick is delivered: connectors process what there is to do now, and a week
//!   of ticks at once would help nobody.
//! - A tick's event id is its scheduled instant, so that a crash between delivery and bookkeeping cannot double it.

use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;
use sha2::{Digest as _, Sha256};

use handoff_model::delivery::zone::TimeZone;
use handoff_model::event::{Event, host_types};
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_policy::cron::parse_cron;
use handoff_policy::ingress::{ScheduleSettings, ScheduleWhen};

/// Why a schedule cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schedule `{schedule}`: {problem}")]
pub struct ScheduleError {
    /// Its name.
    pub schedule: String,
    /// The problem.
    pub problem: String,
}

/// One tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The scheduled instant. The event's id and time.
    pub scheduled: Timestamp,
    /// Delivery time: `scheduled` plus jitter.
    pub due: Timestamp,
}

/// A schedule of one installation.
#[derive(Clone, Debug)]
pub struct Schedule {
    installation: InstallationName,
    name: String,
    zone: TimeZone,
    jitter_ms: u64,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    Cron(Box<Cron>),
    EveryMs(u64),
}

impl Schedule {
    /// Validates the settings and creates a schedule.
    pub fn new(
        installation: &InstallationName,
        settings: &ScheduleSettings,
        zone: TimeZone,
    ) -> Result<Self, ScheduleError> {
        let fault = |problem| ScheduleError { schedule: settings.name.clone(), problem };
        let when = match &settings.when {
            ScheduleWhen::Cron(pattern) => When::Cron(Box::new(parse_cron(pattern).map_err(fault)?)),
            ScheduleWhen::EveryMs(0) => return Err(fault("the interval must not be 0".to_owned())),
            ScheduleWhen::EveryMs(ms) => When::EveryMs(*ms),
        };
        let name = settings.name.clone();
        Ok(Self { installation: installation.clone(), name, zone, jitter_ms: settings.jitter_ms, when })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first tick scheduled after an instant; none past the end of the calendar.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Tick> {
        self.scheduled_after(after).map(|scheduled| Tick { scheduled, due: scheduled.plus_ms(self.jitter(scheduled)) })
    }

    /// The tick to deliver now, given the last one delivered (or the creation of the schedule): the latest that is due.
    /// Older missed ticks are skipped.
    #[must_use]
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Option<Tick> {
        const HOUR_MS: u64 = 3_600_000;
        // Search short spans before the present first, so that a minute schedule after a month of downtime is found at
        // once.
        for span_ms in [HOUR_MS, 24 * HOUR_MS, 32 * 24 * HOUR_MS, 367 * 24 * HOUR_MS, u64::MAX] {
            let from = Timestamp(now.0.saturating_sub(span_ms)).max(last);
            let mut latest = None;
            let mut next = self.next_after(from);
            while let Some(tick) = next.filter(|tick| tick.scheduled <= now) {
                // With jitter, a tick may be scheduled but not due yet while the one before is.
                if tick.due <= now {
                    latest = Some(tick);
                }
                next = self.next_after(tick.scheduled);
            }
            if latest.is_some() || from == last {
                return latest;
            }
        }
        None
    }

    /// The event of a tick, addressed to the installation.
    #[must_use]
    pub fn event(&self, tick: Tick) -> Event {
        let scheduled_for = tick.scheduled.to_string();
        let local = tick.scheduled.to_utc().with_timezone(&self.zone.0);
        let data = serde_json::json!({
            "schedule": self.name,
            "scheduledFor": scheduled_for,
            "localTime": local.to_rfc3339_opts(chrono::SecondsFormat::Secs, false),
        });
        Event {
            id: scheduled_for,
            source: format!("/schedules/{}/{}", self.installation, self.name),
            type_name: host_types::SCHEDULE_TICKED.to_owned(),
            subject: Some(self.name.clone()),
            time: Some(tick.scheduled),
            data_content_type: Some("application/json".to_owned()),
            data_schema: None,
            extensions: Default::default(),
            data: data.to_string().into_bytes(),
        }
    }

    fn scheduled_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::EveryMs(ms) => after.0.checked_div(*ms)?.checked_add(1)?.checked_mul(*ms).map(Timestamp),
            When::Cron(cron) => {
                let local: DateTime<Tz> = after.to_utc().with_timezone(&self.zone.0);
                let next = cron.find_next_occurrence(&local, false).ok()?;
                let next = Timestamp::from_utc(next.to_utc());
                (next > after).then_some(next)
            }
        }
    }

    /// Deterministic: the same tick always gets the same delay.
    fn jitter(&self, scheduled: Timestamp) -> u64 {
        if self.jitter_ms == 0 {
            return 0;
        }
        let mut digest = Sha256::new();
        digest.update(self.installation.as_str());
        digest.update([0]);
        digest.update(&self.name);
        digest.update([0]);
        digest.update(scheduled.0.to_be_bytes());
        let number = digest.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % (self.jitter_ms.saturating_add(1))
    }
}

#[cfg(test)]
mod tests;
