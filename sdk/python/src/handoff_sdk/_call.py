"""One call of a connector: its config, the replaced clock and output, and the failure that an exception becomes. The host is
the component's imports, or the fake of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _exception, _json, _outside
from ._connector import Connector
from ._context import Context, Host
from ._failure import Failure, Misconfigured, Retry

Work = Callable[[Connector[Any], Context[Any]], object]


def run(connector: type[Connector[Any]], host: Host, config: str, seen: list[bytes], work: Work) -> Failure | None:
    """Runs `work` with a fresh connector and context; returns the failure. `seen` holds what came from outside."""
    _outside.enter(host)
    try:
        result = work(connector(), Context(host, _config(config, connector.config)))
        if result is not None:
            close = getattr(result, "close", None)
            if close is not None:
                # A coroutine would warn that nobody awaited it.
                close()
            raise TypeError("the connector returned a value, which nobody reads: return nothing, and remove `async`")
    except BaseException as error:
        return _shown_failure(error, host, seen)
    finally:
        _outside.leave()
    return None


def check(connector: type[Connector[Any]]) -> None:
    """Raises for a class that handles nothing: a misspelt method would be found by the first event only."""
    if getattr(connector, "handle", Connector.handle) is Connector.handle:
        name = getattr(connector, "__name__", str(connector))
        raise TypeError(f"the class `{name}` has no method `handle`: define `handle(self, cx, event)`")


def _config(text: str, kind: Any) -> Any:
    try:
        return _json.load(text, kind, strict=True)
    except _json.Invalid as problem:
        raise Misconfigured(f"config{problem}: correct it in the installation's config") from None


def _shown_failure(error: BaseException, host: Host, seen: list[bytes]) -> Failure:
    """An exception may hold what cannot be shown, such as one whose `__str__` raises."""
    try:
        return _exception.failure_of(error, host, seen)
    except Exception:
        return Retry("exception", "the connector raised an exception that cannot be shown")
