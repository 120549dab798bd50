"""Does what its event says, to show how Python behaves in a component."""

import datetime
import logging
import os
import random
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from handoff_sdk import Connector, Context, Event, Misconfigured, Reject, Request, Retry


@dataclass
class Customer:
    email: str


@dataclass
class Lead:
    customer: Customer


class Unshown(Exception):
    def __str__(self) -> str:
        raise ValueError


class Steps(Connector[dict[str, Any]]):
    def handle(self, cx: Context[dict[str, Any]], event: Event) -> None:
        return getattr(self, event.text().split()[0])(cx, event)

    def random(self, cx, event):
        print(random.random(), random.Random().random(), uuid.uuid4())

    def clock(self, cx, event):
        now = datetime.datetime.now(datetime.timezone.utc)
        print(int(time.time() * 1000), now.isoformat(), datetime.date.today(), isinstance(cx.now(), datetime.datetime))

    def output(self, cx, event):
        print("printed")
        print("warned", file=sys.stderr)
        logging.getLogger("router").error("logged %s", 1)
        print("no end of line", end="")

    def integers(self, cx, event):
        n = 12345678901234567890
        cx.state.set("n", {"n": n, "small": 7, "next": n + 1})
        cx.info(f"{cx.state.get('n')['next']} number")

    def throws(self, cx, event):
        deep(None)

    def quotes(self, cx, event):
        int(event.text())

    def causes(self, cx, event):
        try:
            raise ValueError("inner")
        except ValueError as error:
            raise RuntimeError("outer") from error

    def retries(self, cx, event):
        raise Retry("crm-down", "the CRM is down", after_ms=5000)

    def rejects(self, cx, event):
        raise Reject("no-use", "this lead is of no use")

    def misconfigured(self, cx, event):
        raise Misconfigured("config field `list` is wrong")

    def json(self, cx, event):
        event.json()

    def typed(self, cx, event):
        Event("1", "s", "com.example.any.v1", data=b'{"customer":{"email":5554321}}').json(Lead)

    def ungranted(self, cx, event):
        from handoff_sdk import NewEvent

        cx.emit(NewEvent("com.example.other.v1", {}))

    def key(self, cx, event):
        cx.state.get("")

    def path(self, cx, event):
        request = Request.get("https://crm.example/leads/").path(["C 1 ä!"]).query({"a": "b&c"})
        cx.info(cx.fetch(request).text())

    def dots(self, cx, event):
        Request.get("https://crm.example/leads").path([".."])

    def waits(self, cx, event):
        time.sleep(1)

    def opens(self, cx, event):
        open("/etc/passwd")

    def lists(self, cx, event):
        os.listdir("/")

    def imports(self, cx, event):
        import csv  # noqa: F401

    def exits(self, cx, event):
        sys.exit(3)

    def recurses(self, cx, event):
        self.recurses(cx, event)

    def unshown(self, cx, event):
        raise Unshown

    def promise(self, cx, event):
        return self._later()

    async def _later(self):
        pass


def deep(lead):
    return lead.customer
