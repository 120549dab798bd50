//! The settings of an installation, as a file that `upgrade --settings` accepts.

use std::path::Path;

use serde_json::Value;

use super::lock::no_settings;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::SettingsView;
use handoff_model::names::InstallationName;

/// Paths in the settings: a table or a list of tables, and a field of it.
const PATHS: [(&str, &str); 4] =
    [("hook", "jwks-file"), ("hook", "public-key-file"), ("folders", "path"), ("folders", "archive")];

impl Shard {
    /// Shows the settings of the active generation. Their paths are absolute: a file has another folder.
    pub fn installation_settings(&self, name: &InstallationName) -> Result<SettingsView, AppError> {
        let installation = self.find(name)?;
        let generation = installation.active.generation;
        let details = self.store.generation_details(installation.id, generation)?;
        let details = details.filter(|details| !details.settings_json.is_empty());
        let details = details.ok_or_else(|| no_settings(&installation))?;
        let mut settings: Value = serde_json::from_str(&details.settings_json)
            .map_err(|error| AppError::Internal(format!("the settings of `{name}`: {error}")))?;
        if let Some(folder) = &details.settings_folder {
            make_absolute(&mut settings, Path::new(folder));
        }
        Ok(SettingsView { name: name.clone(), generation, settings })
    }
}

fn make_absolute(settings: &mut Value, folder: &Path) {
    for (section, field) in PATHS {
        let tables = match settings.get_mut(section) {
            Some(Value::Array(tables)) => tables.iter_mut().collect(),
            Some(table) => vec![table],
            None => Vec::new(),
        };
        for table in tables {
            if let Some(Value::String(path)) = table.get_mut(field) {
                *path = folder.join(path.as_str()).to_string_lossy().into_owned();
            }
        }
    }
}
