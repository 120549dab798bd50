"""A connector's folder: its manifest, its config schema and its cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .._connector import Connector
from ._bench import Bench
from ._case import Case
from ._manifest import Manifest


class Project:
    """A connector's folder, which has connector.toml: `Project(Path(__file__).parents[1])`."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        self.manifest = Manifest.read(self.folder)

    def cases(self) -> list[Case]:
        """The cases of `cases/`, by name."""
        folder = self.folder / "cases"
        names = sorted(path.parent.name for path in folder.glob("*/case.json"))
        if not names:
            raise ValueError(f"{folder}: no cases found: create `NAME/case.json` in it")
        return [Case(name, folder / name, self.manifest) for name in names]

    def bench(self, connector: type[Connector[Any]], config: dict[str, Any] | None = None, **options: Any) -> Bench:
        """A simulated host for one installation of the connector; see `Bench` for the options."""
        return Bench(self.manifest, connector, config, **options)
