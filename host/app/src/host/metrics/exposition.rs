//! The Prometheus text format 0.0.4: families with their help and type, samples with labels, and escaping. It knows no
//! metric of the host.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Families by name: the format requires the samples of a family to be together.
#[derive(Default)]
pub(super) struct Exposition(BTreeMap<String, Family>);

/// A family and its samples, in the order in which they were added.
pub(super) struct Family {
    name: String,
    kind: Kind,
    help: String,
    samples: String,
}

/// A label and its value.
pub(super) type Label<'l> = (&'l str, &'l str);

impl Exposition {
    /// The family of this name. `kind` and `help` count when it is named first.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) -> &mut Family {
        self.0.entry(name.to_owned()).or_insert_with(|| Family {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            samples: String::new(),
        })
    }

    /// The type of a family, if it exists.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.0.get(name).map(|family| family.kind)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[Label<'_>], value: impl Display) {
        self.family(name, Kind::Gauge, help).sample("", labels, value);
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, labels: &[Label<'_>], value: impl Display) {
        self.family(name, Kind::Counter, help).sample("", labels, value);
    }

    /// The whole text, sorted by family.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for family in self.0.values() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {} {}", family.name, escaped_help(&family.help));
            let _ = writeln!(text, "# TYPE {} {}", family.name, family.kind.name());
            text.push_str(&family.samples);
        }
        text
    }
}

impl Family {
    /// Adds a sample. The caller adds no series twice.
    pub(super) fn sample(&mut self, suffix: &str, labels: &[Label<'_>], value: impl Display) {
        self.samples.push_str(&self.name);
        self.samples.push_str(suffix);
        for (number, (label, text)) in labels.iter().enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let _ = write!(self.samples, "{before}{label}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.samples, "{end} {value}");
    }

    /// Adds the samples of a histogram: `buckets` counts values up to each bound, and the rest.
    pub(super) fn histogram(&mut self, labels: &[Label<'_>], bounds: &[f64], buckets: &[u64], sum: f64) {
        let names = bounds.iter().map(|bound| number(*bound)).chain(["+Inf".to_owned()]);
        let mut below = 0_u64;
        for (bound, count) in names.zip(buckets.iter().copied().chain(std::iter::repeat(0))) {
            below = below.saturating_add(count);
            let with_bound: Vec<Label<'_>> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample("_bucket", &with_bound, below);
        }
        self.sample("_sum", labels, number(sum));
        self.sample("_count", labels, below);
    }
}

/// A floating-point number as the format writes it.
pub(super) fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn escaped_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}
