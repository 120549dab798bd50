//! Looks for packages by words. What is found is for people to choose from: nothing of it is verified, and nothing is pinned by it.

use super::ClientError;
use super::backend::{Backend, Reference, on};
use super::folder::Folder;
use super::registry::Registry;
use handoff_package::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Hits on one page of a search.
const PAGE_HITS: usize = 50;
/// Bytes of a search's words.
const QUERY_BYTES_MAX: usize = 200;

/// A package as a search shows it. Not verified: for people to choose from, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Which package.
    #[serde(rename = "name")]
    pub package: PackageName,
    /// Its newest version.
    pub version: Version,
    /// One word: `active`, `deprecated`, `yanked` or `recalled`; empty: not known.
    #[serde(default)]
    pub status: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// One sentence about it.
    #[serde(default)]
    pub summary: String,
}

/// Part of what a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// In the registry's order.
    pub packages: Vec<Found>,
    /// What to hand in as `after` for more; none: this was all.
    #[serde(default)]
    pub next: Option<String>,
}

impl Registry {
    /// Packages whose name, title or summary has all the words. Not verified.
    ///
    /// # Errors
    /// The registry does not answer, or has no search.
    pub async fn search(&self, words: &str, after: Option<&str>) -> Result<SearchPage, ClientError> {
        if words.len() > QUERY_BYTES_MAX {
            return Err(ClientError::Options(format!("a search has at most {QUERY_BYTES_MAX} bytes")));
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

    /// The newest version by its tag, as its manifest describes it.
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
