//! `search` and `info`: reads packages of a registry. Verifies and installs nothing.

use handoff_registry_client::{ClientError, Found};

use crate::args::{GlobalArgs, InfoArgs, SearchArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{registries, show};
use handoff_app::registry::offer;
use handoff_app::registry::registry_error;
use handoff_app::registry::views::info_view;
use handoff_control::registry::{FoundView, SearchView};

pub(crate) async fn search(global: &GlobalArgs, args: &SearchArgs, output: &mut Output) -> Result<Exit, CliError> {
    let registry = registries::registry(global, &args.registry).await?;
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let look = async {
        let mut found: Vec<Found> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = registry.search(&args.query, after.as_deref()).await?;
            // A page without new packages would cause an endless loop.
            let is_last = page.packages.is_empty() || page.next.is_none() || page.next == after;
            found.extend(page.packages);
            if is_last || found.len() >= most {
                found.truncate(most);
                return Ok::<_, ClientError>(found);
            }
            after = page.next;
        }
    };
    let found = output.while_waiting("searching", look).await.map_err(registry_error)?;
    let view = |found: Found| FoundView {
        package: found.package.to_string(),
        version: found.version.to_string(),
        title: found.title,
        summary: found.summary,
    };
    let view = SearchView { registry: registry.name(), packages: found.into_iter().map(view).collect() };
    output.view(&view, show::registry::search)?;
    Ok(Exit::Ok)
}

pub(crate) async fn info(global: &GlobalArgs, args: &InfoArgs, output: &mut Output) -> Result<Exit, CliError> {
    let registry = registries::registry(global, &args.registry).await?;
    let package = &args.package.package;
    let asked = registry.unverified_index(package);
    let shown = output.while_waiting("asking the registry", asked).await.map_err(registry_error)?;
    let mut view = info_view(&shown, registry.name(), args.package.requirement.as_deref())?;
    if let Some(pin) = view.1.take() {
        match output.while_waiting("reading the package", registry.unverified_package(&pin)).await {
            Ok(package) => view.0.offer = Some(offer(&package.manifest)),
            Err(error) => output.note(&format!("what {} asks for cannot be shown: {error}", pin.version)),
        }
        // These texts are optional: an error must not prevent the output.
        view.0.changes = registry.changes(&pin).await.ok().flatten();
        view.0.readme = registry.readme(&pin).await.ok().flatten();
    }
    output.view(&view.0, show::registry::info)?;
    Ok(Exit::Ok)
}
