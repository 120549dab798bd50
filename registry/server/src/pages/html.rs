//! Writes HTML: all text and attributes are escaped here, and nowhere else. It knows no packages.

/// A page under construction.
pub(super) struct Html(String);

impl Html {
    /// A page with its head, home link and heading.
    pub(super) fn page(title: &str) -> Self {
        let mut html = Self("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".to_owned());
        html.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        html.element("title", &[], &format!("{title} · Handoff registry"));
        html.void("link", &[("rel", "stylesheet"), ("href", "/style.css")]);
        html.close("head");
        html.open("body", &[]);
        html.open("header", &[]);
        html.link("/", "Handoff registry");
        html.close("header");
        html.open("main", &[]);
        html.element("h1", &[], title);
        html
    }

    /// An opening tag.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        self.0.push('>');
    }

    /// An element without an end tag.
    pub(super) fn void(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.0.push('\n');
    }

    /// A closing tag.
    pub(super) fn close(&mut self, name: &str) {
        self.0.push_str(&format!("</{name}>\n"));
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    /// An element with text only.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// A link inside this registry.
    pub(super) fn link(&mut self, target: &str, text: &str) {
        self.element("a", &[("href", target)], text);
    }

    /// Markup that `markdown` has made safe.
    pub(super) fn safe(&mut self, markup: &super::markdown::Safe) {
        self.0.push_str(markup.as_str());
    }

    /// The whole page.
    pub(super) fn finish(mut self) -> String {
        self.close("main");
        self.close("body");
        self.close("html");
        self.0
    }
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// `text` as a value in the query of a link.
pub(super) fn link_query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A time as a date, `2026-11-22`, in UTC.
pub(super) fn date(at_ms: u64) -> String {
    let days = (at_ms / 86_400_000).min(2_932_896);
    // Eras of 400 years from 1 March 0000, whose leap day is each year's last day (Hinnant, "chrono-compatible low-level date
    // algorithms").
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut page = Html::page("<script>alert(1)</script>");
        page.element("p", &[("title", "\" onmouseover=\"x")], "a & b <i>");
        let html = page.finish();
        assert!(!html.contains("<script") && !html.contains("<i>") && !html.contains("\" onmouseover"), "{html}");
        assert!(html.contains("a &amp; b &lt;i&gt;"), "{html}");
    }

    #[test]
    fn dates_match_the_calendar() {
        for (at_ms, expected) in [(0, "1970-01-01"), (951_782_400_000, "2000-02-29"), (1_795_329_234_000, "2026-11-22")]
        {
            assert_eq!(date(at_ms), expected);
        }
    }
}
