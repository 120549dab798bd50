//! `[probation]`: when the host rolls back an upgrade by itself.

use super::reader::Section;
use handoff_model::limits::ProbationLimits;

/// A day: longer than anybody watches a release.
const MINUTES_MAX: u64 = 24 * 60;

pub(super) fn read(section: &Section<'_>) -> ProbationLimits {
    let default = ProbationLimits::default();
    let number = |key, most, default| section.field(key).and_then(|field| field.integer(1..=most)).unwrap_or(default);
    let limits = ProbationLimits {
        enabled: section.field("enabled").and_then(|field| field.boolean()).unwrap_or(default.enabled),
        minutes: number("minutes", MINUTES_MAX, default.minutes),
        // Fewer than ten deliveries are not significant.
        min_deliveries: section
            .field("min-deliveries")
            .and_then(|field| field.integer(10..=1_000_000))
            .unwrap_or(default.min_deliveries),
        error_factor: number("error-factor", 1_000, default.error_factor),
        error_floor_percent: number("error-floor-percent", 100, default.error_floor_percent),
        dead_letters: number("dead-letters", 1_000_000, default.dead_letters),
        latency_factor: number("latency-factor", 1_000, default.latency_factor),
        latency_floor_ms: number("latency-floor-ms", 3_600_000, default.latency_floor_ms),
    };
    section.finish();
    limits
}
