//! `registry failure-counts`: a publisher asks how often its versions failed.

use handoff_app::registry::registry_error;
use handoff_model::time::{Clock as _, SystemClock};

use crate::args::{GlobalArgs, RegistryFailureCountsArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{publisher, registries, show};

pub(super) fn show(
    global: &GlobalArgs,
    args: &RegistryFailureCountsArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let key = publisher::key(&publisher::key_path(args.key.key.as_deref())?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("cannot start: {error}")))?;
    let summary = runtime.block_on(async {
        let registry = registries::registry(global, &args.registry).await?;
        let asked = registry.failure_counts(&args.package, args.days, &key, SystemClock.now().0);
        Ok::<_, CliError>(output.while_waiting("asking the registry", asked).await.map_err(registry_error)?)
    })?;
    output.view(&summary, show::failure_counts::summary)?;
    Ok(Exit::Ok)
}
