//! Who is signed in to the console. For now, the holder of the control token: whatever else proves a person replaces
//! this file. Pages only see [`Signed`].

use std::collections::HashMap;
use std::net::IpAddr;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::caller::Caller;
use handoff_app::process::Process;
use handoff_model::time::Timestamp;

/// A session without a request for this long is over.
pub(super) const IDLE_MS: u64 = 30 * 60_000;
/// A session is over after this time, whatever happens.
pub(super) const ABSOLUTE_MS: u64 = 12 * 3_600_000;
/// Sessions at the same time. One more ends the one that was idle longest.
const SESSIONS_MAX: usize = 1_000;
/// Wrong tokens from one address before it has to wait.
const FREE_ATTEMPTS: u32 = 5;
/// Longest wait between two attempts of one address.
const WAIT_MS_MAX: u64 = 60_000;
/// An address without an attempt for this long is forgiven.
const FORGIVEN_MS: u64 = 15 * 60_000;
/// Addresses with failed attempts that are remembered.
const ADDRESSES_MAX: usize = 4_096;

/// The header field with which a page's script reads the page again by itself.
const BY_ITSELF: &str = "x-handoff-live";

/// The SHA-256 of a cookie: what the host remembers opens no session.
type Id = [u8; 32];

/// A signed-in person, for pages.
#[derive(Clone)]
pub(super) struct Signed {
    /// Whom a change is attributed to.
    pub(super) caller: Caller,
    /// The value that every form of this session carries.
    pub(super) csrf: String,
}

impl Signed {
    /// Whether a form is one of this session.
    pub(super) fn owns(&self, csrf: &str) -> bool {
        bool::from(self.csrf.as_bytes().ct_eq(csrf.as_bytes()))
    }
}

/// Why nobody was signed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignInProblem {
    /// The token is not the control token.
    Wrong,
    /// Too many wrong tokens came from this address.
    Wait {
        /// Until the next attempt.
        ms: u64,
    },
    /// The system gave no random numbers.
    NoEntropy,
}

struct Session {
    caller: Caller,
    created: Timestamp,
    seen: Timestamp,
}

struct Attempts {
    failed: u32,
    last: Timestamp,
}

/// The open sessions. A restart of the host ends all of them.
pub(super) struct Sessions {
    is_secure: bool,
    open: Mutex<HashMap<Id, Session>>,
    attempts: Mutex<HashMap<IpAddr, Attempts>>,
}

impl Sessions {
    /// `is_secure`: browsers reach the console over TLS.
    pub(super) fn new(is_secure: bool) -> Self {
        Self { is_secure, open: Mutex::default(), attempts: Mutex::default() }
    }

    /// Checks a token and opens a session under a new id; the session that the browser had before is over. Returns the
    /// cookie to set.
    pub(super) async fn sign_in(
        &self,
        process: &Process,
        address: IpAddr,
        token: &str,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, SignInProblem> {
        let now = process.clock().now();
        // Counted first: attempts at the same time do not share a free one.
        self.attempt(address, now)?;
        if !process.is_control_token(Some(token)).await {
            tracing::warn!(%address, "a wrong control token was used to sign in to the console");
            return Err(SignInProblem::Wrong);
        }
        self.attempts.lock().remove(&address);
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| SignInProblem::NoEntropy)?;
        let value = hex::encode(random);
        let name = process.config().control.token_secret.as_deref().unwrap_or_default();
        let mut open = self.open.lock();
        if let Some(before) = self.cookie(headers) {
            open.remove(&id(before));
        }
        open.retain(|_, session| session.is_open(now));
        if open.len() >= SESSIONS_MAX {
            let idle = open.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id);
            idle.map(|id| open.remove(&id));
        }
        open.insert(id(&value), Session { caller: Caller::token(name), created: now, seen: now });
        self.set_cookie(&value, "").ok_or(SignInProblem::NoEntropy)
    }

    /// Who sent a request. The session is in use then, unless a page's script asked by itself.
    pub(super) fn find(&self, headers: &HeaderMap, now: Timestamp) -> Option<Signed> {
        let value = self.cookie(headers)?;
        let mut open = self.open.lock();
        let id = id(value);
        let session = open.get_mut(&id)?;
        if !session.is_open(now) {
            open.remove(&id);
            return None;
        }
        if !headers.contains_key(BY_ITSELF) {
            session.seen = session.seen.max(now);
        }
        Some(Signed { caller: session.caller.clone(), csrf: csrf(value) })
    }

    /// Ends the session of a request. Returns the cookie that removes the browser's.
    pub(super) fn sign_out(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(value) = self.cookie(headers) {
            self.open.lock().remove(&id(value));
        }
        self.set_cookie("", "; Max-Age=0")
    }

    fn attempt(&self, address: IpAddr, now: Timestamp) -> Result<(), SignInProblem> {
        let mut attempts = self.attempts.lock();
        if attempts.len() >= ADDRESSES_MAX && !attempts.contains_key(&address) {
            attempts.retain(|_, one| now.since_ms(one.last) < FORGIVEN_MS);
            if attempts.len() >= ADDRESSES_MAX {
                let oldest = attempts.iter().min_by_key(|(_, one)| one.last).map(|(address, _)| *address);
                oldest.map(|address| attempts.remove(&address));
            }
        }
        let one = attempts.entry(address).or_insert(Attempts { failed: 0, last: now });
        if now.since_ms(one.last) >= FORGIVEN_MS {
            one.failed = 0;
        }
        if let Some(over) = one.failed.checked_sub(FREE_ATTEMPTS) {
            let wait = 1_000_u64.checked_shl(over).unwrap_or(u64::MAX).min(WAIT_MS_MAX);
            let left = wait.saturating_sub(now.since_ms(one.last));
            if left > 0 {
                return Err(SignInProblem::Wait { ms: left });
            }
        }
        one.failed = one.failed.saturating_add(1);
        one.last = now;
        Ok(())
    }

    /// With the prefix, a browser takes the cookie only from this host over TLS, so that no other host can set it.
    fn name(&self) -> &'static str {
        if self.is_secure { "__Host-handoff-session" } else { "handoff-session" }
    }

    fn set_cookie(&self, value: &str, more: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", self.name());
        HeaderValue::from_str(&text).ok()
    }

    /// The value of the session's cookie. None if there are several: another host of the domain may have set one.
    fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name()).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }
}

impl Session {
    fn is_open(&self, now: Timestamp) -> bool {
        now.since_ms(self.seen) < IDLE_MS && now.since_ms(self.created) < ABSOLUTE_MS
    }
}

fn id(value: &str) -> Id {
    Sha256::digest(value).into()
}

/// One-way, so that a page that leaks it does not leak the cookie.
fn csrf(value: &str) -> String {
    hex::encode(Sha256::digest(format!("form of {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    /// Whether a session of time 0 is still open after requests at these minutes.
    fn is_open_after(minutes: impl IntoIterator<Item = u64>, by_itself: bool) -> bool {
        let sessions = Sessions::new(false);
        let at = Timestamp(0);
        let session = Session { caller: Caller::token("door"), created: at, seen: at };
        sessions.open.lock().insert(id("x"), session);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("other=1; handoff-session=x"));
        if by_itself {
            headers.insert(BY_ITSELF, HeaderValue::from_static("1"));
        }
        minutes.into_iter().all(|minute| sessions.find(&headers, Timestamp(minute * MINUTE)).is_some())
    }

    #[test]
    fn a_session_ends_without_use_and_after_half_a_day() {
        assert!(is_open_after([29, 58], false), "use extends it");
        assert!(!is_open_after([30], false));
        assert!(is_open_after((0..720).step_by(20), false) && !is_open_after((0..=720).step_by(20), false));
        assert!(!is_open_after([10, 20, 30], true), "an open page is no use");
    }

    #[test]
    fn waits_double_and_are_forgiven() {
        let sessions = Sessions::new(false);
        let address = IpAddr::from([192, 0, 2, 1]);
        let try_at = |ms| sessions.attempt(address, Timestamp(ms));
        for _ in 0..FREE_ATTEMPTS {
            assert_eq!(try_at(0), Ok(()));
        }
        assert_eq!(try_at(0), Err(SignInProblem::Wait { ms: 1_000 }));
        assert_eq!((try_at(1_000), try_at(1_500)), (Ok(()), Err(SignInProblem::Wait { ms: 1_500 })));
        assert_eq!(sessions.attempt(IpAddr::from([192, 0, 2, 2]), Timestamp(0)), Ok(()), "others do not wait");
        assert_eq!(try_at(FORGIVEN_MS + 1_000), Ok(()));
        let most = (0..u32::try_from(ADDRESSES_MAX).unwrap_or(0) + 10).map(|n| IpAddr::from((n + 1_000).to_be_bytes()));
        most.for_each(|address| drop(sessions.attempt(address, Timestamp(0))));
        assert!(sessions.attempts.lock().len() <= ADDRESSES_MAX, "addresses take no more memory");
    }
}
