//! Stores a component that a client uploads.

use handoff_package::package::Package;

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_config::{Asks, HttpAsk};
use handoff_control::registry::packages::{HttpAskView, ManifestView, PackageView};

impl Shard {
    /// Checks a component without compiling it, and stores it.
    pub async fn put_package(&self, bytes: bytes::Bytes) -> Result<PackageView, AppError> {
        let package = Package::read_bounded(&bytes, self.process.config.runtime_limits.component_bytes)
            .map_err(|error| AppError::invalid("package", error.to_string()))?;
        let packages = self.packages.clone();
        let known = packages.contains(&package.digest.to_string());
        blocking(move || packages.put(&bytes)).await?.map_err(|error| AppError::Internal(error.to_string()))?;
        Ok(PackageView {
            digest: package.digest.to_string(),
            package: package.manifest.package.name.to_string(),
            version: package.manifest.package.version.to_string(),
            size_bytes: u64::try_from(package.size).unwrap_or(u64::MAX),
            known,
            manifest: manifest_view(&package),
        })
    }
}

fn manifest_view(package: &Package) -> ManifestView {
    let info = &package.manifest.package;
    let asked = Asks::from(&package.manifest);
    let target = |target: HttpAsk| HttpAskView {
        name: target.name,
        host: target.host,
        methods: target.methods.into_iter().collect(),
        paths: target.paths,
        look_ups: target.look_ups,
        auth: target.auth.into_iter().collect(),
        why: target.why,
    };
    ManifestView {
        title: info.title.to_string(),
        summary: info.summary.to_string(),
        license: Some(info.license.to_string()),
        interface: format!("handoff:connector@{}", package.interface),
        accepts: asked.accepts.into_iter().collect(),
        emits: asked.emits.into_iter().collect(),
        hook_verify: asked.hook_verify.unwrap_or_default(),
        http: asked.http.into_iter().map(target).collect(),
        state_schema: package.manifest.state.schema,
        config_schema: package.manifest.config.as_ref().map(|config| config.schema.as_json().clone()),
    }
}
