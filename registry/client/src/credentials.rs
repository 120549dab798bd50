//! Logins for registries, in the JSON format of `docker login`, `podman login` and `oras login` (`auths`). A secret is
//! never shown: not in `Debug`, not in an error. Credential helpers (`credHelpers`) are not run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handoff_files::{PRIVATE_FILE, PRIVATE_FOLDER};
use handoff_package::manifest::printable;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Size limit of a login file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A login for a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// User name and password or access token.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A token that is exchanged for access tokens (`identitytoken`).
    Identity {
        /// The token.
        token: Zeroizing<String>,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { user, .. } => write!(f, "Login({user:?}, password hidden)"),
            Self::Identity { .. } => f.write_str("Login(token hidden)"),
        }
    }
}

/// Logins by registry: `host`, `host:port`, or either with a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    auths: BTreeMap<String, Login>,
}

/// A login file cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}", path = .path.display())]
pub struct LoginsError {
    path: PathBuf,
    problem: String,
}

impl Logins {
    /// Reads a file; a missing file contains no logins.
    ///
    /// # Errors
    /// The file cannot be read, or is not JSON with logins.
    pub fn read(path: &Path) -> Result<Self, LoginsError> {
        let fault = |problem: String| LoginsError { path: path.to_owned(), problem };
        let mut json = Zeroizing::new(Vec::new());
        match File::open(path) {
            Ok(file) => {
                file.take(FILE_BYTES_MAX + 1).read_to_end(&mut json).map_err(|error| fault(error.to_string()))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fault(error.to_string())),
        }
        if u64::try_from(json.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
            return Err(fault(format!("has more than {FILE_BYTES_MAX} bytes; expected a login file")));
        }
        Self::from_json(&json).map_err(fault)
    }

    /// Reads several files; the first one that contains a registry is used. A file of another program that cannot be
    /// read is skipped with a warning.
    ///
    /// # Errors
    /// The first file, which belongs to Handoff, cannot be read.
    pub fn read_all(own: &Path, others: &[PathBuf]) -> Result<Self, LoginsError> {
        let mut all = Self::read(own)?;
        for path in others {
            match Self::read(path) {
                Ok(more) => more.auths.into_iter().for_each(|(registry, login)| {
                    all.auths.entry(registry).or_insert(login);
                }),
                Err(error) => tracing::warn!(%error, "cannot read the login file of another program"),
            }
        }
        Ok(all)
    }

    /// Login files of other programs according to the environment: `lookup` returns a variable's value.
    #[must_use]
    pub fn of_other_programs(lookup: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
        let path = |variable: &str, below: &str| Some(PathBuf::from(lookup(variable)?).join(below));
        // containers-auth.json(5) first, then docker's.
        let places = [
            lookup("REGISTRY_AUTH_FILE").map(PathBuf::from),
            path("XDG_RUNTIME_DIR", "containers/auth.json"),
            path("HOME", ".config/containers/auth.json"),
            path("DOCKER_CONFIG", "config.json"),
            path("HOME", ".docker/config.json"),
        ];
        places.into_iter().flatten().collect()
    }

    /// Rewrites the file so that only its owner can read it. Other content of the file is preserved.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn write(&self, path: &Path) -> Result<(), LoginsError> {
        let fault = |problem: String| LoginsError { path: path.to_owned(), problem };
        let before = match fs::read(path) {
            Ok(json) => serde_json::from_slice::<Map<String, Value>>(&json).map_err(|_| fault(NO_JSON.to_owned()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(fault(error.to_string())),
        };
        let auths = self.auths.iter().map(|(registry, login)| (registry.clone(), to_json(login))).collect();
        let mut file = before;
        file.insert("auths".to_owned(), Value::Object(auths));
        let json = Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|error| fault(error.to_string()))?);
        let put = handoff_files::replace(path, &json, PRIVATE_FILE, PRIVATE_FOLDER);
        put.map_err(|error| fault(error.to_string()))
    }

    /// Stores a login for a registry, such as `ghcr.io` or `localhost:5000`.
    pub fn set(&mut self, registry: &str, login: Login) {
        self.auths.insert(registry.to_owned(), login);
    }

    /// Removes a login. Returns whether there was one.
    pub fn remove(&mut self, registry: &str) -> bool {
        self.auths.remove(registry).is_some()
    }

    /// The registries with a login.
    pub fn registries(&self) -> impl Iterator<Item = &str> {
        self.auths.keys().map(String::as_str)
    }

    /// The login for a repository: that of the longest matching path, otherwise that of the host.
    pub(super) fn find(&self, host: &str, repository: &str) -> Option<&Login> {
        let mut location = format!("{host}/{repository}");
        loop {
            if let Some(login) = self.auths.get(&location) {
                return Some(login);
            }
            // Older versions of Docker wrote URLs.
            if let Some(login) = ["https://", "http://"].iter().find_map(|scheme| {
                self.auths
                    .get(&format!("{scheme}{location}"))
                    .or_else(|| self.auths.get(&format!("{scheme}{location}/")))
            }) {
                return Some(login);
            }
            location.truncate(location.rfind('/')?);
        }
    }

    fn from_json(json: &[u8]) -> Result<Self, String> {
        // serde's own errors could contain a part of a secret.
        let file: Value = serde_json::from_slice(json).map_err(|_| NO_JSON.to_owned())?;
        let mut logins = Self::default();
        let Some(auths) = file.get("auths") else { return Ok(logins) };
        let auths = auths.as_object().ok_or("`auths` is not an object; expected registries with their logins")?;
        for (registry, entry) in auths {
            let login = of_json(entry).map_err(|problem| {
                let registry = printable(registry, 120);
                format!("`auths`, `{registry}`: {problem}")
            })?;
            // An empty entry means that a helper program holds the secret.
            if let Some(login) = login {
                logins.auths.insert(registry.clone(), login);
            }
        }
        Ok(logins)
    }
}

const NO_JSON: &str = "is not JSON; expected a login file with `auths`, as written by `handoff login`";

fn of_json(entry: &Value) -> Result<Option<Login>, &'static str> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(token) = text("identitytoken") {
        return Ok(Some(Login::Identity { token: Zeroizing::new(token.to_owned()) }));
    }
    if let (Some(user), Some(password)) = (text("username"), text("password")) {
        return Ok(Some(Login::Basic { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) }));
    }
    let Some(auth) = text("auth") else { return Ok(None) };
    let bytes = STANDARD.decode(auth).map(Zeroizing::new).map_err(|_| "`auth` is not base64")?;
    let both = std::str::from_utf8(&bytes).map_err(|_| "`auth` is not text")?;
    let (user, password) = both.split_once(':').ok_or("`auth` is not `user:password` in base64")?;
    // Docker pads with zero bytes.
    let password = password.trim_end_matches('\0');
    Ok(Some(Login::Basic { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) }))
}

fn to_json(login: &Login) -> Value {
    match login {
        Login::Basic { user, password } => {
            json!({ "auth": STANDARD.encode(Zeroizing::new(format!("{user}:{}", password.as_str()))) })
        }
        Login::Identity { token } => json!({ "auth": STANDARD.encode("token:"), "identitytoken": token.as_str() }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn docker_logins_are_read_and_ours_are_private_to_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let docker = r#"{"auths":{"ghcr.io":{"auth":"bWU6c2VjcmV0OjE="},"quay.io/acme":{"username":"you","password":"pw"},
            "https://index.docker.io/v1/":{"identitytoken":"longtoken"},"helped.io":{}},"credsStore":"desktop"}"#;
        fs::write(&path, docker).unwrap();
        let mut logins = Logins::read(&path).unwrap();
        let basic =
            |user: &str, password: &str| Login::Basic { user: user.into(), password: Zeroizing::new(password.into()) };
        assert_eq!(logins.find("ghcr.io", "a/b"), Some(&basic("me", "secret:1")));
        assert_eq!(logins.find("quay.io", "acme/b/c"), Some(&basic("you", "pw")));
        assert_eq!(logins.find("quay.io", "acmes/b"), None);
        assert!(matches!(logins.find("index.docker.io", "v1"), Some(Login::Identity { .. })));
        assert_eq!(logins.find("helped.io", "a/b"), None);
        assert!(!format!("{logins:?}").contains("secret") && !format!("{logins:?}").contains("longtoken"));

        logins.set("localhost:5000", basic("x", "y"));
        assert!(logins.remove("ghcr.io"));
        logins.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Logins::read(&path).unwrap(), logins);
        assert!(fs::read_to_string(&path).unwrap().contains("credsStore"), "other content must be preserved");
    }

    #[test]
    fn a_broken_file_is_refused_without_showing_a_secret() {
        for broken in [
            r#"{"auths":{"a":{"auth":"bWU6c2VjcmV0"}}, hunter2"#,
            r#"{"auths":["hunter2"]}"#,
            r#"{"auths":{"a":{"auth":"hunter2"}}}"#,
        ] {
            let error = Logins::from_json(broken.as_bytes()).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains("secret"), "{error}");
        }
    }
}
