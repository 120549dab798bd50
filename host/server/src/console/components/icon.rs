//! The icons: drawn for this console on a grid of 24, with lines of one width.

use std::fmt;

/// An icon. It stands beside words, so it is hidden from those who listen.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Icon {
    Overview,
    Installations,
    Find,
    Events,
    DeadLetters,
    Held,
    Incidents,
    Audit,
    Host,
    More,
    Back,
    SignOut,
    Check,
    Arrow,
    Person,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "M4 4h7v9H4zM13 4h7v5h-7zM13 12h7v8h-7zM4 16h7v4H4z",
            Self::Installations => "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
            Self::Find => "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
            Self::Events => "M4 6h10M4 12h16M4 18h7M17 4l3 2-3 2",
            Self::DeadLetters => "M4 6h16v12H4zM4 7l8 6 8-6",
            Self::Held => "M9 5v14M15 5v14",
            Self::Incidents => "M12 4 3 19.5h18zM12 10v4M12 16.8v.2",
            Self::Audit => "M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3",
            Self::Host => "M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.1M7.5 16h.1",
            Self::More => "M5 12h.1M12 12h.1M19 12h.1",
            Self::Back => "M20 12H5M11 6l-6 6 6 6",
            Self::SignOut => "M10 4H5v16h5M9 12h11M16 8l4 4-4 4",
            Self::Check => "M4.5 12.5 10 18 20 7",
            Self::Arrow => "M4 12h15M13 6l6 6-6 6",
            Self::Person => "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
        }
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<svg class=\"icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"{}\"/></svg>", self.path())
    }
}
