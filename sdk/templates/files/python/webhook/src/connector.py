"""Receives orders by webhook, and emits one event for each new order."""

from dataclasses import dataclass
from datetime import datetime

from handoff_sdk import Connector, Context, Event, NewEvent


@dataclass
class Config:
    """The installation's config. A field that is missing or misspelt is found before the installation becomes active."""

    minimum_amount: int = 0
    """Orders below this amount, in cents, are ignored."""


@dataclass
class Order:
    """An order as the shop sends it, and the data of `com.example.order.received.v1`."""

    id: str
    customer: str
    amount: int


class Orders(Connector[Config]):
    config = Config

    def handle(self, cx: Context[Config], event: Event) -> None:
        # Data that does not fit can never succeed: the event becomes a dead letter for people to look at.
        order = event.json(Order)
        if order.amount < cx.config.minimum_amount:
            cx.counter("orders-ignored")
            return
        # Shops repeat webhooks. State, event and metric commit together, so that each order is emitted once.
        key = f"order/{order.id}"
        if cx.state.get(key, datetime) is not None:
            return
        cx.state.set(key, cx.now())
        cx.counter("orders-received")
        # Events of one order stay in order.
        cx.emit(NewEvent("com.example.order.received.v1", order, partition_key=order.id))
