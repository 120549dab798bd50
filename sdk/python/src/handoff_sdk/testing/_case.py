"""Cases as native tests: reads `cases/NAME/`, runs the connector on the case's events, and shows where it differs from what
the case expects. The format is that of `handoff test`; its JSON Schemas are in this package, in `schemas`."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from .. import _json
from .._connector import Connector
from .._event import Event, from_millis
from .._failure import HttpError
from .._http import Request, Response
from ._bench import Bench
from ._compare import Difference, differences
from ._delivered import Delivered, shown_failure, told
from ._host import Answer
from ._manifest import Manifest
from ._values import canonical, from_hex, is_marked, read_bytes, read_time, shown_bytes, shown_time


@dataclass
class CaseRun:
    """What a connector did with a case."""

    actual: dict[str, Any]
    """In the form of `expected.json`."""
    differences: list[Difference]
    logs: list[str]
    missing_answers: list[str]
    """Look-ups that the case has no answer to."""


class Case:
    """One case: its inputs, and what each delivery commits or how it fails."""

    def __init__(self, name: str, folder: Path, manifest: Manifest) -> None:
        self.name = name
        self.folder = folder
        self._manifest = manifest
        self._file = _read(folder / "case.json", "case")
        expected = folder / "expected.json"
        self._expected = self._normalized(_read(expected, "expected")) if expected.is_file() else None

    def __str__(self) -> str:
        return self.name

    def check(self, connector: type[Connector[Any]]) -> None:
        """Fails the test unless the connector does what the case expects."""
        __tracebackhide__ = True
        run = self.run(connector)
        if not run.differences:
            return
        lines = [f"the connector does not do what `cases/{self.name}/expected.json` expects:"]
        lines += [f"  {line}" for difference in run.differences for line in difference.lines()]
        lines += [f"  the case has no answer to {what}: add one under `http`" for what in run.missing_answers]
        if run.logs:
            lines += ["log:", *(f"  {line}" for text in run.logs for line in text.splitlines())]
        raise AssertionError("\n".join(lines))

    def run(self, connector: type[Connector[Any]]) -> CaseRun:
        """Runs the connector."""
        if self._expected is None:
            advice = "`handoff test --accept` writes what the connector does now"
            raise AssertionError(f"cases/{self.name} has no expected.json: {advice}")
        bench = self._bench(connector)
        actual: dict[str, Any] = {}
        delivered = self._migrate(bench)
        events = self._file.get("events", [])
        if not events:
            failure = bench.validate().failure
            actual["validation"] = {"passed": failure is None}
            if failure is not None:
                actual["validation"]["failure"] = shown_failure(failure)
        for index, event in enumerate(events):
            one = self._deliver(bench, event, f"events[{index}]", index)
            delivered.append(one)
            actual.setdefault("deliveries", []).append(one.to_expected())
        logs = [one.log() for one in delivered if one.logs]
        missing = [what for one in delivered for what in one.missing_answers]
        return CaseRun(actual, differences(self._expected, actual), logs, missing)

    def _bench(self, connector: type[Connector[Any]]) -> Bench:
        file, schema = self._file, self._manifest.state_schema
        found = file.get("stateSchema")
        if found is None and file.get("state"):
            raise _fault(f"stateSchema: missing; expected the schema of `state`, such as {schema}")
        if found is not None and found > schema:
            raise _fault(f"stateSchema: found {found}; this version has schema {schema}, and state is never migrated back")
        names = {"installation": "installation", "generation": "generation", "rooftop": "rooftop", "timeZone": "time_zone"}
        options = {option: file[name] for name, option in names.items() if name in file}
        options["state"] = {key: self._bytes(value, f"state.{key}") for key, value in file.get("state", {}).items()}
        options["seed"] = from_hex(file.get("seed", "0" * 64), "seed: expected 64 hexadecimal digits")
        if "time" in file:
            options["time"] = from_millis(_time(file["time"], "time"))
        grants, used = file.get("grants"), file.get("usedKeys")
        try:
            bench = Bench(self._manifest, connector, file.get("config"), grants=grants, used_keys=used, **options)
        except ValueError as error:
            raise _fault(str(error)) from None
        for index, exchange in enumerate(file.get("http", [])):
            bench.add_answer(self._answer(exchange, f"http[{index}]"))
        return bench

    def _migrate(self, bench: Bench) -> list[Delivered]:
        """Migrates state of an older schema, as an upgrade does."""
        found, schema = self._file.get("stateSchema"), self._manifest.state_schema
        if found is None or found == schema:
            return []
        migrated = bench.migrate(found)
        if migrated.failure is not None:
            problem = f"the state cannot be migrated from schema {found} to {schema}: {told(migrated.failure)}"
            raise _fault(f"state: {problem}")
        return [migrated]

    def _deliver(self, bench: Bench, event: dict[str, Any], place: str, index: int) -> Delivered:
        attempt = self._file.get("attempt", 1)
        at = from_millis(_time(event["at"], f"{place}.at")) if "at" in event else None
        if at is not None and at < bench.time:
            expected = f"{_json.rfc3339(bench.time)} or later, the time of the delivery before it"
            raise _fault(f"{place}.at: found {event['at']}; expected {expected}")
        if "timer" in event:
            if set(event) - {"timer", "at"}:
                advice = "remove all fields but `timer` and `at`"
                raise _fault(f"{place}: `timer` delivers the timer's own event: {advice}")
            try:
                return bench.fire_timer(event["timer"], at=at, attempt=attempt)
            except KeyError as error:
                raise _fault(f"{place}.timer: {error.args[0]}") from None
        if "type" not in event:
            raise _fault(f"{place}: expected `type`, or `timer` with the key of a timer")
        try:
            bench.check_accepted(f"{place}.type", event["type"])
        except ValueError as error:
            raise _fault(str(error)) from None
        if at is not None:
            bench.time = at
        extensions = dict(event.get("extensions", {}))
        if "partitionkey" in event:
            extensions["partitionkey"] = event["partitionkey"]
        # Data that is written as JSON is JSON, unless the case says otherwise.
        is_json = "data" in event and not is_marked(event["data"])
        made = Event(
            event.get("id", f"event-{index + 1}"),
            event.get("source", "/tests"),
            event["type"],
            event.get("subject"),
            from_millis(_time(event["time"], f"{place}.time")) if "time" in event else None,
            event.get("datacontenttype", "application/json" if is_json else None),
            event.get("dataschema"),
            extensions,
            self._bytes(event["data"], f"{place}.data") if "data" in event else b"",
        )
        return bench.deliver_event(made, attempt)

    def _answer(self, exchange: dict[str, Any], place: str) -> Answer:
        """An answer to look-ups; an absent field of the request matches anything."""
        wanted = exchange["request"]
        body: str | None = None
        if "body" in wanted:
            body = canonical(shown_bytes(self._bytes(wanted["body"], f"{place}.request.body")))

        def fits(request: Request) -> bool:
            for name, value in wanted.get("headers", {}).items():
                found = [one for known, one in request.headers if known.lower() == name.lower()]
                if found != (value if isinstance(value, list) else [value]):
                    return False
            return (
                (request.method, request.url) == (wanted["method"], wanted["url"])
                and wanted.get("auth", request.profile) == request.profile
                and wanted.get("timeoutMs", request.timeout) == request.timeout
                and (body is None or body == canonical(shown_bytes(request.content or b"")))
            )

        if "error" in exchange:
            error = exchange["error"]
            ms = error.get("ms", 1000)
            if error["kind"] == "unavailable":
                text = f"the target accepts no requests for {ms} ms"
                return Answer(fits, error=HttpError("unavailable", text, after_ms=ms))
            return Answer(fits, error=HttpError(error["kind"], error.get("message", "")))
        response = exchange["response"]
        fields = response.get("headers", {}).items()
        headers = [(name.lower(), one) for name, value in fields for one in (value if isinstance(value, list) else [value])]
        data = self._bytes(response["body"], f"{place}.response.body") if "body" in response else b""
        return Answer(fits, response=Response(response["status"], tuple(headers), data))

    def _normalized(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Writes every text of bytes in its one form, so that forms are never compared."""
        for index, outcome in enumerate(expected.get("deliveries", [])):
            commit, place = outcome.get("commit", {}), f"deliveries[{index}].commit"
            timers = commit.get("timersSet", {}).values()
            holders = [(event, "data") for event in [*commit.get("emitted", []), *(timer["event"] for timer in timers)]]
            holders += [(send["request"], "body") for send in commit.get("requests", [])]
            holders += [(commit["state"], key) for key, value in commit.get("state", {}).items() if value is not None]
            for holder, field in holders:
                if field in holder:
                    data = self._bytes(holder[field], f"{place}.{field}", "expected.json")
                    holder[field] = shown_bytes(data)
            # As the host writes them.
            events = [*commit.get("emitted", []), *(timer["event"] for timer in timers)]
            for times, field in [*((timer, "at") for timer in timers), *((event, "time") for event in events)]:
                if field in times:
                    times[field] = shown_time(read_time(times[field], f"expected.json: {place}.{field}"))
        return expected

    def _bytes(self, value: Any, field: str, file: str = "case.json") -> bytes:
        return read_bytes(value, f"{file}: {field}", self.folder)


def _fault(text: str) -> ValueError:
    return ValueError(f"case.json: {text}")


def _time(text: str, field: str) -> int:
    return read_time(text, f"case.json: {field}")


@functools.cache
def _schema(name: str) -> Draft202012Validator:
    path = Path(__file__).parents[1] / "schemas" / f"{name}-1.schema.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _read(path: Path, name: str) -> dict[str, Any]:
    """Reads one of the files, checked by its JSON Schema: a misspelt field would test nothing."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    problem = next(iter(_schema(name).iter_errors(value)), None)
    if problem is not None:
        place = ".".join(str(part) for part in problem.absolute_path)
        told = problem.message
        if problem.validator == "additionalProperties":
            unknown = next(field for field in problem.instance if field not in problem.schema.get("properties", {}))
            told = f"unknown field `{unknown}`: remove it or correct its spelling"
        raise ValueError(f"{path}: {place}: {told}" if place else f"{path}: {told}")
    assert isinstance(value, dict)
    return value
