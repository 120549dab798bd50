//! Valid answers of registries.

use handoff_fuzz::registry::good_envelope;
use handoff_package::artifact::{Artifact, ImageIndex, SIGNATURE_TYPE};
use handoff_package::index::{PackageIndex, Release, Status};
use handoff_package::package::stamp;
use handoff_package::{Digest, Manifest, Package};
use wasm_encoder::Component;

use crate::Seeds;

const MANIFEST: &str = include_str!("../../../../../connectors/identity/connector.toml");

pub(crate) fn write(seeds: &Seeds) {
    seeds.add("envelope", "good", &good_envelope());
    let index = index();
    let json = index.to_json();
    seeds.add("index", "three", &json);
    seeds.add("index", "none", &PackageIndex { releases: Vec::new(), ..index.clone() }.to_json());

    let manifest = Manifest::from_toml_with(MANIFEST, |_| Ok("{}".to_owned())).expect("a manifest");
    let component = stamp(&Component::new().finish(), &manifest, "handoff:connector@1.0.0").expect("stamped");
    let package = Package::read(&component).expect("a package");
    let release = Artifact::release(&package, &component, Some("More."), 1_000).manifest;
    let signature = Artifact::about(release.descriptor(), SIGNATURE_TYPE, SIGNATURE_TYPE, good_envelope()).manifest;
    let mut list = ImageIndex::default();
    list.manifests.push(signature.descriptor());
    seeds.add("artifact", "release", &release.to_json());
    seeds.add("artifact", "signature", &signature.to_json());
    seeds.add("artifact", "index", &Artifact::index(&index, json, good_envelope()).manifest.to_json());
    seeds.add("artifact", "list", &list.to_json());
    seeds.add("artifact", "requirement", b">=1.2.3-rc.1, <2");
}

fn index() -> PackageIndex {
    let note = || "Loses leads.".parse().expect("a note");
    let statuses = [Status::Active, Status::Yanked { note: note() }, Status::Recalled { note: note() }];
    let releases = statuses.into_iter().zip(["1.0.0", "1.1.0", "2.1.0-rc.1"]).map(|(status, version)| Release {
        version: version.parse().expect("a version"),
        digest: Digest::of(version.as_bytes()),
        manifest_digest: Digest::of(b"manifest"),
        status,
        published_at_ms: 7,
        interface: "1.0.0".parse().expect("a version"),
        changes: Some("More.".parse().expect("a line")),
    });
    PackageIndex { package: "acme/leads".parse().expect("a name"), sequence: 3, releases: releases.collect() }
}
