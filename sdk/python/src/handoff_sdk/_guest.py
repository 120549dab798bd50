"""The component's side of the contract: the imports behind the context, and the exports that the build makes of a
connector. It exists in components only."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import handoff_connector_context_1_0_0 as context
from wit_world.imports import handoff_connector_context_1_1_0_rc as zone
from wit_world.imports import http, log, metrics, outbox, state, types

from . import _call, _exception, _outside
from ._connector import Connector
from ._context import Delivery
from ._event import Event, NewEvent, from_millis, millis
from ._failure import MESSAGE_BYTES_MAX, Failure, HostError, HttpError, OutboxError, StateError, cut
from ._http import OutboxRequest, Request, Response

T = TypeVar("T")

_PAGE = 200
"""Keys per page. Small, because a page is read as a whole and most scans stop early."""

_LEVELS = {"debug": log.Level.DEBUG, "info": log.Level.INFO, "warn": log.Level.WARN, "error": log.Level.ERROR}
_REASONS: dict[type, str] = {
    state.Error_InvalidKey: "invalid-key",
    state.Error_ValueTooLarge: "value-too-large",
    state.Error_LimitExceeded: "limit-exceeded",
    outbox.Error_Denied: "denied",
    outbox.Error_Invalid: "invalid",
    outbox.Error_LimitExceeded: "limit-exceeded",
    http.Error_Denied: "denied",
    http.Error_Invalid: "invalid",
    http.Error_Unreachable: "unreachable",
    http.Error_Timeout: "timeout",
    http.Error_ResponseTooLarge: "response-too-large",
    http.Error_Unavailable: "unavailable",
    http.Error_LimitExceeded: "limit-exceeded",
}


def _calling(kind: type[HostError], call: Callable[[], T]) -> T:
    """Calls the host; its error becomes an exception of the class."""
    try:
        return call()
    except Err as error:
        value = error.value
        reason = _REASONS[type(value)]
        if reason != "unavailable":
            problem = kind(reason, value.value)
        else:
            problem = kind(reason, f"the target accepts no requests for {value.value} ms", after_ms=value.value)
    raise problem


class _Imports:
    """The host, through the component's imports."""

    def __init__(self, seen: list[bytes]) -> None:
        self.seen = seen
        info = context.delivery()
        self.info = Delivery(
            info.installation,
            info.generation,
            info.attempt,
            from_millis(info.time),
            info.rooftop,
            info.time_zone,
            info.utc_offset_seconds,
            info.dry_run,
        )

    def delivery(self) -> Delivery:
        return self.info

    def offset_at(self, time: int) -> int:
        return zone.offset_at(time)

    def random(self, count: int) -> bytes:
        return context.random(count)

    def get(self, key: str) -> bytes | None:
        value = _calling(StateError, lambda: state.get(key))
        if value is not None:
            self.seen.append(value)
        return value

    def set(self, key: str, value: bytes) -> None:
        _calling(StateError, lambda: state.set(key, value))

    def delete(self, key: str) -> None:
        _calling(StateError, lambda: state.delete(key))

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        after: str | None = None
        more = True
        while more:
            page = _calling(StateError, lambda: state.scan(prefix, after, _PAGE))
            for entry in page.entries:
                self.seen.append(entry.value)
                yield entry.key, entry.value
                after = entry.key
            more = page.more and bool(page.entries)

    def emit(self, event: NewEvent) -> None:
        made = _new_event(event)
        _calling(OutboxError, lambda: outbox.emit(made))

    def schedule(self, key: str, at: int, event: NewEvent) -> None:
        made = _new_event(event)
        _calling(OutboxError, lambda: outbox.schedule(made, at, key))

    def cancel(self, key: str) -> None:
        _calling(OutboxError, lambda: outbox.cancel(key))

    def send(self, request: OutboxRequest) -> None:
        made = _request(request.request)
        _calling(OutboxError, lambda: outbox.send(made, request.key, request.answer, request.partition_key))

    def fetch(self, request: Request) -> Response:
        made = _request(request)
        response = _calling(HttpError, lambda: http.fetch(made))
        self.seen.append(response.body)
        return Response(response.status, tuple(response.headers), response.body)

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        log.write(_LEVELS[level], message, fields)

    def counter(self, name: str, add: int, labels: list[tuple[str, str]]) -> None:
        metrics.counter(name, add, labels)

    def gauge(self, name: str, value: float, labels: list[tuple[str, str]]) -> None:
        metrics.gauge(name, value, labels)

    def histogram(self, name: str, value: float, labels: list[tuple[str, str]]) -> None:
        metrics.histogram(name, value, labels)


def _new_event(event: NewEvent) -> types.NewEvent:
    data, content_type = event.payload()
    return types.NewEvent(
        event.type,
        event.subject,
        None if event.time is None else millis(event.time),
        content_type,
        event.data_schema,
        event.partition_key,
        list(event.extensions.items()),
        data,
    )


def _request(request: Request) -> types.Request:
    headers = list(request.headers)
    return types.Request(request.method, request.url, headers, request.content, request.profile, request.timeout)


def _event(event: types.Event) -> Event:
    return Event(
        event.id,
        event.source,
        event.type_name,
        event.subject,
        None if event.time is None else from_millis(event.time),
        event.data_content_type,
        event.data_schema,
        dict(event.extensions),
        event.data,
    )


def _to_contract(failure: Failure) -> Err[Any]:
    message = cut(str(failure.message), MESSAGE_BYTES_MAX)
    if failure.kind == "misconfigured":
        return Err(types.Failure_Misconfigured(types.Misconfigured(message)))
    if failure.kind == "reject":
        return Err(types.Failure_Reject(types.Reject(failure.code, message)))
    return Err(types.Failure_Retry(types.Retry(failure.code, message, failure.after_ms)))


def connector_exports(connector: type[Connector[Any]]) -> tuple[type, type]:
    """The exports of a connector's component. The last step of a build."""

    _call.check(connector)

    def call(seen: list[bytes], work: _call.Work) -> None:
        failure = _call.run(connector, _Imports(seen), context.config(), seen, work)
        if failure is not None:
            raise _to_contract(failure)

    class Handler(exports.Handler):
        def handle(self, event: types.Event) -> None:
            call([event.data], lambda own, cx: own.handle(cx, _event(event)))

    class Lifecycle(exports.Lifecycle):
        def validate(self) -> None:
            call([], lambda own, cx: own.validate(cx))

        def migrate(self, from_schema: int) -> None:
            call([], lambda own, cx: own.migrate(cx, from_schema))

    return Handler, Lifecycle


def finish(folders: tuple[str, ...]) -> None:
    """Ends a build: what the component needs of the file system is read now."""
    _exception.keep_sources(folders)
    _outside.seal()
    gc.collect()
    # Collections at run time leave the snapshot alone: its pages stay shared.
    gc.freeze()


_outside.install()
