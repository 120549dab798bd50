//! The languages of projects: their names, and what a new project needs before it can be built.

/// A language of connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// Python.
    Python,
}

impl Language {
    const ALL: [Self; 4] = [Self::Rust, Self::JavaScript, Self::TypeScript, Self::Python];

    /// The language with a name of the command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// Its name in the command line and in `files`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "js",
            Self::TypeScript => "ts",
            Self::Python => "python",
        }
    }

    /// The folder of `files` that it shares with another language.
    pub(crate) fn shared(self) -> Option<&'static str> {
        match self {
            Self::JavaScript | Self::TypeScript => Some("node"),
            Self::Rust | Self::Python => None,
        }
    }

    /// The commands that install what a project needs, in its folder, once. Cargo does it by itself.
    #[must_use]
    pub fn installs(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &[],
            Self::JavaScript | Self::TypeScript => &["npm install"],
            Self::Python => &["python3 -m venv .venv", ".venv/bin/pip install -r requirements.txt"],
        }
    }

    /// The command that runs the native tests.
    #[must_use]
    pub fn native_tests(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::JavaScript | Self::TypeScript => "npm test",
            Self::Python => ".venv/bin/pytest",
        }
    }
}
