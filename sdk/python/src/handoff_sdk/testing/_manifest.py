"""What connector.toml declares, and which config its schema allows. `handoff build` checks the manifest itself; here it
decides what a test may do."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass
class Manifest:
    """A connector's manifest."""

    folder: Path
    accepts: list[str]
    emits: list[str]
    http: list[dict[str, Any]] = field(default_factory=list)
    state_schema: int = 1
    schema: dict[str, Any] | None = None

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Reads connector.toml and the files that it names."""
        path = folder / "connector.toml"
        try:
            toml = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path}: {error}") from None
        schema = toml.get("config", {}).get("schema")
        if isinstance(schema, str):
            schema = json.loads((folder / schema).read_text(encoding="utf-8"))
        events = toml.get("events", {})
        http = [{"look-ups": [], "auth": [], **target} for target in toml.get("http", [])]
        state_schema = toml.get("state", {}).get("schema", 1)
        return cls(folder, events.get("accepts", []), events.get("emits", []), http, state_schema, schema)

    def problem_with(self, config: dict[str, Any]) -> str | None:
        """The first thing that is wrong with a config, as `config.FIELD: …`; never a value of it."""
        if self.schema is None:
            return None
        problems = sorted(_problem(error) for error in Draft202012Validator(self.schema).iter_errors(config))
        return problems[0] if problems else None


def _problem(error: Any) -> str:
    at = ".".join(["config", *(str(part) for part in error.absolute_path)])
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{at}.{missing}: is missing; this version requires it"
    if error.validator == "additionalProperties":
        unknown = next(name for name in error.instance if name not in error.schema.get("properties", {}))
        return f"{at}.{unknown}: is unknown to this version: remove it or correct its spelling"
    return f"{at}: the value does not fit `{error.validator}` of the config schema: {json.dumps(error.validator_value)}"
