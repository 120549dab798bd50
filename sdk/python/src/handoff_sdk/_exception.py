"""Exceptions of a connector: what the log shows, and the failure that they become.

A message of an exception may quote what a customer wrote (`invalid literal for int() with base 10: 'Jane'`); such parts are
left out.
"""

from __future__ import annotations

import re
import sys
import types

from ._context import Host
from ._failure import Failure, Retry, cut

_CAUSES_MAX = 4
_FRAMES_MAX = 20
_LOG_BYTES_MAX = 7000
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_NAME = re.compile(r"[A-Za-z_][\w.]{0,63}")
"""A name in code: of an attribute, a variable, a type. Everything with other characters is data."""
_sources: dict[str, list[str]] = {}


def keep_sources(folders: tuple[str, ...]) -> None:
    """Keeps the lines of the modules of these folders: at run time there are no files to read them from."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path is not None and path.startswith(folders):
            with open(path, encoding="utf-8") as file:
                _sources[path] = file.read().splitlines()


def failure_of(error: BaseException, host: Host, seen: list[bytes]) -> Failure:
    """The failure of an exception; what is no `Failure` is logged, with its stack."""
    if isinstance(error, Failure):
        if error.__cause__ is not None:
            host.log("warn", cut(_report(error.__cause__, seen), _LOG_BYTES_MAX), [])
        return error
    name = type(error).__name__
    places = _places(error.__traceback__)
    place = places[-1][0] if places else "unknown"
    host.log("error", cut(_report(error, seen), _LOG_BYTES_MAX), [("exception", name), ("at", place)])
    return Retry("exception", f"the connector raised {name} at {place}; its log has the message and the stack")


def _report(error: BaseException, seen: list[bytes]) -> str:
    """Message and stack of an exception and its causes, the outermost first."""
    parts: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(parts) < _CAUSES_MAX:
        lines = [f"{type(cause).__name__}: {_without_data(str(cause), seen)}"]
        for place, source in reversed(_places(cause.__traceback__)):
            lines.append(f"    at {place}: {source}" if source else f"    at {place}")
        parts.append("\n".join(lines))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\ncaused by ".join(parts)


def _without_data(text: str, seen: list[bytes]) -> str:
    """Replaces quoted parts that are, or may be, data from outside."""

    def judge(match: re.Match[str]) -> str:
        quoted = match.group()
        inner = quoted[1:-1]
        is_code = not inner or (_NAME.fullmatch(inner) and not any(inner.encode() in data for data in seen))
        return quoted if is_code else f"{quoted[0]}…{quoted[0]}"

    return _QUOTED.sub(judge, text)


def _places(trace: types.TracebackType | None) -> list[tuple[str, str]]:
    """`file:line in function` and the line, of the connector's own code; the innermost call last."""
    found: list[tuple[str, str]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        lines = _sources.get(code.co_filename)
        if lines is not None:
            source = lines[trace.tb_lineno - 1].strip() if 0 < trace.tb_lineno <= len(lines) else ""
            found.append((f"{_shown(code.co_filename)}:{trace.tb_lineno} in {code.co_name}", source))
        trace = trace.tb_next
    return found[-_FRAMES_MAX:]


def _shown(path: str) -> str:
    """A path without the folder under which the build saw it."""
    roots = [root for root in sys.path if root and path.startswith(f"{root}/")]
    return path[len(max(roots, key=len)) + 1 :] if roots else path
