"""The class that a connector implements. It knows nothing of the component."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from ._context import Context
from ._event import Event
from ._failure import Misconfigured

C = TypeVar("C")


class Connector(Generic[C]):
    """A connector: one class per component, with a type for its config.

    A call is a pure function of event, state, config, clock, random seed and look-up responses. Keep nothing in globals:
    each call has a fresh instance.
    """

    config: ClassVar[Any] = dict
    """A dataclass for the config; a `-` in a name of the config is a `_` in a field's. Unknown fields are refused."""

    def handle(self, cx: Context[C], event: Event) -> None:
        """Handles one event. Returning commits all effects together; an exception or the deadline (5 s) undoes them."""
        raise NotImplementedError

    def validate(self, cx: Context[C]) -> None:
        """Checks whether the config is usable. It may read state and make look-ups; effects are refused."""

    def migrate(self, cx: Context[C], from_schema: int) -> None:
        """Migrates state that an older schema version wrote, in one commit."""
        raise Misconfigured(
            f"the state has schema {from_schema}, and this connector has no migration from it: roll back to the version "
            "that wrote it, or clear the installation's state"
        )
