//! Where a kept package came from and whose signature on it held, as a generation keeps it. Says nothing about whether the
//! signer is still trusted.

use handoff_model::host_records::Provenance;
use handoff_model::installation::{Origin, Signer};

/// What a generation keeps of a package's provenance. Without one, the package was given as a file.
pub(crate) fn details(known: Option<&Provenance>) -> (Option<Signer>, Origin) {
    match known {
        None => (None, Origin::File),
        Some(Provenance { registry, reference, signer }) => {
            (Some(signer.clone()), Origin::Registry { registry: registry.clone(), reference: reference.clone() })
        }
    }
}
