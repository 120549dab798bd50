"""JSON from and to values and dataclasses. Messages name the field and what was expected, never the value."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from datetime import datetime, timezone
from typing import Any, Union


class Invalid(Exception):
    """What is wrong with a document: the field's path, and what was expected."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f", field `{path}`: {expected}" if path else f": {expected}")


def load(data: bytes | str, kind: Any, *, strict: bool = False) -> Any:
    """Parses JSON as a type. `strict` refuses unknown fields, and takes `-` in a name for `_`."""
    try:
        # Not left to the parser, which would accept UTF-16.
        text = data if isinstance(data, str) else data.decode()
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        # The parser's own message has a position; that of a decoder quotes bytes.
        where = f", line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid("", f"not JSON{where}") from None
    return value if kind is Any else build(value, kind, "", strict)


def dump(value: object) -> bytes:
    """Writes JSON without spaces, in UTF-8. Dataclasses become objects with the names of their fields."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    return text.encode()


def _no_constant(_: str) -> object:
    raise ValueError("NaN and infinities are not JSON")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
        # A field that is marked so is absent if it has no value.
        given = [(field, item) for field, item in fields if not field.metadata.get("optional") or item not in (None, [])]
        return {field.metadata.get("name", field.name): item for field, item in given}
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def rfc3339(time: datetime) -> str:
    """A time as the host writes it: in UTC, with milliseconds only if there are any."""
    utc = time.astimezone(timezone.utc)
    fraction = f".{utc.microsecond // 1000:03}" if utc.microsecond >= 1000 else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"


_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false", type(None): "null"}


def build(value: Any, kind: Any, path: str, strict: bool) -> Any:
    """A value of JSON as a type."""
    if kind is Any or kind is object:
        return value
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(value, typing.get_args(kind), path, strict)
    if kind is float and type(value) is int:
        return float(value)
    if kind in _NAMES:
        # Not `isinstance`: `True` is an `int` there.
        if type(value) is not kind:
            raise Invalid(path, f"expected {_NAMES[kind]}")
        return value
    # In a component, a connector's `datetime` is a subclass.
    if isinstance(kind, type) and issubclass(kind, datetime):
        return _time(value, path)
    if dataclasses.is_dataclass(kind):
        return _object(value, kind, path, strict)
    if kind in (list, dict):
        if type(value) is not kind:
            raise Invalid(path, "expected a list" if kind is list else "expected an object")
        return value
    if origin is list:
        if not isinstance(value, list):
            raise Invalid(path, "expected a list")
        (inner,) = typing.get_args(kind)
        return [build(item, inner, f"{path}[{index}]", strict) for index, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise Invalid(path, "expected an object")
        inner = typing.get_args(kind)[1]
        # Names of a map are data: the message counts them instead.
        return {name: build(item, inner, f"{path}[#{at}]", strict) for at, (name, item) in enumerate(value.items())}
    raise TypeError(f"the type {kind!r} has no JSON form: use dataclasses, str, int, float, bool, datetime, list, dict or Any")


def _one_of(value: Any, kinds: tuple[Any, ...], path: str, strict: bool) -> Any:
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    problem = Invalid(path, "expected another type")
    for kind in kinds:
        try:
            return build(value, kind, path, strict)
        except Invalid as error:
            problem = error
    raise problem


def _time(value: Any, path: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        time = datetime.min
    if time.tzinfo is None:
        raise Invalid(path, "expected an RFC 3339 date and time with an offset, such as 2026-03-30T15:30:20-08:00")
    return time


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _object(value: Any, kind: Any, path: str, strict: bool) -> Any:
    if not isinstance(value, dict):
        raise Invalid(path, "expected an object")
    if strict:
        value = {name.replace("-", "_"): item for name, item in value.items()}
    hints = _hints(kind)
    found: dict[str, Any] = {}
    prefix = f"{path}." if path else ""
    known = set()
    for field in dataclasses.fields(kind):
        name = field.metadata.get("name", field.name)
        known.add(name)
        if name in value:
            found[field.name] = build(value[name], hints[field.name], f"{prefix}{name}", strict)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Invalid(f"{prefix}{name}", "it is missing")
    if strict:
        for name in value:
            if name not in known:
                raise Invalid(f"{prefix}{name}", f"unknown; expected one of {', '.join(sorted(known)) or 'none'}")
    return kind(**found)
