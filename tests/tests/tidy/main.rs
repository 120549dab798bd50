//! The repository's own rules as tests, so that one run checks all of them. They read files and start nothing.

mod crates;
mod docs;
mod examples;
mod files;
mod layers;
mod tree;
mod wit;
mod words;
