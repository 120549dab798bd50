"""Simulates the host for one installation: keeps durable state, and commits or discards after each delivery."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, overload

from .. import _call, _json
from .._connector import Connector
from .._context import Delivery
from .._event import Event, NewEvent, from_millis, json_bytes, millis
from .._failure import Failure, HttpError
from .._http import Request, Response
from ._delivered import Delivered
from ._grants import Grants, listed, resolve
from ._host import Answer, FakeHost, Run, is_kebab
from ._manifest import Manifest
from ._native import delivery_globals
from ._random import seed_of
from ._values import offset_at, shown_bytes, shown_time

T = TypeVar("T")
START = from_millis(1_774_882_800_000)
"""2026-03-30T15:00:00Z"""
_TIMERS_FIRED_MAX = 10_000
"""A timer that keeps setting itself in the past would fire forever."""


@dataclass
class _Timer:
    at: int
    event: NewEvent
    set_at: int


@dataclass
class _Installation:
    grants: Grants
    config: str
    state: dict[str, bytes]
    used_keys: set[str]
    answers: list[Answer] = field(default_factory=list)
    used_answers: set[int] = field(default_factory=set)
    timers: dict[str, _Timer] = field(default_factory=dict)


class Bench:
    """A simulated host for one installation of a connector, at the rooftop `main-street` in `America/Chicago`."""

    def __init__(
        self,
        manifest: Manifest,
        connector: type[Connector[Any]],
        config: dict[str, Any] | None = None,
        *,
        grants: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        used_keys: list[str] | None = None,
        time: datetime = START,
        seed: bytes = bytes(32),
        installation: str = "test",
        generation: int = 1,
        rooftop: str = "main-street",
        time_zone: str = "America/Chicago",
    ) -> None:
        """`grants` are those of a settings file. The default is all event types, and all targets whose host connector.toml
        names. `state` are JSON values, or bytes, by key."""
        _call.check(connector)
        config = config or {}
        problem = manifest.problem_with(config)
        if problem is not None:
            raise ValueError(problem)
        stored = {key: value if isinstance(value, bytes) else _json.dump(value) for key, value in (state or {}).items()}
        self._manifest = manifest
        self._connector = connector
        self._seed = seed
        self._number = 0
        self._attempts: dict[tuple[str, str], int] = {}
        text = _json.dump(config).decode()
        self._installation = _Installation(resolve(manifest, grants), text, stored, set(used_keys or []))
        offset = offset_at(time_zone, millis(time))
        self._delivery = Delivery(installation, generation, 1, time, rooftop, time_zone, offset, False)

    @property
    def time(self) -> datetime:
        """The clock: the time of the next delivery."""
        return self._delivery.time

    @time.setter
    def time(self, time: datetime) -> None:
        offset = offset_at(self._delivery.time_zone, millis(time))
        self._delivery = replace(self._delivery, time=time, utc_offset_seconds=offset)

    def answer(
        self, method: str, url: str, body: object = b"", *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Answers look-ups with this method and URL. Each answer is used once, in order, and the last one again after
        that."""
        data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else _json.dump(body)
        response = Response(status, tuple((headers or {}).items()), data)
        self.add_answer(Answer(lambda request: _is(request, method, url), response=response))

    def answer_error(self, method: str, url: str, reason: str, detail: str = "") -> None:
        """Lets look-ups with this method and URL fail: `timeout`, `unreachable` and so on."""
        error = HttpError(reason, detail)
        self.add_answer(Answer(lambda request: _is(request, method, url), error=error))

    def add_answer(self, answer: Answer) -> None:
        """An answer with a condition of its own."""
        self._installation.answers.append(answer)

    def deliver(self, type: str, data: object = None, *, partition_key: str | None = None, **fields: Any) -> Delivered:
        """Delivers an event; `fields` are those of `Event`. Success commits; a failure discards everything except the
        log. `bytes` are taken as they are, everything else becomes JSON."""
        self.check_accepted("type", type)
        payload = data if isinstance(data, bytes) else b"" if data is None else json_bytes(data, "the event's data")
        if data is not None and not isinstance(data, bytes):
            fields.setdefault("content_type", "application/json")
        if partition_key is not None:
            fields["extensions"] = {**fields.get("extensions", {}), "partitionkey": partition_key}
        fields.setdefault("id", f"event-{self._number + 1}")
        event = Event(source=fields.pop("source", "/tests"), type=type, data=payload, **fields)
        name = (event.source, event.id)
        self._attempts[name] = self._attempts.get(name, 0) + 1
        return self.deliver_event(event, self._attempts[name])

    def deliver_event(self, event: Event, attempt: int = 1) -> Delivered:
        """Delivers an event."""
        seed = seed_of(self._seed, self._number)
        self._number += 1
        return self._call("handle", attempt, seed, [event.data], lambda own, cx: own.handle(cx, event))

    def check_accepted(self, field: str, type: str) -> None:
        """Raises for an event that no host would deliver."""
        accepts = self._installation.grants.accepts
        if type not in accepts:
            told = f"{field}: `{type}` is not accepted, so that a host would not deliver it; accepted: {listed(accepts)}"
            raise ValueError(f"{told}. List it under `accepts` in connector.toml")

    def validate(self) -> Delivered:
        """Validates the config, as the host does before a generation becomes active."""
        return self._call("validate", 0, bytes(32), [], lambda own, cx: own.validate(cx))

    def migrate(self, from_schema: int) -> Delivered:
        """Migrates state of an older schema."""
        return self._call("migrate", 0, bytes(32), [], lambda own, cx: own.migrate(cx, from_schema))

    @property
    def timers(self) -> dict[str, dict[str, Any]]:
        """The pending timers, by key."""
        return {
            key: {"at": shown_time(timer.at), "type": timer.event.type, "data": shown_bytes(timer.event.payload()[0])}
            for key, timer in self._installation.timers.items()
        }

    def fire_timer(self, key: str, *, at: datetime | None = None, attempt: int = 1) -> Delivered:
        """Delivers the event of one timer, at its time or at the clock's if that is later."""
        timers = self._installation.timers
        if key not in timers:
            raise KeyError(f"no timer `{key}` is set; set are: {listed(timers)}")
        timer = timers.pop(key)
        self.time = at or from_millis(max(timer.at, millis(self.time)))
        new = timer.event
        data, content_type = new.payload()
        extensions = dict(new.extensions)
        if new.partition_key is not None:
            extensions["partitionkey"] = new.partition_key
        source = f"/installations/{self._delivery.installation}"
        time = new.time or from_millis(timer.set_at)
        event = Event(
            f"timer-{key}", source, new.type, new.subject, time, content_type, new.data_schema, extensions, data
        )
        return self.deliver_event(event, attempt)

    def fire_timers(self, until: datetime) -> list[Delivered]:
        """Moves the clock and delivers the timers that become due, including those set meanwhile."""
        delivered: list[Delivered] = []
        while True:
            due = sorted((timer.at, key) for key, timer in self._installation.timers.items() if timer.at <= millis(until))
            if not due:
                break
            if len(delivered) >= _TIMERS_FIRED_MAX:
                raise RuntimeError(f"timers keep setting themselves: `{due[0][1]}`")
            delivered.append(self.fire_timer(due[0][1]))
        self.time = max(self.time, until)
        return delivered

    @overload
    def state(self, key: str) -> Any: ...
    @overload
    def state(self, key: str, kind: type[T]) -> T | None: ...
    def state(self, key: str, kind: Any = Any) -> Any:
        """The committed JSON value of a key, or none."""
        data = self._installation.state.get(key)
        return None if data is None else _json.load(data, kind)

    def state_keys(self, prefix: str = "") -> list[str]:
        """The committed keys that start with a prefix, ascending."""
        return sorted(key for key in self._installation.state if key.startswith(prefix))

    def _call(self, mode: str, attempt: int, seed: bytes, inputs: list[bytes], work: _call.Work) -> Delivered:
        delivery = replace(self._delivery, attempt=attempt)

        def once() -> tuple[Failure | None, Run]:
            seen = list(inputs)
            host = FakeHost(self._installation, mode, delivery, seed, seen)
            with delivery_globals(self._manifest.folder):
                failure = _call.run(self._connector, host, self._installation.config, seen, work)
            return failure, host.run

        (failure, run), (again, repeated) = once(), once()
        if run != repeated or _shown(failure) != _shown(again):
            raise AssertionError(
                "the same call ran twice with different results. A call must depend only on its inputs: in a host each "
                "call has a fresh instance, so keep nothing in globals, but in `cx.state`"
            )
        if failure is not None and not is_kebab(failure.code):
            expected = "expected a kebab-case word of at most 64 bytes, because metrics count by it"
            raise AssertionError(f"failure code `{failure.code}`: {expected}")
        if failure is None:
            self._commit(run)
        self._installation.used_answers.update(run.used_answers)
        return Delivered(failure, run, millis(self.time))

    def _commit(self, run: Run) -> None:
        """Applies the rules of the host's committer."""
        own = self._installation
        for key, value in run.writes.items():
            if value is None:
                own.state.pop(key, None)
            else:
                own.state[key] = value
        run.timers_cancelled = {key for key in run.timers_cancelled if own.timers.pop(key, None) is not None}
        for key, timer in run.timers_set.items():
            own.timers[key] = _Timer(timer.at, timer.event, millis(self.time))
        run.requests = [request for request in run.requests if request.key not in own.used_keys]
        own.used_keys.update(request.key for request in run.requests)


def _is(request: Request, method: str, url: str) -> bool:
    return request.method == method and request.url == url


def _shown(failure: Failure | None) -> object:
    return None if failure is None else (failure.kind, failure.code, failure.message, failure.after_ms)
