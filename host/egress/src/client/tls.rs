//! Trusted certificate authorities: the system's and the operator's. The cryptography provider is named here, so that
//! nothing depends on a process-wide default.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use handoff_policy::egress::{ClientOptions, OptionsError};

/// TLS 1.2 and 1.3 with ring; server certificates are always verified.
pub(super) fn config(options: &ClientOptions) -> Result<ClientConfig, OptionsError> {
    let mut roots = RootCertStore::empty();
    if options.native_roots {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "cannot read some of the system's certificate authorities");
        }
        let (_added, ignored) = roots.add_parsable_certificates(found.certs);
        if ignored > 0 {
            tracing::debug!(ignored, "some of the system's certificate authorities are malformed");
        }
    }
    for path in &options.extra_ca_files {
        add_file(&mut roots, path)
            .map_err(|problem| fault("extra-ca-files", format!("{}: {problem}", path.display())))?;
    }
    if roots.is_empty() {
        tracing::warn!("no certificate authorities found: every https request will fail; set egress.extra-ca-files");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault("tls", error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut added = 0_u32;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        added += 1;
    }
    if added == 0 { Err("contains no certificate; expected PEM with BEGIN CERTIFICATE".to_owned()) } else { Ok(()) }
}

fn fault(field: &str, problem: String) -> OptionsError {
    OptionsError { field: format!("egress.{field}"), problem }
}
