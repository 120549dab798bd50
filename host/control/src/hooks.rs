//! Hooks, where webhooks come in: `GET /v1/hooks`, `GET /v1/hooks/{name}` and `POST /v1/hooks/{name}/send`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::events::send::SendReport;
use crate::operation::{Get, Nothing, Post};
use handoff_model::names::InstallationName;
use handoff_model::scope::Scope;

/// Lists hooks.
pub const LIST: Get<Nothing, HookList> =
    Get::get("listHooks", "/v1/hooks", "List webhooks accepted and refused, by hook, since the host started");
/// Shows one hook.
pub const SHOW: Get<Nothing, HookView> =
    Get::get("showHook", "/v1/hooks/{name}", "Show the last refused webhooks of a hook, with the reasons");

/// Sends a webhook to a hook.
pub const SEND: Post<SendHookRequest, SendReport> =
    Post::post("sendHook", "/v1/hooks/{name}/send", "Send a webhook, signed as its sender would sign it");

/// A webhook to send. The host signs it with the secret of the installation, and receives it as one from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendHookRequest {
    /// The body in Base64.
    pub body: String,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The sender's id of the webhook, where the hook has one. None: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All hooks of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookList {
    /// Since when they are counted: when the host started.
    pub since: Time,
    /// Hooks, sorted by name.
    pub hooks: Vec<HookSummary>,
    /// Requests to hooks that do not exist.
    pub unknown: UnknownHooks,
}

/// A hook, and how many webhooks came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookSummary {
    /// The installation whose hook it is.
    pub name: InstallationName,
    /// Its rooftop or group.
    pub scope: Scope,
    /// The path on the ingress listener.
    pub path: String,
    /// How senders are verified, for example `body-hmac`.
    pub verify: String,
    /// Number of accepted webhooks.
    pub accepted: u64,
    /// Number of accepted webhooks that were in the log already.
    pub duplicates: u64,
    /// Number of refused webhooks.
    pub refused: u64,
    /// Refused webhooks by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonCount>,
    /// The last refused webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refused: Option<RefusedView>,
}

/// The number of webhooks refused for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// The reason in kebab case.
    pub reason: String,
    /// The number.
    pub count: u64,
}

/// Requests to hooks that do not exist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnknownHooks {
    /// Their number.
    pub refused: u64,
    /// The last ones, at most 50, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_refused: Vec<RefusedView>,
}

/// A hook with its last refused webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookView {
    /// Its summary.
    #[serde(flatten)]
    pub summary: HookSummary,
    /// Since when webhooks are counted: when the host started.
    pub since: Time,
    /// The last refused webhooks, at most 50, newest first.
    pub refusals: Vec<RefusedView>,
}

/// A refused webhook, without its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedView {
    /// When.
    pub at: Time,
    /// The address that it came from: behind a reverse proxy that is not trusted, the proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The reason in kebab case, for example `wrong-signature`.
    pub reason: String,
    /// What was found and what was expected. The sender is not told.
    pub detail: String,
    /// The size of the body, as announced or as read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// The sender's id of the webhook. Nobody has verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The path, if no hook has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
