//! Tests of the text format with hostile names and values. Scrapes of a whole host are tested through the server.

use std::collections::BTreeMap;

use expect_test::expect;

use super::connectors;
use super::exposition::{Exposition, Kind};
use handoff_store::{HISTOGRAM_BOUNDS, MetricRow, MetricValue};

fn of(installation: &str) -> [(&'static str, &str); 2] {
    [("installation", installation), ("rooftop", "main-street")]
}

fn row(name: &str, labels: &[(&str, &str)], value: MetricValue) -> MetricRow {
    let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    MetricRow { name: name.to_owned(), labels, value }
}

#[test]
fn values_and_help_are_escaped() {
    let mut out = Exposition::default();
    out.gauge("a", "one\\two\nthree \"four\"", &[("x", "q\"uote \\ back\nline ü")], 1);
    out.counter("b_total", "No label.", &[], 7);
    expect![[r#"
        # HELP a one\\two\nthree "four"
        # TYPE a gauge
        a{x="q\"uote \\ back\nline ü"} 1
        # HELP b_total No label.
        # TYPE b_total counter
        b_total 7
    "#]]
    .assert_eq(&out.text());
}

#[test]
fn metrics_of_connectors_cannot_break_the_text() {
    let mut out = Exposition::default();
    let histogram = || MetricValue::Histogram { buckets: vec![2; HISTOGRAM_BOUNDS.len() + 1], sum: 1.5 };
    let rows = [
        row("leads-total", &[("installation", "liar"), ("le", "1"), ("rooftop", "x")], MetricValue::Counter(3)),
        row("leads", &[("lead-source", "a\"b")], MetricValue::Gauge(-1.25)),
        row("leads-count", &[], MetricValue::Gauge(2.0)),
        row("leads-total", &[("lead-source", "a\"b")], MetricValue::Gauge(4.0)),
        row("metrics-omitted", &[], MetricValue::Gauge(9.0)),
    ];
    connectors::add(&mut out, &of("north"), &rows);
    connectors::add(&mut out, &of("south"), &[row("leads", &[], histogram())]);
    let text = out.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("_bucket{")).collect();
    expect![[r#"
        # HELP handoff_connector_leads Metric `leads` of connectors.
        # TYPE handoff_connector_leads gauge
        handoff_connector_leads{installation="north",lead_source="a\"b",rooftop="main-street"} -1.25
        # HELP handoff_connector_leads_count_value Metric `leads-count` of connectors.
        # TYPE handoff_connector_leads_count_value gauge
        handoff_connector_leads_count_value{installation="north",rooftop="main-street"} 2
        # HELP handoff_connector_leads_distribution Metric `leads` of connectors.
        # TYPE handoff_connector_leads_distribution histogram
        handoff_connector_leads_distribution_sum{installation="south",rooftop="main-street"} 1.5
        handoff_connector_leads_distribution_count{installation="south",rooftop="main-street"} 34
        # HELP handoff_connector_leads_total Metric `leads-total` of connectors.
        # TYPE handoff_connector_leads_total counter
        handoff_connector_leads_total{connector_installation="liar",connector_le="1",connector_rooftop="x",installation="north",rooftop="main-street"} 3
        # HELP handoff_connector_metrics_omitted Metrics of connectors that a scrape leaves out: an installation has at most 5,000 lines.
        # TYPE handoff_connector_metrics_omitted gauge
        handoff_connector_metrics_omitted{installation="north",rooftop="main-street"} 1
        handoff_connector_metrics_omitted{installation="south",rooftop="main-street"} 0
        # HELP handoff_connector_metrics_omitted_value Metric `metrics-omitted` of connectors.
        # TYPE handoff_connector_metrics_omitted_value gauge
        handoff_connector_metrics_omitted_value{installation="north",rooftop="main-street"} 9"#]]
    .assert_eq(&lines.join("\n"));
    let buckets: BTreeMap<&str, &str> =
        text.lines().filter(|line| line.contains("_bucket{")).filter_map(|line| line.rsplit_once(' ')).collect();
    assert_eq!(buckets.len(), HISTOGRAM_BOUNDS.len() + 1, "each bound once");
    assert!(text.contains("le=\"+Inf\"} 34\n"), "{text}");
}

#[test]
fn one_installation_has_a_bounded_number_of_lines() {
    let mut out = Exposition::default();
    let rows: Vec<MetricRow> =
        (0..10_000).map(|number| row(&format!("m-{number}"), &[], MetricValue::Counter(1))).collect();
    connectors::add(&mut out, &of("north"), &rows);
    let text = out.text();
    assert_eq!(text.lines().filter(|line| line.starts_with("handoff_connector_m_")).count(), 5_000);
    assert!(text.contains("handoff_connector_metrics_omitted{installation=\"north\",rooftop=\"main-street\"} 5000\n"));
    assert_eq!(out.kind("handoff_connector_m_0_total"), Some(Kind::Counter));
}
