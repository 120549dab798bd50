"""The host's functions over maps in memory, with the contract's limits and the host's words. It commits nothing: the bench
does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._context import Delivery
from .._event import NewEvent, millis
from .._failure import HttpError, OutboxError, StateError
from .._http import OutboxRequest, Request, Response
from . import _request
from ._grants import Grants
from ._random import Random
from ._values import offset_at, shown_time

KEY_BYTES_MAX, VALUE_BYTES_MAX, WRITES_MAX, WRITE_BYTES_MAX = 256, 64 << 10, 1000, 1 << 20
READS_MAX, READ_BYTES_MAX, LOOK_UPS_MAX = 10_000, 16 << 20, 50
EMITS_MAX, EVENT_BYTES_MAX, TIMERS_MAX, REQUESTS_MAX, EFFECT_BYTES_MAX = 1000, 1 << 20, 100, 100, 4 << 20
AHEAD_MS_MAX, LOGS_MAX, LOG_BYTES_MAX, RANDOM_BYTES_MAX, LABELS_MAX = 366 * 86_400_000, 1000, 8 << 10, 64 << 10, 8
NAME_BYTES_MAX = 64
_HOST_TYPES = (
    "com.handoff.hook.received.v1",
    "com.handoff.file.dropped.v1",
    "com.handoff.schedule.ticked.v1",
    "com.handoff.outbox.answered.v1",
)
_OWN_ATTRIBUTES = "specversion id source type subject time datacontenttype dataschema data".split()
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NO_EFFECTS = {
    "validate": "`validate` may make look-ups but has no effects: emit and send from `handle`",
    "migrate": "`migrate` rewrites state and has no other effects: emit and send from `handle`",
}


def is_kebab(text: str) -> bool:
    """Whether a name or code is what metrics accept."""
    return _KEBAB.fullmatch(text) is not None and len(text) <= NAME_BYTES_MAX


@dataclass
class NewTimer:
    """A timer that a call sets."""

    at: int
    event: NewEvent


@dataclass
class Answer:
    """An answer to look-ups that fit."""

    fits: Callable[[Request], bool]
    response: Response | None = None
    error: HttpError | None = None


@dataclass
class Run:
    """Everything that one run of a call did. Two runs must be equal."""

    writes: dict[str, bytes | None] = field(default_factory=dict)
    emitted: list[NewEvent] = field(default_factory=list)
    timers_set: dict[str, NewTimer] = field(default_factory=dict)
    timers_cancelled: set[str] = field(default_factory=set)
    requests: list[OutboxRequest] = field(default_factory=list)
    look_ups: list[Request] = field(default_factory=list)
    used_answers: list[int] = field(default_factory=list)
    missing_answers: list[str] = field(default_factory=list)
    logs: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    metrics: list[tuple[str, str, float, dict[str, str]]] = field(default_factory=list)


class Installation(Protocol):
    """What persists between deliveries, as a call sees it."""

    grants: Grants
    state: dict[str, bytes]
    answers: list[Answer]
    used_answers: set[int]


class FakeHost:
    """One run of one call: `handle`, `validate` or `migrate`."""

    def __init__(self, installation: Installation, mode: str, delivery: Delivery, seed: bytes, seen: list[bytes]) -> None:
        self._installation = installation
        self._mode = mode
        self._delivery = delivery
        self._random = Random(seed)
        self._seen = seen
        self._reads = self._read_bytes = self._effect_bytes = 0
        self.run = Run()

    def delivery(self) -> Delivery:
        return self._delivery

    def offset_at(self, time: int) -> int:
        return offset_at(self._delivery.time_zone, time)

    def random(self, count: int) -> bytes:
        return self._random.bytes(min(count, RANDOM_BYTES_MAX))

    def get(self, key: str) -> bytes | None:
        self._check_state_key(key)
        if key in self.run.writes:
            return self.run.writes[key]
        value = self._installation.state.get(key)
        self._count_read(value)
        return value

    def set(self, key: str, value: bytes) -> None:
        self._write(key, bytes(value))

    def delete(self, key: str) -> None:
        self._write(key, None)

    def _write(self, key: str, value: bytes | None) -> None:
        self._check_state_key(key)
        if self._mode == "validate":
            detail = "`validate` may read state but not write it: nothing it does is committed"
            raise StateError("limit-exceeded", detail)
        size = len(value or b"")
        if size > VALUE_BYTES_MAX:
            expected = f"expected at most {VALUE_BYTES_MAX}: split it over several keys"
            raise StateError("value-too-large", f"the value of key `{key[:64]}` has {size} bytes; {expected}")
        others = [(name, old) for name, old in self.run.writes.items() if name != key]
        if len(others) >= WRITES_MAX:
            raise StateError("limit-exceeded", f"a delivery writes at most {WRITES_MAX} keys")
        total = len(key.encode()) + size + sum(len(name.encode()) + len(old or b"") for name, old in others)
        if total > WRITE_BYTES_MAX:
            most = f"a delivery writes at most {WRITE_BYTES_MAX} bytes of keys and values; this would be {total}"
            raise StateError("limit-exceeded", most)
        self.run.writes[key] = value

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        merged: dict[str, bytes | None] = {**self._installation.state, **self.run.writes}
        for key in sorted(name for name in merged if name.startswith(prefix)):
            value = self.run.writes[key] if key in self.run.writes else merged[key]
            if value is not None:
                self._count_read(value)
                yield key, value

    def _check_state_key(self, key: str) -> None:
        size = len(key.encode())
        if not 1 <= size <= KEY_BYTES_MAX:
            raise StateError("invalid-key", f"the key has {size} bytes; expected 1 to {KEY_BYTES_MAX}")

    def _count_read(self, value: bytes | None) -> None:
        if value is not None:
            self._seen.append(value)
        self._reads += 1
        self._read_bytes += len(value or b"")
        if self._reads > READS_MAX:
            raise StateError("limit-exceeded", f"a delivery reads at most {READS_MAX} keys")
        if self._read_bytes > READ_BYTES_MAX:
            raise StateError("limit-exceeded", f"a delivery reads at most {READ_BYTES_MAX} bytes")

    def emit(self, event: NewEvent) -> None:
        self._check_mode()
        granted = self._installation.grants.emits
        if event.type in _HOST_TYPES:
            raise OutboxError("denied", f"`{event.type}` may only be emitted by the host; use a type of your own")
        if event.type not in granted:
            known = ", ".join(sorted(granted)[:10]) or "none"
            advice = "List it under `emits` in connector.toml and ask the operator to grant it"
            raise OutboxError("denied", f"`{event.type[:80]}` may not be emitted; granted: {known}. {advice}")
        if len(self.run.emitted) >= EMITS_MAX:
            raise OutboxError("limit-exceeded", f"a delivery emits at most {EMITS_MAX} events")
        self._charge(self._check_event(event))
        self.run.emitted.append(event)

    def schedule(self, key: str, at: int, event: NewEvent) -> None:
        self._check_mode()
        _check_key(key)
        now = millis(self._delivery.time)
        if at - now > AHEAD_MS_MAX:
            expected = f"expected at most one year after the delivery's time {shown_time(now)}"
            advice = "schedule a nearer timer that sets the next one"
            raise OutboxError("invalid", f"`at` is {shown_time(at)}; {expected}: {advice}")
        if key not in self.run.timers_set and len(self.run.timers_set) >= TIMERS_MAX:
            raise OutboxError("limit-exceeded", f"a delivery sets at most {TIMERS_MAX} timers")
        self._charge(self._check_event(event))
        self.run.timers_cancelled.discard(key)
        self.run.timers_set[key] = NewTimer(at, event)

    def cancel(self, key: str) -> None:
        self._check_mode()
        _check_key(key)
        self.run.timers_set.pop(key, None)
        self.run.timers_cancelled.add(key)

    def send(self, request: OutboxRequest) -> None:
        self._check_mode()
        _check_key(request.key)
        try:
            _request.check(self._installation.grants, request.request, is_look_up=False)
        except _request.Refused as refused:
            problem = OutboxError(refused.reason, refused.detail)
        else:
            self._keep(request)
            return
        raise problem

    def _keep(self, request: OutboxRequest) -> None:
        if any(other.key == request.key for other in self.run.requests):
            return
        if len(self.run.requests) >= REQUESTS_MAX:
            raise OutboxError("limit-exceeded", f"a delivery sends at most {REQUESTS_MAX} requests")
        self._charge(len(request.request.content or b""))
        self.run.requests.append(request)

    def _check_mode(self) -> None:
        if self._mode in _NO_EFFECTS:
            raise OutboxError("denied", _NO_EFFECTS[self._mode])

    def _check_event(self, event: NewEvent) -> int:
        data, _ = event.payload()
        if not event.type:
            raise OutboxError("invalid", "type: has 0 bytes; expected 1 to 256")
        if len(data) > EVENT_BYTES_MAX:
            raise OutboxError("invalid", f"`data` has {len(data)} bytes; expected at most {EVENT_BYTES_MAX}")
        for name in event.extensions:
            if name == "partitionkey":
                raise OutboxError("invalid", "extension `partitionkey`: set the field `partition-key` instead")
            if name.startswith("handoff"):
                reserved = "names that start with `handoff` are reserved for the host"
                raise OutboxError("invalid", f"extension `{name}`: {reserved}")
            if not re.fullmatch(r"[a-z0-9]{1,64}", name):
                expected = "expected 1 to 64 lower-case letters and digits"
                raise OutboxError("invalid", f"{name}: is not a valid extension name: {expected}")
            if name in _OWN_ATTRIBUTES:
                raise OutboxError("invalid", f"{name}: is an attribute of CloudEvents itself, not an extension")
        return len(data)

    def _charge(self, size: int) -> None:
        self._effect_bytes += size
        if self._effect_bytes > EFFECT_BYTES_MAX:
            most = f"the events, timers and requests of a delivery may have at most {EFFECT_BYTES_MAX} bytes in total"
            raise OutboxError("limit-exceeded", f"{most}; this would be {self._effect_bytes}")

    def fetch(self, request: Request) -> Response:
        most = 0 if self._mode == "migrate" else LOOK_UPS_MAX
        if len(self.run.look_ups) >= most:
            raise HttpError("limit-exceeded", f"a delivery makes at most {most} look-ups")
        try:
            _request.check(self._installation.grants, request, is_look_up=True)
        except _request.Refused as refused:
            problem = HttpError(refused.reason, refused.detail)
        else:
            return self._answer(request)
        raise problem

    def _answer(self, request: Request) -> Response:
        """Each answer once, in order; after that the last one that fits again."""
        self.run.look_ups.append(request)
        known = self._installation
        fits = [index for index, answer in enumerate(known.answers) if answer.fits(request)]
        if not fits:
            what = f"{request.method} {request.url}"
            self.run.missing_answers.append(what)
            raise HttpError("unreachable", f"the case has no answer to {what}: add one under `http`")
        new = [index for index in fits if index not in known.used_answers and index not in self.run.used_answers]
        index = (new or fits[-1:])[0]
        self.run.used_answers.append(index)
        answer = known.answers[index]
        if answer.error is not None:
            raise HttpError(answer.error.reason, _detail(answer.error), after_ms=answer.error.after_ms)
        response = answer.response or Response(200)
        self._seen.append(response.body)
        return response

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        if len(self.run.logs) < LOGS_MAX:
            self.run.logs.append((level, message[:LOG_BYTES_MAX], dict(fields)))

    def counter(self, name: str, add: int, labels: list[tuple[str, str]]) -> None:
        self._metric("counter", name, add, labels)

    def gauge(self, name: str, value: float, labels: list[tuple[str, str]]) -> None:
        self._metric("gauge", name, value, labels)

    def histogram(self, name: str, value: float, labels: list[tuple[str, str]]) -> None:
        self._metric("histogram", name, value, labels)

    def _metric(self, kind: str, name: str, value: float, labels: list[tuple[str, str]]) -> None:
        if self._mode != "handle":
            return
        problem: str | None = None
        if not is_kebab(name):
            problem = f"expected a kebab-case name of at most {NAME_BYTES_MAX} bytes, such as `leads-received`"
        elif not math.isfinite(value):
            problem = f"its value is {value}; expected a finite number"
        elif len(labels) > LABELS_MAX:
            problem = f"it has {len(labels)} labels; expected at most {LABELS_MAX}"
        elif not all(is_kebab(label) for label, _ in labels):
            problem = "expected a kebab-case label name, such as `lead-source`"
        if problem is not None:
            self.log("warn", f"dropped metric `{name[:NAME_BYTES_MAX]}`: {problem}", [])
        else:
            self.run.metrics.append((kind, name, value, dict(labels)))


def _check_key(key: str) -> None:
    size = len(key.encode())
    if not 1 <= size <= KEY_BYTES_MAX:
        raise OutboxError("invalid", f"`key` has {size} bytes; expected 1 to {KEY_BYTES_MAX}")


def _detail(error: Any) -> str:
    """The host's own text: the class writes what it is before it."""
    text = str(error.message)
    return text.partition(": ")[2] if error.reason != "unavailable" else text
