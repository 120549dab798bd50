//! Searches packages by words. Results are for people to choose from: they are not verified, and nothing is pinned from
//! them.

use super::ClientError;
use super::backend::{Backend, Reference, on};
use super::folder::Folder;
use super::registry::Registry;
use handoff_package::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Results per page.
const PAGE_HITS: usize = 50;
/// Size limit of a search query, in bytes.
const QUERY_BYTES_MAX: usize = 200;

/// A search result. Not verified: for people to choose from, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The package.
    #[serde(rename = "name")]
    pub package: PackageName,
    /// Its newest version.
    pub version: Version,
    /// `active`, `deprecated`, `yanked` or `recalled`; empty if unknown.
    #[serde(default)]
    pub status: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// A summary of one sentence.
    #[serde(default)]
    pub summary: String,
}

/// A page of search results.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// In the registry's order.
    pub packages: Vec<Found>,
    /// Pass it as `after` for the next page; none on the last page.
    #[serde(default)]
    pub next: Option<String>,
}

impl Registry {
    /// Packages whose name, title or summary contains all words. Not verified.
    ///
    /// # Errors
    /// The registry does not answer or has no search.
    pub async fn search(&self, words: &str, after: Option<&str>) -> Result<SearchPage, ClientError> {
        if words.len() > QUERY_BYTES_MAX {
            return Err(ClientError::Options(format!("a search query has at most {QUERY_BYTES_MAX} bytes")));
        }
        match &self.backend {
            Backend::Folder(folder) => self.search_folder(folder, words, after).await,
            Backend::Oci(oci) => oci.search(words, after).await,
        }
    }

    async fn search_folder(
        &self,
        folder: &Arc<Folder>,
        words: &str,
        after: Option<&str>,
    ) -> Result<SearchPage, ClientError> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let packages = on(folder, Folder::packages).await?;
        let mut page = SearchPage::default();
        for package in packages.into_iter().filter(|package| after.is_none_or(|after| package.as_str() > after)) {
            let Some(found) = self.describe(&package).await? else { continue };
            let text = format!("{} {} {}", found.package, found.title, found.summary).to_lowercase();
            if !words.iter().all(|word| text.contains(word)) {
                continue;
            }
            if page.packages.len() == PAGE_HITS {
                page.next = page.packages.last().map(|last| last.package.to_string());
                break;
            }
            page.packages.push(found);
        }
        Ok(page)
    }

    /// The newest version by tag, as described by its manifest.
    async fn describe(&self, package: &PackageName) -> Result<Option<Found>, ClientError> {
        let versions = self.versions(package).await?;
        let released = |version: &&Version| version.as_semver().pre.is_empty();
        let Some(version) = versions.iter().rfind(released).or(versions.last()) else { return Ok(None) };
        let what = format!("{package} {version}");
        let tag = version.to_string();
        let Some((manifest, _digest)) = self.manifest(package, Reference::Tag(&tag), &what).await? else {
            return Ok(None);
        };
        let text = |name: &str| manifest.annotations.get(name).cloned().unwrap_or_default();
        Ok(Some(Found {
            package: package.clone(),
            version: version.clone(),
            status: String::new(),
            title: text("org.opencontainers.image.title"),
            summary: text("org.opencontainers.image.description"),
        }))
    }
}
