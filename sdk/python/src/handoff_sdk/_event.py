"""Incoming and outgoing events: CloudEvents 1.0 (specification 1.0.2, section 3) without the wire format, which is the
host's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Type, TypeVar, overload

from . import _json
from ._failure import Reject

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Event:
    """An event as a connector receives it."""

    id: str
    """Unique together with `source`."""
    source: str
    """URI reference of the system or installation that the event comes from."""
    type: str
    """What happened, for example `com.handoff.lead.received.v1`."""
    subject: str | None = None
    time: datetime | None = None
    content_type: str | None = None
    """Media type of `data`."""
    data_schema: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)
    """Extension attributes, names in lower case."""
    data: bytes = field(default=b"", repr=False)
    """The payload, at most 8 MiB; empty if the event has none."""

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, kind: Type[T]) -> T: ...
    def json(self, kind: Any = Any) -> Any:
        """The payload as JSON, or as a dataclass.

        Raises `Reject` with the code `invalid-data`, which names the field: the same bytes can never become valid.
        """
        try:
            return _json.load(self.data, kind)
        except _json.Invalid as problem:
            raise Reject("invalid-data", f"data of the event `{self.type}`{problem}") from None

    def text(self) -> str:
        """The payload as text. Raises `Reject` with the code `invalid-data` if it is not UTF-8."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise Reject("invalid-data", f"data of the event `{self.type}` is not UTF-8") from None

    @property
    def partition_key(self) -> str | None:
        """The key that orders deliveries: events with the same key are delivered one after another."""
        return self.extensions.get("partitionkey")


@dataclass
class NewEvent:
    """An event that a connector emits or schedules; the host adds `id`, `source` and the hop count."""

    type: str
    """What happened. `connector.toml` must list it under `emits`."""
    data: object = None
    """`bytes` are taken as they are, everything else becomes JSON. At most 1 MiB."""
    subject: str | None = None
    time: datetime | None = None
    """The default is the delivery's time."""
    content_type: str | None = None
    """The default is `application/json`, and `application/octet-stream` for bytes."""
    data_schema: str | None = None
    partition_key: str | None = None
    """Orders deliveries of the new event."""
    extensions: dict[str, str] = field(default_factory=dict)
    """Names consist of lower-case letters and digits."""

    def payload(self) -> tuple[bytes, str | None]:
        """Bytes and media type."""
        if self.data is None and self.content_type is None:
            return b"", None
        if isinstance(self.data, (bytes, bytearray)):
            return bytes(self.data), self.content_type or "application/octet-stream"
        return json_bytes(self.data, f"data of the new event `{self.type}`"), self.content_type or "application/json"


def json_bytes(value: object, what: str) -> bytes:
    """The bytes of a value as JSON."""
    try:
        return _json.dump(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Reject("not-json", f"{what} has no JSON form") from error


def millis(time: datetime) -> int:
    """Milliseconds since 1970."""
    if time.tzinfo is None:
        raise ValueError("a time needs a zone: use datetime.now(timezone.utc), or cx.now() plus a timedelta")
    return max(0, (time - _EPOCH) // timedelta(milliseconds=1))


def from_millis(number: int) -> datetime:
    """The time of a number of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=number)
