//! The components that every page is composed of, and nothing else is: each is a value that a template writes out.
//! Their markup is in `components/`, their look in `style.css`.

mod icon;

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

pub(super) use icon::Icon;

/// Declares a component: its template's output is markup, within which every value is escaped.
macro_rules! component {
    ($($name:ty),+) => { $(impl HtmlSafe for $name {})+ };
}

component!(When, State, Notice, Stat, Empty, Pager, Input, Hidden, Code, Icon);

/// A time: short, and exact for those who point at it or read by ear.
#[derive(Clone, Debug, Template)]
#[template(source = r#"<time datetime="{{ iso }}" title="{{ exact }}">{{ short }}</time>"#, ext = "html")]
pub(super) struct When {
    pub(super) iso: String,
    pub(super) short: String,
    pub(super) exact: String,
}

/// How something is: red only for what is bad now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Wait,
    Bad,
    Plain,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
            Self::Plain => "plain",
        })
    }
}

/// A state: a word and a colour, never a colour alone.
#[derive(Clone, Debug, Template)]
#[template(source = r#"<span class="state {{ tone }}">{{ word }}</span>"#, ext = "html")]
pub(super) struct State {
    pub(super) tone: Tone,
    pub(super) word: String,
}

impl State {
    pub(super) fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

/// A sentence that a person should read first: the cause, since when, and what to do.
#[derive(Clone, Debug, Template)]
#[template(path = "components/notice.html")]
pub(super) struct Notice {
    pub(super) tone: Tone,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) since: Option<When>,
    /// A command for the person who runs the host.
    pub(super) command: Option<String>,
    /// Where to act: path and words.
    pub(super) action: Option<(String, String)>,
}

impl Notice {
    pub(super) fn new(tone: Tone, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone, title: title.into(), text: text.into(), since: None, command: None, action: None }
    }

    pub(super) fn leading_to(mut self, path: impl Into<String>, words: &str) -> Self {
        self.action = Some((path.into(), words.to_owned()));
        self
    }
}

/// A number with its unit, what it compares to, and where to see more.
#[derive(Clone, Debug, Template)]
#[template(path = "components/stat.html")]
pub(super) struct Stat {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) tone: Tone,
    pub(super) href: Option<String>,
    /// Shares of a whole with their words, as a bar.
    pub(super) shares: Vec<Share>,
}

impl Stat {
    pub(super) fn new(label: &'static str, value: impl Into<String>, note: impl Into<String>) -> Self {
        let (value, note) = (value.into(), note.into());
        Self { label, value, note, tone: Tone::Plain, href: None, shares: Vec::new() }
    }

    pub(super) fn toned(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    pub(super) fn leading_to(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// Draws the parts of a whole. Without a whole there is nothing to draw.
    pub(super) fn of_parts(mut self, parts: &[(Tone, &str, u64)]) -> Self {
        let whole: u64 = parts.iter().map(|(_, _, number)| number).sum();
        let mut from = 0.0;
        for (tone, word, number) in parts.iter().filter(|(_, _, number)| *number > 0) {
            let width = 200.0 * *number as f64 / whole as f64;
            let (x, width_shown) = (format!("{from:.1}"), format!("{:.1}", width.max(2.0)));
            let text = format!("{word}: {}", super::words::number(*number));
            self.shares.push(Share { tone: *tone, x, width: width_shown, text });
            from += width;
        }
        self
    }
}

/// A part of a bar.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) tone: Tone,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) text: String,
}

/// What a page says when there is nothing to list, and what to do next.
#[derive(Clone, Debug, Template)]
#[template(path = "components/empty.html")]
pub(super) struct Empty {
    pub(super) icon: Icon,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) command: Option<&'static str>,
}

/// Pages of a list.
#[derive(Clone, Debug, Template)]
#[template(path = "components/pager.html")]
pub(super) struct Pager {
    /// What is shown.
    pub(super) text: String,
    /// The first page, if this is another one.
    pub(super) first: Option<String>,
    /// The next page and its words.
    pub(super) next: Option<(String, &'static str)>,
}

/// A field of a form with its label, help and error.
#[derive(Clone, Debug, Template)]
#[template(path = "components/input.html")]
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
    pub(super) value: String,
    pub(super) error: Option<String>,
    pub(super) required: bool,
    pub(super) kind: &'static str,
}

impl Input {
    pub(super) fn text(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self { name, label, help: "", value: value.into(), error: None, required: false, kind: "text" }
    }

    /// The reason of a change.
    pub(super) fn reason(required: bool) -> Self {
        let help = "One sentence. It is shown in the history and in the audit log.";
        Self { help, required, ..Self::text("reason", "Why", "") }
    }

    pub(super) fn with_error(mut self, value: &str, error: Option<String>) -> Self {
        (self.value, self.error) = (value.to_owned(), error);
        self
    }
}

/// Hidden fields of a form: the session's proof, and what the form is about.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"{% for (name, value) in fields %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}"#,
    ext = "html"
)]
pub(super) struct Hidden {
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Text as a machine writes it: it scrolls inside its frame.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"<pre class="code" tabindex="0" role="region" aria-label="{{ label }}"><code>{{ text }}</code></pre>"#,
    ext = "html"
)]
pub(super) struct Code {
    pub(super) label: &'static str,
    pub(super) text: String,
}
