"""What a connector can know and do during one call: a thin wrapper of the host's functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, overload

from . import _json
from ._event import Event, NewEvent, from_millis, json_bytes, millis
from ._failure import Reject, StateError
from ._http import OutboxRequest, Request, Response

C = TypeVar("C")
T = TypeVar("T")

_DAY = timedelta(days=1)
Label = str | int | float | bool
"""A value of a log field or of a metric's label."""


@dataclass(frozen=True)
class Delivery:
    """Information about the current call."""

    installation: str
    """Name of the installation, unique on the host."""
    generation: int
    """Number of the running generation (version, config and grants)."""
    attempt: int
    """1 for the first attempt; 0 in `validate` and `migrate`."""
    time: datetime
    """The delivery's clock. It does not advance during a call, and it is the only clock."""
    rooftop: str
    """Name of the rooftop: a dealership location."""
    time_zone: str
    """The rooftop's IANA time zone, for example `America/Chicago`."""
    utc_offset_seconds: int
    """The rooftop's offset from UTC at `time`, in seconds east."""
    dry_run: bool
    """True when effects will be shown, not applied (shadow run and replay)."""


class Host(Protocol):
    """The host's functions, as the context needs them: the component's imports, or a fake in a test."""

    def delivery(self) -> Delivery: ...
    def offset_at(self, time: int) -> int: ...
    def random(self, count: int) -> bytes: ...
    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes) -> None: ...
    def delete(self, key: str) -> None: ...
    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]: ...
    def emit(self, event: NewEvent) -> None: ...
    def schedule(self, key: str, at: int, event: NewEvent) -> None: ...
    def cancel(self, key: str) -> None: ...
    def send(self, request: OutboxRequest) -> None: ...
    def fetch(self, request: Request) -> Response: ...
    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None: ...
    def counter(self, name: str, add: int, labels: list[tuple[str, str]]) -> None: ...
    def gauge(self, name: str, value: float, labels: list[tuple[str, str]]) -> None: ...
    def histogram(self, name: str, value: float, labels: list[tuple[str, str]]) -> None: ...


class State:
    """The installation's own key-value store, a transaction: reads see this delivery's writes, and writes commit with
    it. Raises `StateError`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @overload
    def get(self, key: str) -> Any: ...
    @overload
    def get(self, key: str, kind: type[T]) -> T | None: ...
    def get(self, key: str, kind: Any = Any) -> Any:
        """The JSON value of a key, or none."""
        data = self._host.get(key)
        return None if data is None else _parsed(key, data, kind)

    def set(self, key: str, value: object) -> None:
        """Sets a key (1 to 256 bytes) to a JSON value of at most 64 KiB."""
        self._host.set(key, json_bytes(value, f"the value for `{key}`"))

    def get_bytes(self, key: str) -> bytes | None:
        """The bytes of a key, or none."""
        return self._host.get(key)

    def set_bytes(self, key: str, value: bytes) -> None:
        """Sets a key to bytes."""
        self._host.set(key, value)

    def delete(self, key: str) -> None:
        """Deletes a key. Deleting an absent key is no error."""
        self._host.delete(key)

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Keys that start with `prefix` and their bytes, ascending. Pages are read during iteration."""
        return self._host.scan(prefix)

    @overload
    def scan_json(self, prefix: str) -> Iterator[tuple[str, Any]]: ...
    @overload
    def scan_json(self, prefix: str, kind: type[T]) -> Iterator[tuple[str, T]]: ...
    def scan_json(self, prefix: str, kind: Any = Any) -> Iterator[tuple[str, Any]]:
        """Like `scan`, with JSON values."""
        for key, data in self._host.scan(prefix):
            yield key, _parsed(key, data, kind)


def _parsed(key: str, data: bytes, kind: Any) -> Any:
    try:
        return _json.load(data, kind)
    except _json.Invalid as problem:
        raise StateError("not-json", f"state under `{key}`{problem}") from None


class Context(Generic[C]):
    """Everything that a connector can use during one call."""

    def __init__(self, host: Host, config: C) -> None:
        self._host = host
        self.config: C = config
        """The installation's config."""
        self.delivery: Delivery = host.delivery()
        """Information about this call: installation, attempt, clock, rooftop."""
        self.state: State = State(host)
        """The installation's own key-value store."""

    def now(self) -> datetime:
        """The delivery's clock, short for `delivery.time`."""
        return self.delivery.time

    def offset_at(self, time: datetime) -> timedelta:
        """The rooftop's offset from UTC at a time, by the rules of its zone."""
        return timedelta(seconds=self._host.offset_at(millis(time)))

    def offset_of_local(self, local: datetime) -> timedelta:
        """The rooftop's offset from UTC at a local time (without a zone).

        A time that occurs twice is the first one. A time that does not occur has the offset from before the change.
        """
        utc = from_millis(0).tzinfo
        at = local.replace(tzinfo=utc)
        before, after = self.offset_at(at - _DAY), self.offset_at(at + _DAY)
        holds = self.offset_at(at - before) == before
        return before if holds or self.offset_at(at - after) != after else after

    def random(self, count: int) -> bytes:
        """At most 64 KiB of random bytes: different on every attempt, equal on a replay. Not for keys or tokens."""
        return self._host.random(count)

    def emit(self, event: NewEvent) -> None:
        """Emits an event to every installation that subscribes to its type. Raises `OutboxError`."""
        self._host.emit(event)

    def schedule(self, key: str, at: datetime, event: NewEvent) -> None:
        """Delivers an event to this installation at a time, at most one year ahead. A timer with the same key is
        replaced. Raises `OutboxError`."""
        self._host.schedule(key, millis(at), event)

    def cancel(self, key: str) -> None:
        """Cancels a timer. Cancelling an absent timer is no error."""
        self._host.cancel(key)

    def send(self, request: OutboxRequest) -> None:
        """Sends a request after the commit, with retries until it is answered. A second one with the same key is
        dropped, permanently. Raises `OutboxError`."""
        self._host.send(request)

    def fetch(self, request: Request) -> Response:
        """Makes a look-up now: `GET` and `HEAD`, unless the grant lists the path. Any status is a response. Raises
        `HttpError`."""
        return self._host.fetch(request)

    def debug(self, message: str, **fields: Label) -> None:
        """Logs for developers. Like all four levels: kept even if the delivery fails; never personal data or secrets."""
        self._host.log("debug", message, _pairs(fields))

    def info(self, message: str, **fields: Label) -> None:
        """Logs a normal event."""
        self._host.log("info", message, _pairs(fields))

    def warn(self, message: str, **fields: Label) -> None:
        """Logs something to look at."""
        self._host.log("warn", message, _pairs(fields))

    def error(self, message: str, **fields: Label) -> None:
        """Logs an error."""
        self._host.log("error", message, _pairs(fields))

    def counter(self, name: str, add: int = 1, **labels: Label) -> None:
        """Adds to a counter when the delivery commits. Names are kebab-case, at most 64 bytes, with at most 8 labels."""
        self._host.counter(name, add, _pairs(labels))

    def gauge(self, name: str, value: float, **labels: Label) -> None:
        """Sets a gauge when the delivery commits."""
        self._host.gauge(name, value, _pairs(labels))

    def histogram(self, name: str, value: float, **labels: Label) -> None:
        """Records one value, in the unit that the name ends with (`-seconds`, `-bytes`)."""
        self._host.histogram(name, value, _pairs(labels))

    def unexpected_type(self, event: Event) -> Reject:
        """The failure for an event whose type this connector does not handle; raise it."""
        return Reject("unexpected-type", f"this connector does not handle events of type `{event.type}`")


def _pairs(labels: dict[str, Label]) -> list[tuple[str, str]]:
    # A name of Python has no `-`; those of the contract are kebab-case.
    return [(name.replace("_", "-"), str(value)) for name, value in labels.items()]
