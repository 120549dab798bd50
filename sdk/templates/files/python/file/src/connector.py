"""Reads parts lists that are dropped as CSV files, and emits one event for each part."""

from dataclasses import dataclass

from handoff_sdk import Connector, Context, Event, NewEvent, Reject


@dataclass
class Config:
    """The installation's config. A field that is missing or misspelt is found before the installation becomes active."""

    separator: str = ","
    """The character between two columns."""


@dataclass
class Part:
    """The data of `com.example.part.listed.v1`."""

    number: str
    quantity: int


class PartsLists(Connector[Config]):
    config = Config

    def handle(self, cx: Context[Config], event: Event) -> None:
        # One bad line rejects the whole file: nothing of it is emitted, and people see the dead letter.
        for index, line in enumerate(event.text().splitlines(), 1):
            if not line.strip():
                continue
            part = read_part(line, cx.config.separator)
            if part is None:
                raise Reject("bad-line", f"line {index}: expected a number and a quantity")
            cx.emit(NewEvent("com.example.part.listed.v1", part, partition_key=part.number))


def read_part(line: str, separator: str) -> Part | None:
    """A line such as `11-4711,12`."""
    number, _, quantity = (column.strip() for column in line.partition(separator))
    if not number or not (quantity.isascii() and quantity.isdigit()):
        return None
    return Part(number, int(quantity))
