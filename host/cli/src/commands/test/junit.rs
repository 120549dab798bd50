//! The results as JUnit XML, the form that continuous integration reads.

use super::report::{CaseReport, CaseResult, TestReport};

pub(super) fn xml(report: &TestReport) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!(
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{}\">\n",
        escaped(&report.package),
        report.cases.len(),
        report.failed,
        seconds(report.took_ms),
    ));
    for case in &report.cases {
        let (name, class) = (escaped(&case.name), escaped(&report.package));
        let time = seconds(case.took_ms);
        text.push_str(&format!("  <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\""));
        if case.result == CaseResult::Failed {
            let (message, details) = failure(case);
            text.push_str(&format!(
                ">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                escaped(&message),
                escaped(&details)
            ));
        } else {
            text.push_str("/>\n");
        }
    }
    text.push_str("</testsuite>\n");
    text
}

fn failure(case: &CaseReport) -> (String, String) {
    let message = case.problem.clone().unwrap_or_else(|| format!("{} differences", case.differences.len()));
    let shown = |value: &Option<serde_json::Value>| value.as_ref().map_or("(nothing)".to_owned(), ToString::to_string);
    let differences = case.differences.iter().map(|difference| {
        format!(
            "{}\n  expected {}\n  actual   {}\n",
            difference.path,
            shown(&difference.expected),
            shown(&difference.actual)
        )
    });
    let logs = case.logs.iter().map(|line| format!("log {line}\n"));
    (message, differences.chain(logs).collect())
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Text and attribute values alike. Characters that XML 1.0 does not allow become U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(letter),
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            letter if letter.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connector_writes_cannot_break_the_xml() {
        assert_eq!(escaped("a<b>&\"\u{1b}\n"), "a&lt;b&gt;&amp;&quot;\u{fffd}\n");
        assert_eq!(seconds(1_024), "1.024");
    }
}
