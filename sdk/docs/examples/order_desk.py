"""The examples of the documentation in Python, as one connector. Its pages show the regions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_sdk import (
    Connector,
    Context,
    Event,
    Misconfigured,
    NewEvent,
    OutboxRequest,
    Reject,
    Request,
    Retry,
)
from handoff_sdk.events import HOOK_RECEIVED, OUTBOX_ANSWERED, OutboxAnswered

RECEIVED = "com.acme.order.received.v1"
OVERDUE = "com.acme.order.overdue.v1"


# region config
@dataclass
class Config:
    crm_url: str
    """Base URL of the CRM."""
    overdue_hours: int = 24
    """Hours until an order without an answer is reported."""


def validate(cx: Context[Config]) -> None:
    if cx.config.overdue_hours == 0:
        raise Misconfigured("`overdue-hours` is 0; expected at least 1")
# endregion


@dataclass
class Order:
    """What the shop sends."""

    number: str
    customer: str


@dataclass
class Stored:
    customer: str
    since: datetime


@dataclass
class Overdue:
    number: str


class OrderDesk(Connector[Config]):
    config = Config

    # region event
    def handle(self, cx: Context[Config], event: Event) -> None:
        if event.type == HOOK_RECEIVED:
            receive(cx, event.json(Order))
        elif event.type == OUTBOX_ANSWERED:
            answered(cx, event.json(OutboxAnswered))
        elif event.type == OVERDUE:
            overdue(cx, event.json(Overdue))
        else:
            raise cx.unexpected_type(event)
    # endregion

    def validate(self, cx: Context[Config]) -> None:
        validate(cx)

    def migrate(self, cx: Context[Config], from_schema: int) -> None:
        migrate(cx, from_schema)


def receive(cx: Context[Config], order: Order) -> None:
    check_customer(cx, order)
    if remember(cx, order):
        announce(cx, order)
        enter(cx, order)
        remind(cx, order)


# region emit
def announce(cx: Context[Config], order: Order) -> None:
    cx.emit(NewEvent(RECEIVED, order, subject=order.number, partition_key=order.number))
# endregion


# region state
def remember(cx: Context[Config], order: Order) -> bool:
    """Stores an order; false if it is known."""
    key = f"order/{order.number}"
    if cx.state.get(key, Stored) is not None:
        return False
    cx.state.set(key, Stored(order.customer, since=cx.now()))
    return True
# endregion


# region outbox
def enter(cx: Context[Config], order: Order) -> None:
    request = Request.post(cx.config.crm_url).path(["orders"]).auth("crm").json(order)
    key = f"order-{order.number}"
    cx.send(OutboxRequest(key, request, answer=True, partition_key=order.number))


def answered(cx: Context[Config], answer: OutboxAnswered) -> None:
    number = answer.key.removeprefix("order-")
    if answer.outcome == "answered" and 200 <= (answer.status or 0) < 300:
        cx.cancel(f"overdue/{number}")
    else:
        cx.warn("the CRM did not take the order", order=number)
# endregion


# region timer
def remind(cx: Context[Config], order: Order) -> None:
    at = cx.now() + timedelta(hours=cx.config.overdue_hours)
    event = NewEvent(OVERDUE, Overdue(order.number), partition_key=order.number)
    cx.schedule(f"overdue/{order.number}", at, event)


def overdue(cx: Context[Config], order: Overdue) -> None:
    cx.warn("the CRM has not taken the order", order=order.number)
    cx.counter("orders-overdue")
# endregion


# region look-up
def check_customer(cx: Context[Config], order: Order) -> None:
    request = Request.get(cx.config.crm_url).path(["customers", order.customer]).auth("crm")
    response = cx.fetch(request)
    if response.status == 404:
        raise Reject("customer-unknown", "the CRM does not know the order's customer")
    if response.status != 200:
        raise Retry("crm-unavailable", f"the CRM answered {response.status}", after_ms=60_000)
# endregion


# region migrate
def migrate(cx: Context[Config], from_schema: int) -> None:
    """Schema 1 stored only the customer, as text."""
    if from_schema != 1:
        raise Misconfigured(f"no migration from schema {from_schema}")
    for key, customer in cx.state.scan_json("order/", str):
        cx.state.set(key, Stored(customer, since=cx.now()))
# endregion
