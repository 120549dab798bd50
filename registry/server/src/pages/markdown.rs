//! Renders a README: CommonMark with tables. Raw HTML and images are dropped, links lead only to the web or to mail,
//! and headings rank below those of the page. Nothing else in the registry turns publishers' text into markup.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

/// Maximum nesting of lists and quotes. Deeper levels carry no meaning and slow browsers down.
const DEPTH_MAX: usize = 32;

/// Markup that runs and loads nothing.
pub(super) struct Safe(String);

impl Safe {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Renders a text of at most some hundred KiB.
pub(super) fn render(text: &str) -> Safe {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events = Vec::new();
    let (mut depth, mut dropped) = (0_usize, 0_usize);
    for event in Parser::new_ext(text, options) {
        match &event {
            Event::Start(tag) => {
                depth += 1;
                let drops = depth > DEPTH_MAX || matches!(tag, Tag::HtmlBlock | Tag::MetadataBlock(_));
                if dropped > 0 || drops {
                    dropped += 1;
                    continue;
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if dropped > 0 {
                    dropped -= 1;
                    continue;
                }
            }
            Event::Html(_) | Event::InlineHtml(_) => continue,
            _ if dropped > 0 => continue,
            _ => {}
        }
        events.extend(tame(event));
    }
    let mut html = String::with_capacity(text.len() * 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    Safe(html)
}

/// Converts an event to safe markup; an image is replaced by its text.
fn tame(event: Event<'_>) -> Option<Event<'_>> {
    Some(match event {
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
        Event::Start(Tag::Heading { level, classes: _, attrs: _, id: _ }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        Event::Start(Tag::Link { link_type, dest_url, title, .. }) => {
            let is_mail = link_type == LinkType::Email;
            let dest_url = if is_mail || leads_out(&dest_url) { dest_url } else { CowStr::Borrowed("#") };
            Event::Start(Tag::Link { link_type, dest_url, title, id: CowStr::Borrowed("") })
        }
        other => other,
    })
}

fn leads_out(target: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The page itself has h1 and h2.
fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn a_readme_renders_without_scripts_or_external_resources() {
        let html = render(
            "# Title\n<script>alert(1)</script>\n\ntext <img src=x onerror=alert(1)> ![a picture](https://x.example/p.png)\n\n\
             [bad](javascript:alert(1)) [data](data:text/html,x) [good](https://x.example) <https://y.example>\n\n\
             | a | b |\n|---|---|\n| 1 | 2 |\n\n```html\n<b>code</b>\n```\n",
        );
        let html = html.as_str();
        for never in ["<script", "<img", "onerror=", "javascript:", "data:", "<b>"] {
            assert!(!html.contains(never), "{never} in {html}");
        }
        for there in [
            "<h3>Title</h3>",
            "a picture",
            "href=\"https://x.example\"",
            "href=\"https://y.example\"",
            "<td>1</td>",
            "&lt;b&gt;",
        ] {
            assert!(html.contains(there), "{there} not in {html}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let html = render(&format!("{}x", "> ".repeat(5_000)));
        assert!(html.as_str().matches("<blockquote>").count() <= 32);
    }
}
