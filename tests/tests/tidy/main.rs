//! The repository's own rules, as tests, so that one run tells all. They read files; they start nothing.

mod crates;
mod docs;
mod files;
mod layers;
mod tree;
mod wit;
