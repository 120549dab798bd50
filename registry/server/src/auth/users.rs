//! Users from a file in the format of `htpasswd -B`, with an optional third field for what they may push. It checks a
//! few passwords at a time and caches successful checks: bcrypt is slow on purpose.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::{CHECK_PATIENCE, Problem};
use crate::disk;
use crate::name::Repository;

/// Maximum number of concurrent password checks.
const CHECKS_MAX: usize = 2;
/// How long a successful check is cached, as a keyed hash.
const REMEMBERED: Duration = Duration::from_secs(300);
const REMEMBERED_MAX: usize = 1_024;
/// bcrypt reads no more than this of a password.
const PASSWORD_BYTES_MAX: usize = 72;
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The hash to check for an unknown name, so that it takes as long as for a known one.
const NOBODY: &str = "$2b$10$abcdefghijklmnopqrstuuNV4pBVDWFtWbIsXXGMB0JnBSO7Ei3/e";

/// Why a users file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read.
    #[error("cannot read the users file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// No random key for tokens and cached checks.
    #[error("the system provides no random numbers")]
    Random(#[source] std::io::Error),
    /// A line is invalid.
    #[error("{}:{line}: {problem}; expected `NAME:BCRYPT` as written by `htpasswd -B`, optionally followed by `:PREFIX,PREFIX` or `:*`", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The problem.
        problem: &'static str,
    },
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(super) name: String,
    hash: String,
    /// Repository prefixes; `*` matches all.
    push: Vec<String>,
}

impl User {
    /// Whether the user may push to a repository: a prefix ends at a `/` or is the whole name.
    pub(super) fn pushes_to(&self, repository: &str) -> bool {
        let is_below = |prefix: &String| {
            prefix == "*"
                || repository.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.push.iter().any(is_below)
    }
}

impl User {
    /// Whether the user may push to every repository.
    pub(super) fn pushes_everything(&self) -> bool {
        self.push.iter().any(|prefix| prefix == "*")
    }
}

/// The users of a file.
pub(super) struct Users {
    users: HashMap<String, User>,
    checks: Semaphore,
    key: [u8; 32],
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("count", &self.users.len()).finish_non_exhaustive()
    }
}

impl Users {
    /// Reads a file. Blocks.
    pub(super) fn load(path: &Path) -> Result<Self, UsersError> {
        let fail = |source| UsersError::Io { path: path.to_path_buf(), source };
        if std::fs::metadata(path).map_err(fail)?.len() > FILE_BYTES_MAX {
            return Err(fail(std::io::Error::other("it has more than 4 MiB")));
        }
        let text = std::fs::read_to_string(path).map_err(fail)?;
        let mut users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let problem = |problem| UsersError::Line { path: path.to_path_buf(), line: index + 1, problem };
            let user = parse(line).map_err(problem)?;
            if users.insert(user.name.clone(), user).is_some() {
                return Err(problem("duplicate user"));
            }
        }
        let key = disk::random().map_err(UsersError::Random)?;
        Ok(Self { users, checks: Semaphore::new(CHECKS_MAX), key, remembered: Mutex::default() })
    }

    /// The user, if the password is right.
    pub(super) async fn check(&self, name: &str, password: &str) -> Result<User, Problem> {
        let user = self.users.get(name).filter(|_| password.len() <= PASSWORD_BYTES_MAX);
        let proof = self.proof(name, password);
        if let Some(user) = user.filter(|_| self.remembers(&proof)) {
            return Ok(user.clone());
        }
        let turn = tokio::time::timeout(CHECK_PATIENCE, self.checks.acquire()).await;
        let _turn = turn.map_err(|_| Problem::Busy)?.map_err(|_| Problem::Busy)?;
        let hash = user.map_or(NOBODY, |user| user.hash.as_str()).to_owned();
        let password: String = password.chars().take(PASSWORD_BYTES_MAX).collect();
        let is_right = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false)).await;
        match user.filter(|_| is_right.unwrap_or(false)) {
            Some(user) => {
                self.remember(proof);
                Ok(user.clone())
            }
            None => {
                tracing::warn!(user = super::super::name::shorten(name), "wrong user name or password");
                Err(Problem::Wrong)
            }
        }
    }

    fn proof(&self, name: &str, password: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update(Sha256::digest(name));
        hasher.update(Sha256::digest(password));
        hasher.finalize().into()
    }

    fn remembers(&self, proof: &[u8; 32]) -> bool {
        self.remembered.lock().get(proof).is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    fn remember(&self, proof: [u8; 32]) {
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, since| since.elapsed() < REMEMBERED);
        }
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(proof, Instant::now());
        }
    }
}

fn parse(line: &str) -> Result<User, &'static str> {
    let mut fields = line.split(':');
    let (Some(name), Some(hash), push, None) = (fields.next(), fields.next(), fields.next(), fields.next()) else {
        return Err("found fewer than two or more than three fields");
    };
    if name.is_empty() || name.len() > 128 {
        return Err("the name is empty or longer than 128 characters");
    }
    if !["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|kind| hash.starts_with(kind))
        || hash.parse::<bcrypt::HashParts>().is_err()
    {
        return Err("the password is not hashed with bcrypt");
    }
    let push: Vec<String> =
        push.unwrap_or(name).split(',').map(|prefix| prefix.trim().trim_end_matches('/').to_owned()).collect();
    let is_prefix = |prefix: &String| prefix == "*" || prefix.is_empty() || Repository::parse(prefix).is_ok();
    // A name that is not a publisher's, such as `ci@acme`, is fine if prefixes are given.
    if !push.iter().all(is_prefix) {
        return Err("the push prefixes are not a list of repository names");
    }
    let push = push.into_iter().filter(|prefix| !prefix.is_empty()).collect();
    Ok(User { name: name.to_owned(), hash: hash.to_owned(), push })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";

    #[test]
    fn a_user_pushes_only_to_their_own_publishers() {
        let own = parse(&format!("acme:{HASH}")).expect("a line of htpasswd");
        for (repository, may) in [("acme/web-leads", true), ("acme", true), ("acme2/x", false), ("other/acme", false)] {
            assert_eq!(own.pushes_to(repository), may, "{repository}");
        }
        let two = parse(&format!("ci@acme:{HASH}:acme/tools/, other")).expect("prefixes");
        for (repository, may) in
            [("acme/tools", true), ("acme/tools/x", true), ("acme/toolsx", false), ("other/x", true)]
        {
            assert_eq!(two.pushes_to(repository), may, "{repository}");
        }
        assert!(parse(&format!("root:{HASH}:*")).is_ok_and(|user| user.pushes_to("any/thing")));
        assert!(parse(&format!("reader:{HASH}:")).is_ok_and(|user| !user.pushes_to("reader/x")));
    }

    #[test]
    fn a_line_without_bcrypt_is_refused() {
        for line in ["acme", "acme:secret", "acme:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "acme:$2y$05$short", ":x:y:z"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse(&format!("ci@acme:{HASH}")).is_err(), "a name that is not a publisher needs prefixes");
    }
}
