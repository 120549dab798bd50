//! Auth profiles as the operator writes them in `[auth.NAME]`. They name secrets and never contain one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::request::fields;
use crate::request::grant::check_host;

/// An auth profile: how the host authenticates to a target. Connectors know only its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum AuthProfile {
    /// HTTP Basic (RFC 7617), in UTF-8.
    Basic {
        /// User name, without a colon.
        username: String,
        /// Name of the secret with the password.
        secret: String,
    },
    /// A fixed bearer token (RFC 6750).
    Bearer {
        /// Name of the secret with the token.
        secret: String,
    },
    /// An API key in a header field.
    ApiKey {
        /// The field, for example `api_key`.
        header: String,
        /// Name of the secret with the key.
        secret: String,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth2ClientCredentials(OAuth2Options),
    /// WS-Security UsernameToken (OASIS WSS UsernameToken Profile 1.0) in the SOAP header of the body.
    WsSecurity {
        /// User name.
        username: String,
        /// Name of the secret with the password.
        secret: String,
        /// Whether the password is sent as text or as a digest.
        #[serde(default)]
        password: WsPassword,
    },
    /// An HMAC of the body in a header field of the vendor's choice.
    Hmac(HmacOptions),
}

/// A client of a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OAuth2Options {
    /// The token endpoint. `https`, unless `private-addresses` is true.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// Name of the secret with the client's secret.
    pub secret: String,
    /// Scopes, separated by spaces.
    #[serde(default)]
    pub scope: Option<String>,
    /// The parameter `audience`, which some servers require.
    #[serde(default)]
    pub audience: Option<String>,
    /// Further parameters of the token request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How the client authenticates.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// True if the endpoint is inside the private network; then `http` is allowed too.
    #[serde(default)]
    pub private_addresses: bool,
}

/// How an OAuth 2.0 client authenticates (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// HTTP Basic: what every server must support.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the body.
    Post,
}

/// Format of a WS-Security password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WsPassword {
    /// `PasswordText`: as plain text; safe only under TLS.
    #[default]
    Text,
    /// `PasswordDigest`: base64 of SHA-1 over nonce, time and password.
    Digest,
}

/// A signature of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HmacOptions {
    /// The header field, for example `Authentication`.
    pub header: String,
    /// The public half of the key pair, if `format` uses it.
    #[serde(default)]
    pub public: String,
    /// Name of the secret with the private half.
    pub secret: String,
    /// The hash.
    #[serde(default)]
    pub algorithm: HmacAlgorithm,
    /// Encoding of the hash.
    #[serde(default)]
    pub encoding: HmacEncoding,
    /// Template of the field's value with `{public}` and `{signature}`.
    #[serde(default = "signature_alone")]
    pub format: String,
}

fn signature_alone() -> String {
    "{signature}".to_owned()
}

/// Keyed hashes (RFC 2104).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    HmacSha256,
}

/// Encoding of a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacEncoding {
    /// Standard alphabet with padding.
    #[default]
    Base64,
    /// Lower-case hexadecimal.
    Hex,
}

impl AuthProfile {
    /// Name of the secret that it uses.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Basic { secret, .. }
            | Self::Bearer { secret }
            | Self::ApiKey { secret, .. }
            | Self::WsSecurity { secret, .. } => secret,
            Self::Oauth2ClientCredentials(options) => &options.secret,
            Self::Hmac(options) => &options.secret,
        }
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Basic { username, .. } if username.contains(':') || username.chars().any(char::is_control) => {
                Err(("username", "contains a colon or a control character (RFC 7617)".to_owned()))
            }
            Self::ApiKey { header, .. } => check_header(header),
            Self::Hmac(options) => {
                check_header(&options.header)?;
                if !options.format.contains("{signature}") {
                    return Err(("format", "without `{signature}`; for example `{public}:{signature}`".to_owned()));
                }
                Ok(())
            }
            Self::Oauth2ClientCredentials(options) => options.check_token_url().map_err(|p| ("token-url", p)),
            _ => Ok(()),
        }
    }
}

impl OAuth2Options {
    fn check_token_url(&self) -> Result<(), String> {
        // Check this before an error quotes the URL.
        if self.token_url.contains('@') {
            return Err("contains user info (`user@`); use client-id and secret".to_owned());
        }
        let url = Url::parse(&self.token_url).map_err(|error| format!("`{}`: {error}", self.token_url))?;
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && self.private_addresses);
        if !scheme || url.host_str().is_none() {
            return Err(format!(
                "`{}`; expected an https URL (http only with private-addresses = true)",
                self.token_url
            ));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if let Err(hopeless) = check_host(host, self.private_addresses) {
            return Err(format!("{}; {}", hopeless.found, hopeless.advice));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("contains user info or a fragment; use client-id and secret".to_owned());
        }
        Ok(())
    }
}

/// `authorization` is what other profiles set; other fields that frame the message stay reserved.
fn check_header(header: &str) -> Result<(), (&'static str, String)> {
    let allowed = header.eq_ignore_ascii_case("authorization") || !fields::is_reserved(header);
    if fields::is_token(header) && allowed {
        Ok(())
    } else {
        Err(("header", format!("`{header}`; expected a field name that is not reserved for message framing")))
    }
}
