"""The places where what a case expects and what the connector did differ, as JSON. It knows no meaning of a field but that of
an absent failure message."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

from ._values import canonical

_DIFFERENCES_MAX = 50
"""Most differences that are listed. The rest follows once these are fixed."""


class _Nothing:
    def __repr__(self) -> str:
        return "(nothing)"


NOTHING = _Nothing()
"""In place of a value that is not there."""


@dataclass
class Difference:
    """One place where the two differ."""

    path: str
    """The place, such as `deliveries[0].commit.emitted[0].data.score`."""
    expected: Any
    actual: Any

    def lines(self) -> list[str]:
        """The difference for people."""
        return [self.path, f"  expected {_shown(self.expected)}", f"  actual   {_shown(self.actual)}"]


def _shown(value: Any) -> str:
    return repr(value) if value is NOTHING else json.dumps(value, ensure_ascii=False)


def differences(expected: dict[str, Any], actual: dict[str, Any]) -> list[Difference]:
    """All differences, at most 50."""
    wanted = {name: value for name, value in expected.items() if name != "$schema"}
    did = copy.deepcopy(actual)
    for before, after in zip(_outcomes(wanted), _outcomes(did)):
        if "failure" in before and "failure" in after and "message" not in before["failure"]:
            after["failure"].pop("message", None)
    found: list[Difference] = []
    _between("", wanted, did, found)
    return found[:_DIFFERENCES_MAX]


def _outcomes(file: dict[str, Any]) -> list[dict[str, Any]]:
    return [file.get("validation", {}), *file.get("deliveries", [])]


def _between(path: str, expected: Any, actual: Any, found: list[Difference]) -> None:
    if len(found) > _DIFFERENCES_MAX:
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in [*expected, *(name for name in actual if name not in expected)]:
            _between(_field(path, name), expected.get(name, NOTHING), actual.get(name, NOTHING), found)
    elif isinstance(expected, list) and isinstance(actual, list):
        for at in range(max(len(expected), len(actual))):
            before, after = (items[at] if at < len(items) else NOTHING for items in (expected, actual))
            _between(f"{path}[{at}]", before, after, found)
    elif expected is NOTHING or actual is NOTHING or canonical(expected) != canonical(actual):
        found.append(Difference(path, expected, actual))


def _field(path: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_$-]+", name):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name
