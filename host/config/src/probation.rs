//! `[probation]`: when the host rolls back an upgrade by itself.

use super::reader::{Field, Section};
use handoff_model::limits::{ProbationLimits, Weekdays};

/// Longer than anybody watches a release.
const BUSINESS_DAYS_MAX: u32 = 60;

pub(super) fn read(section: &Section<'_>) -> ProbationLimits {
    let default = ProbationLimits::default();
    let number = |key, most, default| section.field(key).and_then(|field| field.integer(1..=most)).unwrap_or(default);
    let days = |key, least, default| {
        section.field(key).and_then(|field| field.integer(least..=BUSINESS_DAYS_MAX)).unwrap_or(default)
    };
    let limits = ProbationLimits {
        enabled: section.field("enabled").and_then(|field| field.boolean()).unwrap_or(default.enabled),
        business_days: days("business-days", 1, default.business_days),
        business_days_max: default.business_days_max,
        weekdays: section.field("weekdays").and_then(|field| weekdays(&field)).unwrap_or(default.weekdays),
        min_deliveries: number("min-deliveries", 1_000_000, default.min_deliveries),
        min_baseline: number("min-baseline", 1_000_000, default.min_baseline),
        error_factor: number("error-factor", 1_000, default.error_factor),
        error_floor_percent: number("error-floor-percent", 100, default.error_floor_percent),
        crash_floor_permille: number("crash-floor-permille", 1_000, default.crash_floor_permille),
        latency_factor: number("latency-factor", 1_000, default.latency_factor),
        latency_floor_ms: number("latency-floor-ms", 3_600_000, default.latency_floor_ms),
    };
    // Not shorter than the shortest duration.
    let least = limits.business_days;
    let business_days_max = days("business-days-max", least, default.business_days_max.max(least));
    section.finish();
    ProbationLimits { business_days_max, ..limits }
}

fn weekdays(field: &Field<'_>) -> Option<Weekdays> {
    let days: Vec<Weekdays> = field.list().iter().filter_map(|day| day.choice(&Weekdays::NAMED)).collect();
    let chosen = Weekdays::union(&days);
    if chosen.is_none() {
        field.wrong("at least one day of the week", "write for example [\"monday\", \"tuesday\"]");
    }
    chosen
}
