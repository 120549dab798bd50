"""Runs a connector with the delivery's clock, random numbers and output, in an interpreter that goes on afterwards."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import _exception, _outside


@contextmanager
def delivery_globals(folder: Path) -> Iterator[None]:
    """Replaces what a component replaces, also in modules of the project that have imported it by name."""
    source = folder / "src" if (folder / "src").is_dir() else folder
    _exception.keep_sources((f"{source}/",))
    state = random.getstate()
    _outside.install()
    changed = []
    try:
        new = {id(old): value for old, value in _outside.replaced()}
        for module in _modules(source):
            for name, value in list(vars(module).items()):
                if id(value) in new:
                    changed.append((module, name, value))
                    setattr(module, name, new[id(value)])
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)
        _outside.uninstall()
        random.setstate(state)


def _modules(source: Path) -> list[Any]:
    """The project's own modules that are loaded."""
    found = []
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.startswith(f"{source}/") and "site-packages" not in path:
            found.append(module)
    return found
