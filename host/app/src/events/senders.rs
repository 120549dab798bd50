//! Which rooftop a sender's events belong to: by the sender's token and the path, never by anything in an event.

use std::collections::BTreeSet;

use handoff_model::names::RooftopName;

use crate::error::AppError;
use crate::process::Process;

/// Where a sender may post events.
enum Access {
    /// To every rooftop, by the host's token, or because the host has none and is reached from this machine only.
    Every,
    /// To the rooftops of its token.
    Own(BTreeSet<RooftopName>),
    /// To the rooftops without a token, because it presents no valid one and the host has none.
    Open(BTreeSet<RooftopName>),
}

impl Process {
    /// The rooftop of a sender's events. `named` is the rooftop in the path; without one, it is that of the sender's
    /// token, or the only one. None if that leaves several. A sender learns nothing of rooftops that its token is not
    /// for: those that exist and those that do not are refused alike.
    pub async fn rooftop_of_sender(
        &self,
        token: Option<&str>,
        named: Option<&str>,
    ) -> Result<Option<RooftopName>, AppError> {
        let rooftops = || self.config.rooftops.keys();
        let named_of = |names: &BTreeSet<RooftopName>| {
            named.and_then(|named| names.iter().find(|name| name.as_str() == named).cloned())
        };
        match (self.access(token).await?, named) {
            (Access::Every, None) => Ok(self.config.only_rooftop().cloned()),
            (Access::Every, Some(_)) => named_of(&rooftops().cloned().collect()).map(Some).ok_or_else(no_rooftop),
            (Access::Own(own), None) => Ok(own.first().cloned().filter(|_| own.len() == 1)),
            (Access::Own(own), Some(_)) => named_of(&own).map(Some).ok_or_else(|| {
                let message = "the token is not for the rooftop at this path; nothing was taken".to_owned();
                AppError::Refused { code: "other-rooftop", message }
            }),
            (Access::Open(open), None) => match self.config.only_rooftop() {
                Some(only) if !open.contains(only) => Err(unproven(token)),
                only => Ok(only.cloned()),
            },
            (Access::Open(open), Some(_)) if open.len() == self.config.rooftops.len() => {
                named_of(&open).map(Some).ok_or_else(no_rooftop)
            }
            // The same for a rooftop with a token and for one that does not exist.
            (Access::Open(open), Some(_)) => named_of(&open).map(Some).ok_or_else(|| unproven(token)),
        }
    }

    async fn access(&self, token: Option<&str>) -> Result<Access, AppError> {
        let of_host = self.config.ingress.events_token_secret.as_deref();
        if let Some(name) = of_host
            && self.is_secret(name, token).await
        {
            return Ok(Access::Every);
        }
        let (mut own, mut open) = (BTreeSet::new(), BTreeSet::new());
        for (name, rooftop) in &self.config.rooftops {
            match &rooftop.events_token_secret {
                Some(secret) if self.is_secret(secret, token).await => drop(own.insert(name.clone())),
                Some(_) => {}
                None => drop(open.insert(name.clone())),
            }
        }
        match (own.is_empty(), of_host) {
            (false, _) => Ok(Access::Own(own)),
            (true, Some(_)) => Err(unproven(token)),
            (true, None) => Ok(Access::Open(open)),
        }
    }
}

fn no_rooftop() -> AppError {
    AppError::NotFound { what: "rooftop at this path".to_owned() }
}

fn unproven(token: Option<&str>) -> AppError {
    let message = if token.is_some() { "the token is wrong" } else { "expected `authorization: Bearer TOKEN`" };
    AppError::Unauthorized { message: message.to_owned() }
}
