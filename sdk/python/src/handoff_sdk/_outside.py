"""Replaces what would reach outside: clock, random numbers, output, files. All of them belong to the delivery.

A component without WASI traps where the interpreter calls it, without a word. So everything that leads there is replaced:
by the delivery's own, or by an exception that says what to use. Installed before the connector's own code is imported; a
native test installs it for each call.
"""

from __future__ import annotations

import _strptime  # type: ignore[import-not-found]  # noqa: F401  `strptime` imports it late
import builtins
import datetime as datetime_module
import encodings.ascii  # noqa: F401
import encodings.cp1252  # noqa: F401
import encodings.idna  # noqa: F401
import encodings.latin_1  # noqa: F401
import encodings.utf_8_sig  # noqa: F401
import importlib.machinery
import io
import logging
import os
import random
import sys
import time
import uuid  # noqa: F401  imported before `os.urandom` is replaced, so that it finds a working one
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn, TextIO

from ._context import Host

_host: Host | None = None
_is_seeded = False
_replaced: list[tuple[Any, str, Any]] = []
"""Module or object, name and value of everything that was replaced, in order."""
_ABSENT = object()
"""In place of the value of a function that this interpreter lacks."""


def enter(host: Host) -> None:
    """Begins a call."""
    global _host, _is_seeded
    _host = host
    _is_seeded = False


def leave() -> None:
    """Ends a call."""
    global _host
    sys.stdout.flush()
    sys.stderr.flush()
    _host = None


def _during(what: str) -> Host:
    if _host is None:
        raise RuntimeError(
            f"{what} at the top level of a module: it runs once, when the connector is built. Move it into a function"
        )
    return _host


class _Refuse:
    """A function that says what to use instead."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise OSError(self.problem)


def install() -> None:
    """Replaces clock, random numbers and output. Modules that are imported from now on get the replacements."""
    _clock()
    _random()
    _replace(sys, "stdout", _Log("info", sys.stdout))
    _replace(sys, "stderr", _Log("warn", sys.stderr))
    for name in ("logThreads", "logProcesses", "logMultiprocessing", "raiseExceptions"):
        _replace(logging, name, False)
    root = logging.getLogger()
    _replace(root, "handlers", [_Handler()])
    _replace(root, "level", logging.INFO)
    _forget_levels()
    _replace(builtins, "input", _Refuse("a connector has no input: everything that it knows comes with the event"))


def uninstall() -> None:
    """Undoes `install`."""
    while _replaced:
        place, name, old = _replaced.pop()
        if old is _ABSENT:
            delattr(place, name)
        else:
            setattr(place, name, old)
    _forget_levels()


def replaced() -> list[tuple[Any, Any]]:
    """What was replaced, and by what."""
    return [(old, getattr(place, name)) for place, name, old in _replaced]


def _replace(place: Any, name: str, value: Any) -> None:
    _replaced.append((place, name, getattr(place, name, _ABSENT)))
    setattr(place, name, value)


def _forget_levels() -> None:
    # Loggers remember which levels are enabled.
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]


def seal() -> None:
    """Ends the build: from now on there are no files, and no modules besides those that are loaded."""
    refuse = _Refuse("a connector has no files: pass data with the event, keep it in `cx.state`, or put it into a module")
    for module in (os, sys.modules["posix"]):
        for name in ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "rmdir", "unlink", "remove", "rename", "access", "getcwd", "utime", "readlink"):
            if hasattr(module, name):
                setattr(module, name, refuse)
    builtins.open = io.open = refuse
    if "socket" in sys.modules:
        network = _Refuse("a connector has no network: use `cx.fetch(request)`, or `cx.send(request)` for changes")
        for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
            setattr(sys.modules["socket"], name, network)
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not importlib.machinery.PathFinder]
    sys.meta_path.append(_Missing())


class _Missing:
    """Explains why a module cannot be imported late."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        raise ModuleNotFoundError(
            f"the module `{name}` is not in the component: import it at the top of a module, so that the build includes it",
            name=name,
        )


def _now() -> int:
    """Milliseconds since 1970."""
    moment = _during("the time was read").delivery().time
    return (moment - datetime_module.datetime.fromtimestamp(0, datetime_module.timezone.utc)) // datetime_module.timedelta(
        milliseconds=1
    )


def _clock() -> None:
    seconds: Callable[[], float] = lambda: _now() / 1000
    nanoseconds: Callable[[], int] = lambda: _now() * 1_000_000
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        _replace(time, name, seconds)
        _replace(time, f"{name}_ns", nanoseconds)
    wait = "a delivery does not wait: use `cx.schedule(key, at, event)`, which delivers an event later"
    _replace(time, "sleep", _Refuse(wait))
    for name in ("localtime", "gmtime", "ctime"):
        _replace(time, name, _from_now(getattr(time, name)))
    now: Callable[[], tuple[Any, ...]] = lambda: time.gmtime()
    _replace(time, "asctime", _with_default(time.asctime, now))
    real = time.strftime
    _replace(time, "strftime", lambda format, moment=None: real(format, now() if moment is None else moment))
    real_datetime, real_date = datetime_module.datetime, datetime_module.date
    datetime, date = _date_types(real_datetime, real_date)
    _replace(datetime_module, "datetime", datetime)
    _replace(datetime_module, "date", date)


def _date_types(real_datetime: Any, real_date: Any) -> tuple[Any, Any]:
    """`datetime` and `date` whose now is the delivery's time. Values of the real ones count as instances, too."""

    class AnyDatetime(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_datetime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real_datetime)

    class AnyDate(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_date)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real_date)

    class datetime(real_datetime, metaclass=AnyDatetime):  # type: ignore[misc]
        """The delivery's time is `now`."""

        @classmethod
        def now(cls, tz: datetime_module.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(_now() / 1000, tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetime_module.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    class date(real_date, metaclass=AnyDate):  # type: ignore[misc]
        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(_now() / 1000)

    for kind in (datetime, date):
        kind.__module__ = "datetime"
        kind.__qualname__ = kind.__name__
    return datetime, date


def _from_now(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda seconds=None: real(_now() / 1000 if seconds is None else seconds)


def _with_default(real: Callable[..., Any], default: Callable[[], Any]) -> Callable[..., Any]:
    return lambda moment=None: real(default() if moment is None else moment)


def _random() -> None:
    def urandom(count: int) -> bytes:
        return _during("random numbers were drawn").random(count)

    for module, name in ((os, "urandom"), (sys.modules.get("posix", os), "urandom"), (random, "_urandom")):
        _replace(module, name, urandom)
    own = random._inst
    for name, function in list(vars(random).items()):
        if getattr(function, "__self__", None) is own:
            _replace(random, name, _seeding(function))
    real = random.Random

    class Random(real):  # type: ignore[misc, valid-type]
        """Without a seed, it is seeded by the delivery."""

        def __new__(cls, seed: Any = None) -> Any:
            return super().__new__(cls, 0)

        def seed(self, a: Any = None, version: int = 2) -> None:
            super().seed(urandom(32) if a is None else a, version)

    _replace(random, "Random", Random)


def _seeding(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `random`; the first one in a call seeds the generator with the delivery's bytes."""

    def seeded(*positional: Any, **named: Any) -> Any:
        global _is_seeded
        host = _during("random numbers were drawn")
        if not _is_seeded:
            _is_seeded = True
            random._inst.seed(host.random(32))
        return function(*positional, **named)

    return seeded


class _Log(io.TextIOBase):
    """Output, as lines of the delivery's log; while the connector is built, the output of the build."""

    encoding = "utf-8"

    def __init__(self, level: str, build: TextIO) -> None:
        self.level = level
        self.build = build
        self.rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if _host is None:
            return self.build.write(text)
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            _host.log(self.level, line, [])
        return len(text)

    def flush(self) -> None:
        if self.rest and _host is not None:
            line, self.rest = self.rest, ""
            _host.log(self.level, line, [])


class _Handler(logging.Handler):
    """Messages of `logging`, in the delivery's log."""

    def emit(self, record: logging.LogRecord) -> None:
        level = next((name for least, name in _LEVELS if record.levelno >= least), "debug")
        _during("something was logged").log(level, record.getMessage(), [("logger", record.name)])


_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"))
