"""Asks a scheduling system for new appointments, and emits one event for each."""

from dataclasses import dataclass

from handoff_sdk import Connector, Context, Event, NewEvent, Request, Retry

CURSOR = "cursor"
"""The state key of the last appointment that was emitted."""


@dataclass
class Config:
    """The installation's config. A field that is missing or misspelt is found before the installation becomes active."""

    scheduler_url: str
    """Base URL of the scheduling system."""


@dataclass
class Appointment:
    """The data of `com.example.appointment.booked.v1`."""

    id: int
    customer: str
    starts: str


@dataclass
class Page:
    """The answer of the scheduling system: appointments after the cursor, oldest first."""

    appointments: list[Appointment]


class Appointments(Connector[Config]):
    config = Config

    def handle(self, cx: Context[Config], event: Event) -> None:
        cursor = cx.state.get(CURSOR, int) or 0
        request = Request.get(cx.config.scheduler_url).path(["appointments"]).query({"after": cursor})
        # A target that is down is retried; the answer is recorded, so that a replay needs no network.
        response = cx.fetch(request.auth("scheduler"))
        if not response.ok:
            raise Retry("scheduler-refused", f"the scheduler answered {response.status}")
        appointments = response.json(Page).appointments
        for appointment in appointments:
            event_type = "com.example.appointment.booked.v1"
            cx.emit(NewEvent(event_type, appointment, partition_key=appointment.customer))
        if appointments:
            cx.state.set(CURSOR, appointments[-1].id)
