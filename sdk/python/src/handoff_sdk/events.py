"""The events of the host and of the reference connectors: their types and the shapes of their data.

Generated from sdk/schemas/events; do not edit. A newer sender may add fields and values: unknown fields are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as _field
from datetime import datetime

CALL_CLOSED = "com.handoff.call.closed.v1"
"""A person has contacted the customer, or the lead is not on the list any more. Data: `CallClosed`."""
CALL_DUE = "com.handoff.call.due.v1"
"""A timer of bdc-list: the next level of escalation is due. Data: `CallDue`."""
CALL_ESCALATED = "com.handoff.call.escalated.v1"
"""A customer was not contacted in time. Data: `CallEscalated`."""
CALL_LISTED = "com.handoff.call.listed.v1"
"""The CRM has taken a lead into its call list. Data: `CallListed`."""
CALL_REFUSED = "com.handoff.call.refused.v1"
"""The CRM refused a request. The lead is not lost: the clock continues. Data: `CallRefused`."""
CONSENT_CHANGED = "com.handoff.consent.changed.v1"
"""A person allowed or forbade a channel. At least one of `customerId`, `phone` and `email` says whom it is about. Data:
`ConsentChanged`.
"""
CUSTOMER_MERGED = "com.handoff.customer.merged.v1"
"""Two customers are one person, by a person's decision or by the evidence of a lead. Data: `CustomerMerged`."""
CUSTOMER_UNMERGED = "com.handoff.customer.unmerged.v1"
"""A merge was wrong and is undone: both customers are restored. Data: `CustomerUnmerged`."""
FILE_DROPPED = "com.handoff.file.dropped.v1"
"""A file that another system put into a watched folder, with its content. The settings name the folder in
`[[folders]]`. Data: bytes.
"""
HOOK_RECEIVED = "com.handoff.hook.received.v1"
"""A webhook that the host verified, with its body as it was sent. Its connector needs `[hook]` in the manifest, its
installation `[hook]` in the settings. Data: bytes.
"""
IDENTITY_MERGE = "com.handoff.identity.merge.v1"
"""An order of a person: these two customers are the same person. Data: `IdentityMerge`."""
IDENTITY_UNMERGE = "com.handoff.identity.unmerge.v1"
"""An order of a person: this merge was wrong. Data: `IdentityUnmerge`."""
LEAD_IDENTIFIED = "com.handoff.lead.identified.v1"
"""A lead with its customer. `lead` is the data of com.handoff.lead.received.v1 as it was received. Data:
`LeadIdentified`.
"""
LEAD_RECEIVED = "com.handoff.lead.received.v1"
"""A lead from a web site, a manufacturer or a lead service. A changed or repeated lead is emitted again with a higher
`revision`. Data: `Lead`.
"""
OUTBOX_ANSWERED = "com.handoff.outbox.answered.v1"
"""The outcome of an outbox request that was sent with `answer`: the target's response, or why the host gave up. Data:
`OutboxAnswered`.
"""
SALE_CLOSED = "com.handoff.sale.closed.v1"
"""A car has a new owner. The same car at the same time is the same sale. Data: `SaleClosed`."""
SCHEDULE_TICKED = "com.handoff.schedule.ticked.v1"
"""A schedule of the settings (`[[schedules]]`) is due. Of ticks that were missed while the host was down, only the
latest is delivered. Data: `ScheduleTicked`.
"""


@dataclass(kw_only=True)
class CallClosed:
    """The end of a call."""

    lead_id: str = _field(metadata={"name": "leadId"})
    """The lead."""
    customer_id: str = _field(metadata={"name": "customerId"})
    """The customer."""
    queue: str
    """The queue that the call is in."""
    entry_id: str | None = _field(default=None, metadata={"name": "entryId", "optional": True})
    """The CRM's id of the entry, if the CRM has answered."""
    reason: CallEnd
    """Why it ended."""
    at: datetime
    """When it ended."""
    escalations: int
    """How many levels of escalation were reached."""
    by: str | None = _field(default=None, metadata={"optional": True})
    """The person who made the contact."""
    outcome: str | None = _field(default=None, metadata={"optional": True})
    """The outcome, in the CRM's words."""
    received_at: datetime | None = _field(default=None, metadata={"name": "receivedAt", "optional": True})
    """When the dealer received the lead; only with a contact."""
    response_seconds: int | None = _field(default=None, metadata={"name": "responseSeconds", "optional": True})
    """Response time by the clock, in seconds; only with a contact."""
    response_business_seconds: int | None = _field(default=None, metadata={"name": "responseBusinessSeconds", "optional": True})
    """Response time within business hours, in seconds; only with a contact."""


CallEnd = str
"""Why a call ended. Known values: "first-contact", "opted-out", "no-way-to-contact"."""


@dataclass(kw_only=True)
class CallDue:
    """A level of escalation is due."""

    lead_id: str = _field(metadata={"name": "leadId"})
    """The lead."""
    level: int
    """The level, from 1."""


@dataclass(kw_only=True)
class CallEscalated:
    """A level of escalation is reached."""

    lead_id: str = _field(metadata={"name": "leadId"})
    """The lead."""
    customer_id: str = _field(metadata={"name": "customerId"})
    """The customer."""
    queue: str
    """The queue that the call is in."""
    entry_id: str | None = _field(default=None, metadata={"name": "entryId", "optional": True})
    """The CRM's id of the entry, if the CRM has answered."""
    level: int
    """The level, from 1."""
    to: str
    """Who is told, as configured."""
    waited_seconds: int = _field(metadata={"name": "waitedSeconds"})
    """Seconds since the lead was received."""
    received_at: datetime = _field(metadata={"name": "receivedAt"})
    """When the dealer received the lead."""


@dataclass(kw_only=True)
class CallListed:
    """A call that is on the list."""

    lead_id: str = _field(metadata={"name": "leadId"})
    """The lead."""
    customer_id: str = _field(metadata={"name": "customerId"})
    """The customer."""
    queue: str
    """The queue that the call is in."""
    entry_id: str | None = _field(default=None, metadata={"name": "entryId", "optional": True})
    """The CRM's id of the entry, if the CRM has answered."""
    team: str | None = _field(default=None, metadata={"optional": True})
    """The team."""
    contact_by: list[ContactChannel] = _field(metadata={"name": "contactBy"})
    """Channels on which the customer may be contacted."""
    revision: int
    """The revision of the lead that is listed."""
    received_at: datetime = _field(metadata={"name": "receivedAt"})
    """When the dealer received the lead: the clock's start."""
    respond_by: datetime | None = _field(default=None, metadata={"name": "respondBy", "optional": True})
    """When the first escalation is due; absent without escalations."""


@dataclass(kw_only=True)
class CallRefused:
    """A request that the CRM refused."""

    lead_id: str = _field(metadata={"name": "leadId"})
    """The lead."""
    customer_id: str = _field(metadata={"name": "customerId"})
    """The customer."""
    queue: str
    """The queue that the call is in."""
    entry_id: str | None = _field(default=None, metadata={"name": "entryId", "optional": True})
    """The CRM's id of the entry, if the CRM has answered."""
    operation: CallOperation
    """The request."""
    code: str
    """Why: a stable kebab-case word of the README of bdc-list."""
    status: int | None = _field(default=None, metadata={"optional": True})
    """The HTTP status; absent if there was no response."""
    revision: int
    """The revision of the lead."""


CallOperation = str
"""A request to the CRM. Known values: "list", "update", "escalate"."""


@dataclass(kw_only=True)
class ConsentChanged:
    """A consent for a channel."""

    customer_id: str | None = _field(default=None, metadata={"name": "customerId", "optional": True})
    """The customer."""
    phone: str | None = _field(default=None, metadata={"optional": True})
    """The number that the consent is about."""
    email: str | None = _field(default=None, metadata={"optional": True})
    """The address that the consent is about."""
    channel: ConsentChannel
    """The channel."""
    opted_out: bool = _field(metadata={"name": "optedOut"})
    """True: no more contact on this channel."""
    source: str | None = _field(default=None, metadata={"optional": True})
    """The system that recorded it."""
    at: datetime | None = _field(default=None, metadata={"optional": True})
    """When the person said so. Absent: when the event is handled."""


ConsentChannel = str
"""The channel of a consent. Known values: "call", "text", "email", "all"."""


@dataclass(kw_only=True)
class CustomerMerged:
    """A merge of two customers."""

    merge_id: str = _field(metadata={"name": "mergeId"})
    """Stable id of the merge; an unmerge names it."""
    keep: str
    """The customer that stays."""
    merged: str
    """The customer that is now part of it."""
    rule: str
    """`manual`, or the evidence of a lead: `vin`, `phone` or `email`."""
    by: str
    """Who decided."""
    reason: str
    """The reason, as a sentence."""
    at: datetime
    """When they were merged."""
    survivorship: list[SurvivingField]
    """The record whose value is shown, for each field."""
    opt_out: OptOut = _field(metadata={"name": "optOut"})
    """Channels that are closed now."""
    opt_out_before: MergedOptOuts = _field(metadata={"name": "optOutBefore"})
    """Channels that were closed before."""


@dataclass(kw_only=True)
class SurvivingField:
    """The record whose value of a field is shown."""

    field: str
    """`name`, `phone`, `email` or `address`."""
    from_: str = _field(metadata={"name": "from"})
    """The record."""


@dataclass(kw_only=True)
class MergedOptOuts:
    """Closed channels of both customers before a merge."""

    keep: OptOut
    """Of the customer that stays."""
    merged: OptOut
    """Of the merged customer."""


@dataclass(kw_only=True)
class CustomerUnmerged:
    """A merge that was undone."""

    merge_id: str = _field(metadata={"name": "mergeId"})
    """The merge."""
    keep: str
    """The customer that stays."""
    restored: str
    """The customer that is separate again."""
    rule: str
    """The rule of the merge."""
    by: str
    """Who decided."""
    reason: str
    """The reason, as a sentence."""
    at: datetime
    """When it was undone."""
    explanation: list[str]
    """Which leads belong to whom, as sentences."""
    opt_out: UnmergedOptOuts = _field(metadata={"name": "optOut"})
    """Channels that are closed now."""


@dataclass(kw_only=True)
class UnmergedOptOuts:
    """Closed channels of both customers after an unmerge."""

    keep: OptOut
    """Of the customer that stays."""
    restored: OptOut
    """Of the restored customer."""


@dataclass(kw_only=True)
class IdentityMerge:
    """An order to merge two customers."""

    keep: str
    """The customer that stays."""
    merge: str
    """The customer that becomes part of it."""
    by: str
    """The person who decided."""
    reason: str | None = _field(default=None, metadata={"optional": True})
    """The reason."""


@dataclass(kw_only=True)
class IdentityUnmerge:
    """An order to undo a merge."""

    merge_id: str = _field(metadata={"name": "mergeId"})
    """The merge, as in com.handoff.customer.merged.v1."""
    by: str
    """The person who decided."""
    reason: str | None = _field(default=None, metadata={"optional": True})
    """The reason."""


@dataclass(kw_only=True)
class LeadIdentified:
    """A lead with its customer."""

    lead: Lead
    """The lead as it was received."""
    identity: Identity
    """Its customer."""


@dataclass(kw_only=True)
class Identity:
    """The customer of a lead, and how it was found."""

    customer_id: str = _field(metadata={"name": "customerId"})
    """Stable id of the customer."""
    decision: IdentityDecision
    """What was decided: `review` means a new customer for now, with candidates for a person to decide."""
    rule: str
    """The evidence that decided: `vin`, `phone`, `email`, `name`, `resend` or `none`."""
    score: float
    """Score of the best candidate by name and address; 0 without one."""
    explanation: list[str]
    """The reasons, as sentences."""
    vehicles: list[CustomerVehicle]
    """The customer's cars, at most 20."""
    opt_out: OptOut = _field(metadata={"name": "optOut"})
    """Channels that the customer opted out of."""
    candidates: list[IdentityCandidate] = _field(default_factory=list, metadata={"optional": True})
    """Customers that may be the same person."""
    household_id: str | None = _field(default=None, metadata={"name": "householdId", "optional": True})
    """The household, if the customer is linked to one."""


IdentityDecision = str
"""How a customer was found. Known values: "matched", "created", "review"."""


@dataclass(kw_only=True)
class CustomerVehicle:
    """A car of a customer."""

    vin: str
    """A valid VIN."""
    role: VehicleRole
    """The customer's relation to it."""
    ownership_period: OwnershipPeriod | None = _field(default=None, metadata={"name": "ownershipPeriod", "optional": True})
    """The customer's ownership."""


VehicleRole = str
"""A customer's relation to a car. Known values: "owner", "former-owner", "trade-in", "interest"."""


@dataclass(kw_only=True)
class OwnershipPeriod:
    """A period of ownership of a car."""

    number: int
    """1 for the first known owner."""
    since: datetime | None = _field(default=None, metadata={"optional": True})
    """When it began, if known."""
    until: datetime | None = _field(default=None, metadata={"optional": True})
    """When it ended, if it ended."""


@dataclass(kw_only=True)
class OptOut:
    """Channels that a customer opted out of."""

    call: bool
    """No calls."""
    text: bool
    """No text messages."""
    email: bool
    """No e-mail."""


@dataclass(kw_only=True)
class IdentityCandidate:
    """A customer that may be the same person."""

    customer_id: str = _field(metadata={"name": "customerId"})
    """The customer."""
    score: float
    """The score by name and address."""
    reasons: list[str]
    """What agrees and what differs, as sentences."""


@dataclass(kw_only=True)
class Lead:
    """One prospect of an ADF 1.0 document. Unknown values are omitted. Later versions may add fields; they rename and
    remove none.
    """

    lead_id: str = _field(metadata={"name": "leadId"})
    """Stable id of the lead, also after a resend: 32 hexadecimal digits."""
    status: LeadStatus
    """`resend` if and only if `revision` is above 1."""
    revision: int
    """How many times this lead was emitted, from 1."""
    requested_at: str | None = _field(default=None, metadata={"name": "requestedAt", "optional": True})
    """When the customer made the request. Absent without a readable date."""
    requested_at_text: str | None = _field(default=None, metadata={"name": "requestedAtText", "optional": True})
    """The date as written."""
    ids: list[LeadReference] = _field(default_factory=list, metadata={"optional": True})
    """Identifiers that parties gave to the lead."""
    provider: LeadProvider | None = _field(default=None, metadata={"optional": True})
    """The source of the lead."""
    vendor: LeadVendor | None = _field(default=None, metadata={"optional": True})
    """The dealer that the lead is for."""
    customer: LeadCustomer
    """The person or business that made the request."""
    vehicles: list[LeadVehicle]
    """Vehicles that the customer asks for or offers."""
    trade_ins: list[LeadVehicle] = _field(metadata={"name": "tradeIns"})
    """Vehicles that the customer trades in."""
    comments: str | None = _field(default=None, metadata={"optional": True})
    """What was written elsewhere than in a customer's or a vehicle's comments, labelled with its place."""
    warnings: list[LeadWarning]
    """What could not be read as written."""


LeadStatus = str
"""Whether a lead is new to the dealer. Known values: "new", "resend"."""


@dataclass(kw_only=True)
class LeadReference:
    """An identifier that a party assigned."""

    source: str | None = _field(default=None, metadata={"optional": True})
    """The party that assigned it."""
    sequence: int | None = _field(default=None, metadata={"optional": True})
    """Its rank among identifiers."""
    value: str
    """The identifier."""


@dataclass(kw_only=True)
class LeadProvider:
    """The source of a lead."""

    ids: list[LeadReference] = _field(default_factory=list, metadata={"optional": True})
    """Its identifiers."""
    name: str | None = _field(default=None, metadata={"optional": True})
    """Its name."""
    service: str | None = _field(default=None, metadata={"optional": True})
    """The service that sent the lead."""
    url: str | None = _field(default=None, metadata={"optional": True})
    """Its web site."""
    email: str | None = _field(default=None, metadata={"optional": True})
    """Its e-mail address."""
    phone: str | None = _field(default=None, metadata={"optional": True})
    """Its phone number."""


@dataclass(kw_only=True)
class LeadVendor:
    """The dealer that a lead is for."""

    name: str | None = _field(default=None, metadata={"optional": True})
    """Its name."""
    ids: list[LeadReference] = _field(default_factory=list, metadata={"optional": True})
    """Its identifiers at the provider."""
    url: str | None = _field(default=None, metadata={"optional": True})
    """Its web site."""


@dataclass(kw_only=True)
class LeadCustomer:
    """The person or business that made the request."""

    ids: list[LeadReference] = _field(default_factory=list, metadata={"optional": True})
    """Identifiers of the customer."""
    name: PersonName | None = _field(default=None, metadata={"optional": True})
    """The name in its parts."""
    emails: list[EmailAddress]
    """E-mail addresses."""
    phones: list[PhoneNumber]
    """Phone numbers."""
    address: PostalAddress | None = _field(default=None, metadata={"optional": True})
    """The postal address."""
    timeframe: LeadTimeframe | None = _field(default=None, metadata={"optional": True})
    """When the customer wants to buy."""
    comments: str | None = _field(default=None, metadata={"optional": True})
    """What the customer wrote."""
    refuses_contact_by: list[ContactChannel] = _field(default_factory=list, metadata={"name": "refusesContactBy", "optional": True})
    """Channels that the customer refuses."""


@dataclass(kw_only=True)
class LeadTimeframe:
    """When the customer wants to buy."""

    description: str | None = _field(default=None, metadata={"optional": True})
    """In the customer's words."""
    earliest: str | None = _field(default=None, metadata={"optional": True})
    """The earliest date."""
    latest: str | None = _field(default=None, metadata={"optional": True})
    """The latest date."""


@dataclass(kw_only=True)
class LeadVehicle:
    """A vehicle that is wanted, offered or traded in."""

    ids: list[LeadReference] = _field(default_factory=list, metadata={"optional": True})
    """Its identifiers."""
    interest: VehicleInterest
    """What the customer wants with it."""
    condition: VehicleCondition | None = _field(default=None, metadata={"optional": True})
    """Whether it is new."""
    grade: str | None = _field(default=None, metadata={"optional": True})
    """The condition of a used vehicle, as written."""
    year: int | None = _field(default=None, metadata={"optional": True})
    """Model year."""
    make: str | None = _field(default=None, metadata={"optional": True})
    """Make."""
    model: str | None = _field(default=None, metadata={"optional": True})
    """Model."""
    trim: str | None = _field(default=None, metadata={"optional": True})
    """Trim level."""
    body_style: str | None = _field(default=None, metadata={"name": "bodyStyle", "optional": True})
    """Body style."""
    transmission: str | None = _field(default=None, metadata={"optional": True})
    """Transmission."""
    doors: int | None = _field(default=None, metadata={"optional": True})
    """Number of doors."""
    vin: str | None = _field(default=None, metadata={"optional": True})
    """The VIN as written, in upper case."""
    vin_check: VinCheck = _field(metadata={"name": "vinCheck"})
    """The result of the VIN's own check."""
    stock: str | None = _field(default=None, metadata={"optional": True})
    """The dealer's stock number."""
    odometer: Odometer | None = _field(default=None, metadata={"optional": True})
    """The mileage."""
    colors: list[VehicleColors] = _field(default_factory=list, metadata={"optional": True})
    """Combinations of colors."""
    price: VehiclePrice | None = _field(default=None, metadata={"optional": True})
    """The price."""
    price_comments: str | None = _field(default=None, metadata={"name": "priceComments", "optional": True})
    """Comments on the price."""
    options: list[str] = _field(default_factory=list, metadata={"optional": True})
    """Options by name."""
    finance: Finance | None = _field(default=None, metadata={"optional": True})
    """How the customer pays."""
    image_url: str | None = _field(default=None, metadata={"name": "imageUrl", "optional": True})
    """URL of a picture."""
    comments: str | None = _field(default=None, metadata={"optional": True})
    """Comments on the vehicle."""


VehicleInterest = str
"""What a customer wants with a vehicle. Known values: "buy", "lease", "sell", "trade-in", "test-drive"."""


VehicleCondition = str
"""Whether a vehicle is new or used. Known values: "new", "used"."""


VinCheck = str
"""The result of a VIN's own check (49 CFR 565.15): `foreign` has no check digit, `absent` means no VIN. Known values:
"valid", "invalid", "foreign", "absent".
"""


@dataclass(kw_only=True)
class Odometer:
    """A mileage."""

    value: int
    """The reading."""
    units: OdometerUnits
    """Its units."""
    status: str | None = _field(default=None, metadata={"optional": True})
    """Whether the reading is known, such as `replaced`."""


OdometerUnits = str
"""Units of a mileage. Known values: "mi", "km"."""


@dataclass(kw_only=True)
class VehicleColors:
    """A combination of colors."""

    interior: str | None = _field(default=None, metadata={"optional": True})
    """Interior color."""
    exterior: str | None = _field(default=None, metadata={"optional": True})
    """Exterior color."""
    preference: int | None = _field(default=None, metadata={"optional": True})
    """Rank; 1 is the first choice."""


@dataclass(kw_only=True)
class VehiclePrice:
    """A price."""

    amount: str
    """The amount, or the difference."""
    currency: str
    """ISO 4217 letters."""
    kind: PriceKind
    """What the price is."""
    delta: PriceDelta | None = _field(default=None, metadata={"optional": True})
    """For a price difference: how it is meant."""
    relative_to: str | None = _field(default=None, metadata={"name": "relativeTo", "optional": True})
    """For a price difference: the price that it refers to."""
    source: str | None = _field(default=None, metadata={"optional": True})
    """Where the price comes from."""


PriceKind = str
"""The kind of a price. Known values: "quote", "offer", "msrp", "invoice", "call", "appraisal", "asking"."""


PriceDelta = str
"""How a price difference is meant. Known values: "absolute", "relative", "percentage"."""


@dataclass(kw_only=True)
class Finance:
    """How a customer pays."""

    method: str | None = _field(default=None, metadata={"optional": True})
    """The method, such as `cash`, `finance` or `lease`."""
    amounts: list[FinanceAmount] = _field(default_factory=list, metadata={"optional": True})
    """Amounts that the customer named."""
    balance: FinanceAmount | None = _field(default=None, metadata={"optional": True})
    """What is still owed."""


@dataclass(kw_only=True)
class FinanceAmount:
    """An amount of a payment."""

    amount: str
    """The amount."""
    currency: str
    """ISO 4217 letters."""
    kind: FinanceKind
    """What the amount is."""
    limit: FinanceLimit | None = _field(default=None, metadata={"optional": True})
    """Whether it is a limit."""


FinanceKind = str
"""The kind of an amount; of a balance `finance` or `residual`. Known values: "downpayment", "monthly", "total",
"finance", "residual".
"""


FinanceLimit = str
"""How an amount is meant. Known values: "maximum", "minimum", "exact"."""


@dataclass(kw_only=True)
class LeadWarning:
    """What could not be read as written."""

    code: str
    """Stable kebab-case word."""
    field: str
    """The place in the document."""
    message: str
    """For people."""


@dataclass(kw_only=True)
class OutboxAnswered:
    """The outcome of an outbox request."""

    key: str
    """The key of the request."""
    outcome: OutboxOutcome
    """`answered` if there is a response, whatever its status; `failed` if the host gave up."""
    status: int | None = _field(default=None, metadata={"optional": True})
    """The status of the response. Statuses 408, 425, 429 and 5xx are retried first; they are here if that did not help.
    """
    headers: list[list[str]] = _field(default_factory=list, metadata={"optional": True})
    """The header fields of the response: name and value."""
    body: str | None = _field(default=None, metadata={"optional": True})
    """The body, if it is UTF-8."""
    body_base64: str | None = _field(default=None, metadata={"name": "bodyBase64", "optional": True})
    """The body in Base64, if it is not UTF-8."""
    attempts: int
    """How often the request was sent."""
    error: str | None = _field(default=None, metadata={"optional": True})
    """Why the host gave up."""


OutboxOutcome = str
"""The kind of outcome of an outbox request. Known values: "answered", "failed"."""


@dataclass(kw_only=True)
class SaleClosed:
    """A car has a new owner."""

    vin: str
    """The car: 17 characters with a correct check digit."""
    sold_at: datetime = _field(metadata={"name": "soldAt"})
    """When it was sold."""
    customer: SaleCustomer
    """The buyer."""


@dataclass(kw_only=True)
class SaleCustomer:
    """The buyer of a car."""

    name: PersonName
    """The name in its parts."""
    emails: list[SaleEmail] = _field(default_factory=list, metadata={"optional": True})
    """E-mail addresses."""
    phones: list[SalePhone] = _field(default_factory=list, metadata={"optional": True})
    """Phone numbers."""
    address: PostalAddress | None = _field(default=None, metadata={"optional": True})
    """The postal address."""


@dataclass(kw_only=True)
class SaleEmail:
    """An e-mail address of a buyer."""

    address: str
    """The address as written."""


@dataclass(kw_only=True)
class SalePhone:
    """A phone number of a buyer."""

    number: str
    """The number as written."""


@dataclass(kw_only=True)
class ScheduleTicked:
    """The tick of a schedule."""

    schedule: str
    """The schedule's name in the settings."""
    scheduled_for: datetime = _field(metadata={"name": "scheduledFor"})
    """When it was due. With `jitter`, the delivery is later."""
    local_time: str = _field(metadata={"name": "localTime"})
    """The same time with the offset of the rooftop's zone."""


@dataclass(kw_only=True)
class PersonName:
    """A name in the given parts."""

    full: str | None = _field(default=None, metadata={"optional": True})
    """The whole name."""
    first: str | None = _field(default=None, metadata={"optional": True})
    """Given name."""
    middle: str | None = _field(default=None, metadata={"optional": True})
    """Middle name."""
    last: str | None = _field(default=None, metadata={"optional": True})
    """Surname."""
    suffix: str | None = _field(default=None, metadata={"optional": True})
    """Generation suffix, such as `Jr.`."""
    kind: NameKind
    """Whether it names a person or a business."""


NameKind = str
"""The kind of name. Known values: "individual", "business"."""


@dataclass(kw_only=True)
class EmailAddress:
    """An e-mail address."""

    address: str
    """The address as written."""
    preferred: bool
    """Whether the customer prefers it."""


@dataclass(kw_only=True)
class PhoneNumber:
    """A phone number."""

    number: str
    """The number as written."""
    kind: PhoneKind
    """The kind of phone."""
    best_time: str | None = _field(default=None, metadata={"name": "bestTime", "optional": True})
    """When to call: `morning`, `day`, `afternoon` or `evening`."""
    preferred: bool
    """Whether the customer prefers it."""


PhoneKind = str
"""The kind of phone. Known values: "voice", "cellphone", "fax", "pager", "unknown"."""


@dataclass(kw_only=True)
class PostalAddress:
    """A postal address."""

    street: list[str] = _field(default_factory=list, metadata={"optional": True})
    """Lines of the street."""
    apartment: str | None = _field(default=None, metadata={"optional": True})
    """The apartment or unit."""
    city: str | None = _field(default=None, metadata={"optional": True})
    """The city."""
    region: str | None = _field(default=None, metadata={"optional": True})
    """The state or region."""
    postal_code: str | None = _field(default=None, metadata={"name": "postalCode", "optional": True})
    """ZIP or other postal code."""
    country: str | None = _field(default=None, metadata={"optional": True})
    """The country as ISO 3166 letters."""


ContactChannel = str
"""A way to contact a customer. Known values: "call", "text", "email"."""
