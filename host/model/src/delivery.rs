//! One attempt to hand an event to an installation.

use serde::{Deserialize, Serialize};

use super::names::{Generation, InstallationName, Position};
use super::scope::Scope;
use super::time::Timestamp;

/// The inputs of a delivery that are not the event itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryInfo {
    /// The installation.
    pub installation: InstallationName,
    /// Its generation.
    pub generation: Generation,
    /// Position of the queue entry; with the installation it identifies the delivery.
    pub position: Position,
    /// 1 for the first attempt, 0 for `validate` and `migrate`.
    pub attempt: u32,
    /// The time that the connector sees.
    pub time: Timestamp,
    /// The scope in which it runs: the rooftop that the connector sees, or the group.
    pub scope: Scope,
    /// Its IANA time zone.
    pub time_zone: zone::TimeZone,
    /// True if effects will be shown, not applied.
    pub dry_run: bool,
}

/// A time zone by its IANA name.
pub mod zone {
    use chrono::{Datelike as _, Offset, TimeZone as _, Timelike as _};
    use chrono_tz::OffsetName as _;
    use serde::{Deserialize, Serialize};

    use crate::time::Timestamp;

    /// A time zone of the IANA database, written by its name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(try_from = "String", into = "String")]
    pub struct TimeZone(pub chrono_tz::Tz);

    impl TimeZone {
        /// Coordinated universal time.
        pub const UTC: Self = Self(chrono_tz::UTC);

        /// Seconds east of UTC at a time.
        #[must_use]
        pub fn utc_offset_seconds(self, at: Timestamp) -> i32 {
            self.0.offset_from_utc_datetime(&at.to_utc().naive_utc()).fix().local_minus_utc()
        }

        /// Date and time of day at a time, as people in the zone say it.
        #[must_use]
        pub fn local(self, at: Timestamp) -> LocalTime {
            let time = at.to_utc().with_timezone(&self.0);
            LocalTime {
                year: time.year(),
                month: time.month(),
                day: time.day(),
                weekday: time.weekday().num_days_from_monday(),
                hour: time.hour(),
                minute: time.minute(),
                second: time.second(),
                abbreviation: time.offset().abbreviation().unwrap_or("UTC").to_owned(),
            }
        }
    }

    /// Date and time of day in a zone.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LocalTime {
        /// The year.
        pub year: i32,
        /// The month, from 1.
        pub month: u32,
        /// The day of the month, from 1.
        pub day: u32,
        /// The day of the week; Monday is 0.
        pub weekday: u32,
        /// The hour, from 0 to 23.
        pub hour: u32,
        /// The minute.
        pub minute: u32,
        /// The second.
        pub second: u32,
        /// The zone's abbreviation at that time, for example `CST`.
        pub abbreviation: String,
    }

    impl TryFrom<String> for TimeZone {
        type Error = String;
        fn try_from(name: String) -> Result<Self, String> {
            name.parse()
                .map(Self)
                .map_err(|_| format!("`{name}` is not an IANA time zone: expected a name like `America/Chicago`"))
        }
    }

    impl From<TimeZone> for String {
        fn from(zone: TimeZone) -> Self {
            zone.0.name().to_owned()
        }
    }
}
