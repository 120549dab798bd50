"""Why a delivery did not commit, and which failure each error of the host becomes.

An uncaught failure is the result of the delivery; any other exception is a `retry`.
"""

from __future__ import annotations

from typing import ClassVar

MESSAGE_BYTES_MAX = 2048


class Failure(Exception):
    """Base of all failures: raise one of its subclasses.

    Codes are stable kebab-case words of at most 64 bytes, because metrics count by them. Messages are for people: what
    happened and what was expected, never personal data or secrets; the SDK shortens them to 2 KiB.
    """

    kind: str = "retry"

    def __init__(self, code: str, message: str, *, after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.after_ms = after_ms


class Retry(Failure):
    """Try again later: the target is down, a rate limit, a conflict outside."""


class Reject(Failure):
    """This event can never succeed: a dead letter at once."""

    kind = "reject"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class Misconfigured(Failure):
    """The installation cannot work with its config: the host pauses it, and the event waits."""

    kind = "misconfigured"

    def __init__(self, message: str) -> None:
        super().__init__("misconfigured", message)


_TEXTS = {
    "invalid-key": "invalid key",
    "value-too-large": "value too large",
    "denied": "not granted",
    "invalid": "invalid",
    "unreachable": "unreachable",
    "timeout": "no response in time",
    "response-too-large": "response too large",
    "limit-exceeded": "too much in one delivery",
}


class HostError(Failure):
    """Base of what the host's functions raise; `reason` is its word in the contract."""

    area: ClassVar[str] = "host"
    kinds: ClassVar[dict[str, str]] = {}

    def __init__(self, reason: str, detail: str, *, after_ms: int | None = None) -> None:
        message = f"{_TEXTS[reason]}: {detail}" if reason in _TEXTS else detail
        # The event holds something that the target's paths do not allow for; host and method are granted.
        is_path = reason == "denied" and detail.startswith("path:")
        code = "path-not-granted" if is_path else f"{self.area}-{reason}"
        super().__init__(code, message, after_ms=after_ms)
        self.reason = reason
        self.kind = "reject" if is_path else self.kinds.get(reason, "reject")


class StateError(HostError):
    """A key of state could not be read or written. The same event reaches the same limits again: `reject`."""

    area = "state"


class OutboxError(HostError):
    """An effect was refused. An operator can add a missing grant; anything else would fail again."""

    area = "outbox"
    kinds = {"denied": "misconfigured"}


class HttpError(HostError):
    """A look-up has no response. Problems of the target or the network are retried; problems of the request are not."""

    area = "http"
    kinds = {"denied": "misconfigured", "unreachable": "retry", "timeout": "retry", "unavailable": "retry"}


def cut(text: str, bytes_max: int) -> str:
    """Shortens to a number of bytes of UTF-8, between characters."""
    data = text.encode("utf-8", "replace")
    return data[:bytes_max].decode("utf-8", "ignore")
