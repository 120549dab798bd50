"""What a delivery did: for assertions, and in the form of `expected.json`."""

from __future__ import annotations

from typing import Any

from .._event import NewEvent, millis
from .._failure import Failure
from .._http import OutboxRequest, Request
from ._host import Run
from ._values import shown_bytes, shown_time


class Delivered:
    """The result of a delivery. After a failure everything but `failure`, `logs` and `look_ups` is empty.

    Events and requests have the form of `expected.json`: `{"type": …, "data": …}`.
    """

    def __init__(self, failure: Failure | None, run: Run, time: int) -> None:
        self.failure = failure
        """The failure; none after a commit."""
        self.logs = run.logs
        """Level, message and fields."""
        self.look_ups = [_shown_request(request) for request in run.look_ups]
        self.missing_answers = run.missing_answers
        """Look-ups that nothing answered."""
        kept = run if failure is None else Run()
        self.metrics = kept.metrics
        """Kind, name, value and labels."""
        self.emitted = [_shown_event(event, time) for event in kept.emitted]
        self.state = {key: None if data is None else shown_bytes(data) for key, data in kept.writes.items()}
        """New values by key; none for a key that is deleted."""
        self.timers_set = {
            key: {"at": shown_time(timer.at), "event": _shown_event(timer.event, time)}
            for key, timer in kept.timers_set.items()
        }
        self.timers_cancelled = sorted(kept.timers_cancelled)
        self.requests = [_shown_send(request) for request in kept.requests]
        """Outbox requests, except those whose key was used before."""

    def expect_commit(self) -> Delivered:
        """Fails the test unless the delivery committed."""
        __tracebackhide__ = True
        if self.failure is not None:
            raise AssertionError(f"expected a commit; the delivery failed: {told(self.failure)}\n{self.log()}")
        return self

    def expect_failure(self) -> Failure:
        """The failure; fails the test if the delivery committed."""
        __tracebackhide__ = True
        if self.failure is None:
            raise AssertionError("expected a failure; the delivery committed")
        return self.failure

    def counted(self, name: str) -> float:
        """The total added to a counter, over all labels."""
        return sum(value for kind, known, value, _ in self.metrics if kind == "counter" and known == name)

    def log(self) -> str:
        """The log as lines."""
        lines = []
        for level, message, fields in self.logs:
            lines.append(f"{level}: {message}" + "".join(f" {name}={value}" for name, value in fields.items()))
        return "\n".join(lines)

    def to_expected(self) -> dict[str, Any]:
        """An entry of `deliveries` in `expected.json`."""
        if self.failure is not None:
            return {"failure": shown_failure(self.failure)}
        commit = {
            "emitted": self.emitted,
            "state": self.state,
            "timersSet": self.timers_set,
            "timersCancelled": self.timers_cancelled,
            "requests": self.requests,
        }
        return {"commit": {name: value for name, value in commit.items() if value}}


def told(failure: Failure) -> str:
    """A failure in a message."""
    if failure.kind == "misconfigured":
        return f"misconfigured: {failure.message}"
    return f"{failure.kind} {failure.code}: {failure.message}"


def shown_failure(failure: Failure) -> dict[str, Any]:
    """A failure as `expected.json` has it."""
    fields = {"kind": failure.kind, "code": failure.code, "message": failure.message, "afterMs": failure.after_ms}
    return _present(fields)


def _shown_event(event: NewEvent, time: int) -> dict[str, Any]:
    data, content_type = event.payload()
    at = None if event.time is None else millis(event.time)
    fields = {
        "type": event.type,
        "subject": event.subject,
        # The host uses the delivery's time if the connector gives none.
        "time": None if at is None or at == time else shown_time(at),
        "datacontenttype": content_type,
        "dataschema": event.data_schema,
        "partitionkey": event.partition_key,
        "extensions": event.extensions or None,
    }
    shown = _present(fields)
    if data:
        shown["data"] = shown_bytes(data)
    return shown


def _shown_send(request: OutboxRequest) -> dict[str, Any]:
    fields = {
        "key": request.key,
        "request": _shown_request(request.request),
        "answer": request.answer or None,
        "partitionKey": request.partition_key,
    }
    return _present(fields)


def _shown_request(request: Request) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for name, value in request.headers:
        known = headers.get(name.lower())
        if known is None:
            headers[name.lower()] = value
        else:
            headers[name.lower()] = [*(known if isinstance(known, list) else [known]), value]
    fields = {"method": request.method, "url": request.url, "headers": headers or None, "auth": request.profile}
    shown = _present({**fields, "timeoutMs": request.timeout})
    if request.content is not None:
        shown["body"] = shown_bytes(request.content)
    return shown


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
