//! The trait that a connector implements, and the calls into it. It knows nothing of WIT: the guest glue and the test
//! kit both use it, so that they behave the same.

use crate::host::Host;
use crate::{Context, Event, Failure};
use serde::de::DeserializeOwned;

/// A connector: one type per component, exported to the host with [`export!`](crate::export).
///
/// A call is a pure function of event, state, config, clock, random seed and look-up responses. Keep nothing in
/// statics: the host may drop the instance after any call.
pub trait Connector {
    /// The installation's config, from JSON. Deny unknown fields, so that an operator's typing error is found.
    type Config: DeserializeOwned;

    /// Handles one event. `Ok` commits every write, emitted event, timer and request together; a [`Failure`], a panic
    /// or the deadline (5 s by default) undoes them all.
    fn handle(cx: &Context<'_, Self::Config>, event: &Event) -> Result<(), Failure>;

    /// Checks whether the config is usable. Called before a generation may become active, with the config already
    /// parsed. It may read state and make look-ups; effects are refused.
    fn validate(cx: &Context<'_, Self::Config>) -> Result<(), Failure> {
        let _ = cx;
        Ok(())
    }

    /// Migrates state that an older schema version wrote, in one commit. Only called when `[state] schema` in
    /// `connector.toml` is higher than the state's.
    fn migrate(cx: &Context<'_, Self::Config>, from_schema: u32) -> Result<(), Failure> {
        let _ = cx;
        Err(Failure::misconfigured(format!(
            "the state has schema {from_schema}, and this connector has no migration from it: roll back to the version \
             that wrote it, or clear the installation's state"
        )))
    }
}

/// Parses the config and passes one event to the connector.
pub(crate) fn handle<T: Connector>(host: &dyn Host, event: &Event) -> Result<(), Failure> {
    with_context::<T>(host, |cx| T::handle(cx, event))
}

/// Parses the config and asks the connector to validate it.
pub(crate) fn validate<T: Connector>(host: &dyn Host) -> Result<(), Failure> {
    with_context::<T>(host, T::validate)
}

/// Parses the config and lets the connector migrate its state.
pub(crate) fn migrate<T: Connector>(host: &dyn Host, from_schema: u32) -> Result<(), Failure> {
    with_context::<T>(host, |cx| T::migrate(cx, from_schema))
}

fn with_context<T: Connector>(
    host: &dyn Host,
    call: impl FnOnce(&Context<'_, T::Config>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let text = host.config();
    let config = parse_json::<T::Config>(text.as_bytes()).map_err(|problem| {
        Failure::misconfigured(format!("config{problem}: correct it in the installation's config"))
    })?;
    call(&Context::new(host, &config, host.delivery()))
}

/// Parses JSON; the error text begins with the path of the field at fault: ``, field `a.b[0]`: what was expected``. It never
/// repeats a value: values may be personal or secret.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let told = without_value(&inner);
        // "." is the document itself: a missing field is reported there, and the text names it.
        if path == "." { format!(": {told}") } else { format!(", field `{path}`: {told}") }
    })?;
    reader.end().map_err(|error| format!(": {error}"))?;
    Ok(value)
}

/// The kinds of values in texts of serde.
const KINDS: [&str; 9] =
    ["string", "integer", "floating point", "boolean", "character", "null", "map", "sequence", "byte array"];

/// What was expected and what kind of value was found, without the value. Texts of types' own errors may contain it, so
/// that only their position is told.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_safe = ["missing field", "unknown field", "duplicate field", "invalid length"];
    // Errors of syntax have fixed texts.
    if !error.is_data() || is_safe.iter().any(|start| text.starts_with(start)) {
        return text;
    }
    // A value may contain the word, but the last one is serde's.
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| format!(", expected {expected}"));
    let found = ["invalid type: ", "invalid value: "].iter().find_map(|start| text.strip_prefix(start));
    let place = || format!(" at line {} column {}", error.line(), error.column());
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let kind = KINDS.iter().find(|kind| found.starts_with(*kind)).unwrap_or(&"value");
            let article = if *kind == "integer" { "an" } else { "a" };
            format!("found {article} {kind}{expected}")
        }
        (None, Some(expected)) if text.starts_with("unknown variant") => format!("found an unknown variant{expected}"),
        _ => format!("invalid value{}", place()),
    }
}

/// Exports a [`Connector`] from the component. Call it once, at the top level of the crate.
///
/// Outside wasm32 it only checks that the type implements the trait, so that the crate can be tested natively.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn is_a_connector<T: $crate::Connector>() {}
            is_a_connector::<$connector>()
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct HandoffExport;

            impl $crate::__private::bindings::exports::handoff::connector1_0_0::handler::Guest for HandoffExport {
                fn handle(
                    event: $crate::__private::bindings::handoff::connector1_0_0::types::Event,
                ) -> ::core::result::Result<(), $crate::__private::bindings::handoff::connector1_0_0::types::Failure>
                {
                    $crate::__private::handle::<$connector>(event)
                }
            }

            impl $crate::__private::bindings::exports::handoff::connector1_0_0::lifecycle::Guest for HandoffExport {
                fn validate()
                -> ::core::result::Result<(), $crate::__private::bindings::handoff::connector1_0_0::types::Failure>
                {
                    $crate::__private::validate::<$connector>()
                }

                fn migrate(
                    from_schema: u32,
                ) -> ::core::result::Result<(), $crate::__private::bindings::handoff::connector1_0_0::types::Failure>
                {
                    $crate::__private::migrate::<$connector>(from_schema)
                }
            }

            $crate::__private::bindings::export_connector!(
                HandoffExport with_types_in $crate::__private::bindings
            );

            // The build moves this section from the core module to the component, where the host reads it before it
            // compiles anything. It is the text of `handoff_sdk::host::INTERFACE`.
            #[allow(unsafe_code, reason = "a link section is how a text reaches the wasm file; nothing runs")]
            #[unsafe(link_section = "handoff:interface")]
            #[used]
            static INTERFACE: [u8; 26] = *b"handoff:connector@1.1.0-rc";
        };
    };
}
