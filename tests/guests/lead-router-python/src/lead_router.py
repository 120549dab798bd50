"""Assigns each lead to its owner and reminds of those that nobody took. The same as the connector in Rust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from handoff_sdk import Connector, Context, Event, Misconfigured, NewEvent, OutboxRequest, Reject, Request, Retry


@dataclass
class Config:
    list: str
    crm_url: str
    escalate_after_minutes: int


@dataclass
class Received:
    """Data of `com.example.lead.received.v1`, and state of schema 1."""

    id: str
    reference: int
    name: str = ""


@dataclass
class Known:
    """What the CRM says of a lead."""

    owner: str | None = None


@dataclass
class Routed:
    """State under `lead/ID`, and data of `com.example.lead.routed.v1`."""

    id: str
    name: str
    reference: int
    owner: str
    at: int
    answered: bool


@dataclass
class LeadId:
    id: str


class LeadRouter(Connector[Config]):
    config = Config

    def handle(self, cx: Context[Config], event: Event) -> None:
        match event.type:
            case "com.example.lead.received.v1":
                route(cx, event.json(Received))
            case "com.example.lead.overdue.v1":
                escalate(cx, event.json(LeadId).id)
            case "com.handoff.outbox.answered.v1":
                answered(cx, event)
            case _:
                raise cx.unexpected_type(event)

    def validate(self, cx: Context[Config]) -> None:
        if not cx.config.list:
            raise Misconfigured("config field `list` is empty; expected the name of a list")

    def migrate(self, cx: Context[Config], from_schema: int) -> None:
        for key, old in list(cx.state.scan_json("lead/", Received)):
            routed = Routed(old.id, "", old.reference, cx.config.list, millis(cx.now()), answered=False)
            cx.state.set(key, routed)
        cx.info("migrated", **{"from": from_schema})


def route(cx: Context[Config], lead: Received) -> None:
    key = f"lead/{lead.id}"
    if cx.state.get_bytes(key) is not None:
        cx.counter("leads-repeated")
        return
    crm = cx.config.crm_url
    response = cx.fetch(Request.get(crm).path([lead.id]).header("accept", "application/json"))
    if response.status not in (200, 404):
        raise Retry("crm-unavailable", f"the CRM answered with status {response.status}")
    known = response.json(Known) if response.ok else Known()
    config = cx.config
    routed = Routed(lead.id, lead.name, lead.reference, known.owner or config.list, millis(cx.now()), answered=False)
    cx.state.set(key, routed)
    cx.emit(
        NewEvent(
            "com.example.lead.routed.v1",
            routed,
            subject=lead.id,
            partition_key=lead.id,
            extensions={"list": config.list},
        )
    )
    overdue = NewEvent("com.example.lead.overdue.v1", LeadId(lead.id), partition_key=lead.id)
    cx.schedule(f"overdue/{lead.id}", cx.now() + timedelta(minutes=config.escalate_after_minutes), overdue)
    request = Request.post(crm).path([lead.id]).header("x-lead", lead.id)
    request = request.json({"owner": routed.owner, "name": routed.name}).timeout_ms(3000)
    cx.send(OutboxRequest(f"assign-{lead.id}", request, answer=True, partition_key=lead.id))
    cx.counter("leads-routed", 1, list=config.list)
    cx.histogram("lead-name-bytes", len(lead.name.encode()))
    cx.info("routed a lead", lead=lead.id)


def escalate(cx: Context[Config], lead_id: str) -> None:
    lead = cx.state.get(f"lead/{lead_id}", Routed)
    if lead is None or lead.answered:
        return
    data = {"id": lead.id, "token": cx.random(8).hex()}
    cx.emit(NewEvent("com.example.lead.escalated.v1", data, subject=lead_id))
    cx.counter("leads-escalated")


def answered(cx: Context[Config], event: Event) -> None:
    subject = event.subject or ""
    if not subject.startswith("assign-"):
        raise Reject("unknown-answer", "the answer is to no request of this connector")
    lead_id = subject.removeprefix("assign-")
    lead = cx.state.get(f"lead/{lead_id}", Routed)
    if lead is not None:
        cx.state.set(f"lead/{lead_id}", replace(lead, answered=True))
        cx.cancel(f"overdue/{lead_id}")


def millis(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
