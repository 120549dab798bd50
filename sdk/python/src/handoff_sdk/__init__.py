"""Write Handoff connectors in Python.

In reading order: what a connector implements (`Connector`), its inputs (`Context`, `Event`), its outputs (failures,
`NewEvent`, `OutboxRequest`).
"""

from ._connector import Connector
from ._context import Context, Delivery, State
from ._event import Event, NewEvent
from ._failure import Failure, HttpError, Misconfigured, OutboxError, Reject, Retry, StateError
from ._http import OutboxRequest, Request, Response

__all__ = [
    "Connector",
    "Context",
    "Delivery",
    "Event",
    "Failure",
    "HttpError",
    "Misconfigured",
    "NewEvent",
    "OutboxError",
    "OutboxRequest",
    "Reject",
    "Request",
    "Response",
    "Retry",
    "State",
    "StateError",
]
