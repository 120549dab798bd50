//! Opens a registry from its configuration. Reads the secret that the configuration names. Sends the registry no
//! request.

use handoff_package::reference::RegistryRef;
use handoff_registry_client::{Login, Logins, Options, Registry};
use zeroize::Zeroizing;

use super::errors::registry_error;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_config::{Config, RegistryAuth, RegistryConfig};
use handoff_policy::secrets::{Secret, Secrets};

impl Shard {
    /// The registry with the given name, or the default one, with its name.
    pub(crate) async fn registry(&self, name: Option<&str>) -> Result<(String, Registry), AppError> {
        let (name, registry) = named(&self.process.config, name)?;
        let registry = open(&self.process.config, registry, &self.process.secrets, Logins::default()).await?;
        Ok((name.to_owned(), registry.with_known(self.process.indexes.clone())))
    }
}

/// The configuration of the registry with the given name, or of the default one.
pub fn named<'c>(config: &'c Config, name: Option<&str>) -> Result<(&'c str, &'c RegistryConfig), AppError> {
    let registries = &config.registries;
    let names: Vec<&str> = registries.by_name.keys().map(String::as_str).collect();
    let wanted = name.or(registries.default.as_deref());
    let Some(wanted) = wanted else {
        let message = if names.is_empty() {
            "no registry is configured: add `[registries.NAME]` with `url = …` to handoff.toml".to_owned()
        } else {
            format!("there is no default among the registries {}: name one, or set `default = true`", names.join(", "))
        };
        return Err(AppError::invalid("registry", message));
    };
    registries.by_name.get_key_value(wanted).map(|(name, registry)| (name.as_str(), registry)).ok_or_else(|| {
        let known =
            if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
        AppError::invalid("registry", format!("handoff.toml has no `[registries.{wanted}]`: {known}"))
    })
}

/// Opens a registry of the configuration. Logins in `own` take precedence over those of the configuration.
pub async fn open(
    config: &Config,
    registry: &RegistryConfig,
    secrets: &Secrets,
    own: Logins,
) -> Result<Registry, AppError> {
    let mut logins = own;
    if let (RegistryRef::Oci(place), Some(auth)) = (&registry.location, &registry.auth)
        && !logins.registries().any(|known| known == place.host())
    {
        let login = match auth {
            RegistryAuth::Basic { username, secret } => {
                Login::Basic { user: username.clone(), password: text(secrets, secret).await? }
            }
            RegistryAuth::Token { secret } => Login::Identity { token: text(secrets, secret).await? },
        };
        logins.set(&place.host(), login);
    }
    let client = config.client_options();
    let options = Options {
        logins,
        extra_ca_files: registry.ca_file.iter().chain(&client.extra_ca_files).cloned().collect(),
        system_cas: client.native_roots,
        proxy: client.proxy.clone(),
        package_bytes_max: config.runtime_limits.component_bytes,
        ..Options::default()
    };
    Registry::open(&registry.location, &options).map_err(registry_error)
}

async fn text(secrets: &Secrets, name: &str) -> Result<Zeroizing<String>, AppError> {
    let unusable = |problem: String| AppError::Unavailable {
        message: "the registry's login is not to be had; the host's log says why".to_owned(),
        cause: problem,
    };
    let secret: Secret = secrets.read(name).await.map_err(|error| unusable(error.to_string()))?;
    let text = std::str::from_utf8(secret.expose()).map_err(|_| unusable(format!("secret `{name}` is not UTF-8")))?;
    Ok(Zeroizing::new(text.trim_end().to_owned()))
}
