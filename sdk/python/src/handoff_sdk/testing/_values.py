"""How a case writes bytes: as JSON, or as an object with one field: `$text`, `$hex` or `$file`. And times."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from .. import _json
from .._event import from_millis, millis


def _marked(value: Any) -> tuple[str, Any] | None:
    """The word and the content of an object with one field that begins with `$`."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((word, content),) = value.items()
    return (word, content) if word.startswith("$") else None


def is_marked(value: Any) -> bool:
    """Whether a value is written with `$text`, `$hex` or `$file`."""
    return _marked(value) is not None


def read_bytes(value: Any, field: str, folder: Path) -> bytes:
    """The bytes of a value, for the field that a message names."""
    marked = _marked(value)
    if marked is None:
        return _json.dump(value)
    word, text = marked
    if not isinstance(text, str):
        raise ValueError(f"{field}: `{word}` is followed by a text")
    if word == "$text":
        return text.encode()
    if word == "$hex":
        return from_hex(text, f"{field}: `$hex` is followed by pairs of hexadecimal digits")
    if word == "$file":
        path = PurePosixPath(text)
        if path.is_absolute() or not text or ".." in path.parts:
            raise ValueError(f"{field}: `$file` is followed by the name of a file in the case's folder")
        return (folder / path).read_bytes()
    raise ValueError(f"{field}: `{word}` is not one of `$text`, `$hex`, `$file`")


def from_hex(text: str, problem: str) -> bytes:
    """Bytes of hexadecimal digits."""
    try:
        # `fromhex` alone skips blanks.
        return bytes.fromhex(text if text.isalnum() or not text else "?")
    except ValueError:
        raise ValueError(problem) from None


def shown_bytes(data: bytes) -> Any:
    """Bytes as a case writes them."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"$hex": data.hex()}
    try:
        value = _json.load(text, Any)
    except _json.Invalid:
        return {"$text": text}
    return {"$text": text} if value is None or is_marked(value) else value


def canonical(value: Any) -> str:
    """JSON in its one form, whatever the order of its fields."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def read_time(text: str, field: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time."""
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
        return millis(time)
    except (ValueError, AttributeError):
        expected = "an RFC 3339 date and time, such as 2026-03-30T15:00:00Z"
        raise ValueError(f"{field}: expected {expected}") from None


def shown_time(time: int) -> str:
    """A time as a case writes it."""
    return _json.rfc3339(from_millis(time))


def offset_at(time_zone: str, time: int) -> int:
    """The offset of a zone from UTC at a time, in seconds east."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"timeZone: `{time_zone}` is not an IANA time zone") from None
    offset = datetime.fromtimestamp(time / 1000, timezone.utc).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
