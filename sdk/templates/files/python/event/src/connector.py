"""Sends each order to the parts desk, and emits an event once the parts desk has accepted or refused it."""

from dataclasses import dataclass

from handoff_sdk import Connector, Context, Event, NewEvent, OutboxRequest, Request


@dataclass
class Config:
    """The installation's config. A field that is missing or misspelt is found before the installation becomes active."""

    parts_desk_url: str
    """Base URL of the parts desk's system."""


@dataclass
class Order:
    """The data of `com.example.order.received.v1`."""

    id: str
    customer: str
    amount: int


@dataclass
class Answer:
    """The data of `com.handoff.outbox.answered.v1`, as far as it is used here."""

    key: str
    status: int | None = None


class PartsDesk(Connector[Config]):
    config = Config

    def handle(self, cx: Context[Config], event: Event) -> None:
        match event.type:
            case "com.handoff.outbox.answered.v1":
                answered(cx, event.json(Answer))
            case _:
                send(cx, event.json(Order))


def send(cx: Context[Config], order: Order) -> None:
    """The host sends the request after the commit, again and again until it is answered, and once for each key."""
    request = Request.put(cx.config.parts_desk_url).path(["orders", order.id]).auth("parts-desk").json(order)
    cx.send(OutboxRequest(order.id, request, answer=True, partition_key=order.id))


def answered(cx: Context[Config], answer: Answer) -> None:
    accepted = answer.status is not None and 200 <= answer.status < 300
    event_type = "com.example.order.accepted.v1" if accepted else "com.example.order.refused.v1"
    cx.emit(NewEvent(event_type, {"order": answer.key, "status": answer.status}))
