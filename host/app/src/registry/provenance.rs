//! The provenance of a stored package, as a generation records it: its origin and the signer whose signature was valid.
//! Does not tell whether the signer is still trusted.

use handoff_model::host_records::Provenance;
use handoff_model::installation::{Origin, Signer};

/// The provenance that a generation records. Without one, the package came from a file.
pub(crate) fn details(known: Option<&Provenance>) -> (Option<Signer>, Origin) {
    match known {
        None => (None, Origin::File),
        Some(Provenance { registry, reference, signer }) => {
            (Some(signer.clone()), Origin::Registry { registry: registry.clone(), reference: reference.clone() })
        }
    }
}
