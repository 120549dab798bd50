// Generated from sdk/schemas/events; do not edit.
//
// The events of the host and of the reference connectors: their types and the shapes of their data. A newer sender may add
// fields and values. Times are texts in the form of RFC 3339.

/** A person has contacted the customer, or the lead is not on the list any more. Data: `CallClosed`. */
export const CALL_CLOSED: "com.handoff.call.closed.v1";

/** A timer of bdc-list: the next level of escalation is due. Data: `CallDue`. */
export const CALL_DUE: "com.handoff.call.due.v1";

/** A customer was not contacted in time. Data: `CallEscalated`. */
export const CALL_ESCALATED: "com.handoff.call.escalated.v1";

/** The CRM has taken a lead into its call list. Data: `CallListed`. */
export const CALL_LISTED: "com.handoff.call.listed.v1";

/** The CRM refused a request. The lead is not lost: the clock continues. Data: `CallRefused`. */
export const CALL_REFUSED: "com.handoff.call.refused.v1";

/**
 * A person allowed or forbade a channel. At least one of `customerId`, `phone` and `email` says whom it is about. Data:
 * `ConsentChanged`.
 */
export const CONSENT_CHANGED: "com.handoff.consent.changed.v1";

/** Two customers are one person, by a person's decision or by the evidence of a lead. Data: `CustomerMerged`. */
export const CUSTOMER_MERGED: "com.handoff.customer.merged.v1";

/** A merge was wrong and is undone: both customers are restored. Data: `CustomerUnmerged`. */
export const CUSTOMER_UNMERGED: "com.handoff.customer.unmerged.v1";

/**
 * A file that another system put into a watched folder, with its content. The settings name the folder in
 * `[[folders]]`. Data: bytes.
 */
export const FILE_DROPPED: "com.handoff.file.dropped.v1";

/**
 * A webhook that the host verified, with its body as it was sent. Its connector needs `[hook]` in the manifest, its
 * installation `[hook]` in the settings. Data: bytes.
 */
export const HOOK_RECEIVED: "com.handoff.hook.received.v1";

/** An order of a person: these two customers are the same person. Data: `IdentityMerge`. */
export const IDENTITY_MERGE: "com.handoff.identity.merge.v1";

/** An order of a person: this merge was wrong. Data: `IdentityUnmerge`. */
export const IDENTITY_UNMERGE: "com.handoff.identity.unmerge.v1";

/**
 * A lead with its customer. `lead` is the data of com.handoff.lead.received.v1 as it was received. Data:
 * `LeadIdentified`.
 */
export const LEAD_IDENTIFIED: "com.handoff.lead.identified.v1";

/**
 * A lead from a web site, a manufacturer or a lead service. A changed or repeated lead is emitted again with a higher
 * `revision`. Data: `Lead`.
 */
export const LEAD_RECEIVED: "com.handoff.lead.received.v1";

/**
 * The outcome of an outbox request that was sent with `answer`: the target's response, or why the host gave up. Data:
 * `OutboxAnswered`.
 */
export const OUTBOX_ANSWERED: "com.handoff.outbox.answered.v1";

/** A car has a new owner. The same car at the same time is the same sale. Data: `SaleClosed`. */
export const SALE_CLOSED: "com.handoff.sale.closed.v1";

/**
 * A schedule of the settings (`[[schedules]]`) is due. Of ticks that were missed while the host was down, only the
 * latest is delivered. Data: `ScheduleTicked`.
 */
export const SCHEDULE_TICKED: "com.handoff.schedule.ticked.v1";

/** The end of a call. */
export interface CallClosed {
  /** The lead. */
  leadId: string;
  /** The customer. */
  customerId: string;
  /** The queue that the call is in. */
  queue: string;
  /** The CRM's id of the entry, if the CRM has answered. */
  entryId?: string;
  /** Why it ended. */
  reason: CallEnd;
  /** When it ended. */
  at: string;
  /** How many levels of escalation were reached. */
  escalations: number;
  /** The person who made the contact. */
  by?: string;
  /** The outcome, in the CRM's words. */
  outcome?: string;
  /** When the dealer received the lead; only with a contact. */
  receivedAt?: string;
  /** Response time by the clock, in seconds; only with a contact. */
  responseSeconds?: number;
  /** Response time within business hours, in seconds; only with a contact. */
  responseBusinessSeconds?: number;
}

/** Why a call ended. */
export type CallEnd = "first-contact" | "opted-out" | "no-way-to-contact" | (string & {});

/** A level of escalation is due. */
export interface CallDue {
  /** The lead. */
  leadId: string;
  /** The level, from 1. */
  level: number;
}

/** A level of escalation is reached. */
export interface CallEscalated {
  /** The lead. */
  leadId: string;
  /** The customer. */
  customerId: string;
  /** The queue that the call is in. */
  queue: string;
  /** The CRM's id of the entry, if the CRM has answered. */
  entryId?: string;
  /** The level, from 1. */
  level: number;
  /** Who is told, as configured. */
  to: string;
  /** Seconds since the lead was received. */
  waitedSeconds: number;
  /** When the dealer received the lead. */
  receivedAt: string;
}

/** A call that is on the list. */
export interface CallListed {
  /** The lead. */
  leadId: string;
  /** The customer. */
  customerId: string;
  /** The queue that the call is in. */
  queue: string;
  /** The CRM's id of the entry, if the CRM has answered. */
  entryId?: string;
  /** The team. */
  team?: string;
  /** Channels on which the customer may be contacted. */
  contactBy: ContactChannel[];
  /** The revision of the lead that is listed. */
  revision: number;
  /** When the dealer received the lead: the clock's start. */
  receivedAt: string;
  /** When the first escalation is due; absent without escalations. */
  respondBy?: string;
}

/** A request that the CRM refused. */
export interface CallRefused {
  /** The lead. */
  leadId: string;
  /** The customer. */
  customerId: string;
  /** The queue that the call is in. */
  queue: string;
  /** The CRM's id of the entry, if the CRM has answered. */
  entryId?: string;
  /** The request. */
  operation: CallOperation;
  /** Why: a stable kebab-case word of the README of bdc-list. */
  code: string;
  /** The HTTP status; absent if there was no response. */
  status?: number;
  /** The revision of the lead. */
  revision: number;
}

/** A request to the CRM. */
export type CallOperation = "list" | "update" | "escalate" | (string & {});

/** A consent for a channel. */
export interface ConsentChanged {
  /** The customer. */
  customerId?: string;
  /** The number that the consent is about. */
  phone?: string;
  /** The address that the consent is about. */
  email?: string;
  /** The channel. */
  channel: ConsentChannel;
  /** True: no more contact on this channel. */
  optedOut: boolean;
  /** The system that recorded it. */
  source?: string;
  /** When the person said so. Absent: when the event is handled. */
  at?: string;
}

/** The channel of a consent. */
export type ConsentChannel = "call" | "text" | "email" | "all" | (string & {});

/** A merge of two customers. */
export interface CustomerMerged {
  /** Stable id of the merge; an unmerge names it. */
  mergeId: string;
  /** The customer that stays. */
  keep: string;
  /** The customer that is now part of it. */
  merged: string;
  /** `manual`, or the evidence of a lead: `vin`, `phone` or `email`. */
  rule: string;
  /** Who decided. */
  by: string;
  /** The reason, as a sentence. */
  reason: string;
  /** When they were merged. */
  at: string;
  /** The record whose value is shown, for each field. */
  survivorship: SurvivingField[];
  /** Channels that are closed now. */
  optOut: OptOut;
  /** Channels that were closed before. */
  optOutBefore: MergedOptOuts;
}

/** The record whose value of a field is shown. */
export interface SurvivingField {
  /** `name`, `phone`, `email` or `address`. */
  field: string;
  /** The record. */
  from: string;
}

/** Closed channels of both customers before a merge. */
export interface MergedOptOuts {
  /** Of the customer that stays. */
  keep: OptOut;
  /** Of the merged customer. */
  merged: OptOut;
}

/** A merge that was undone. */
export interface CustomerUnmerged {
  /** The merge. */
  mergeId: string;
  /** The customer that stays. */
  keep: string;
  /** The customer that is separate again. */
  restored: string;
  /** The rule of the merge. */
  rule: string;
  /** Who decided. */
  by: string;
  /** The reason, as a sentence. */
  reason: string;
  /** When it was undone. */
  at: string;
  /** Which leads belong to whom, as sentences. */
  explanation: string[];
  /** Channels that are closed now. */
  optOut: UnmergedOptOuts;
}

/** Closed channels of both customers after an unmerge. */
export interface UnmergedOptOuts {
  /** Of the customer that stays. */
  keep: OptOut;
  /** Of the restored customer. */
  restored: OptOut;
}

/** An order to merge two customers. */
export interface IdentityMerge {
  /** The customer that stays. */
  keep: string;
  /** The customer that becomes part of it. */
  merge: string;
  /** The person who decided. */
  by: string;
  /** The reason. */
  reason?: string;
}

/** An order to undo a merge. */
export interface IdentityUnmerge {
  /** The merge, as in com.handoff.customer.merged.v1. */
  mergeId: string;
  /** The person who decided. */
  by: string;
  /** The reason. */
  reason?: string;
}

/** A lead with its customer. */
export interface LeadIdentified {
  /** The lead as it was received. */
  lead: Lead;
  /** Its customer. */
  identity: Identity;
}

/** The customer of a lead, and how it was found. */
export interface Identity {
  /** Stable id of the customer. */
  customerId: string;
  /** What was decided: `review` means a new customer for now, with candidates for a person to decide. */
  decision: IdentityDecision;
  /** The evidence that decided: `vin`, `phone`, `email`, `name`, `resend` or `none`. */
  rule: string;
  /** Score of the best candidate by name and address; 0 without one. */
  score: number;
  /** The reasons, as sentences. */
  explanation: string[];
  /** The customer's cars, at most 20. */
  vehicles: CustomerVehicle[];
  /** Channels that the customer opted out of. */
  optOut: OptOut;
  /** Customers that may be the same person. */
  candidates?: IdentityCandidate[];
  /** The household, if the customer is linked to one. */
  householdId?: string;
}

/** How a customer was found. */
export type IdentityDecision = "matched" | "created" | "review" | (string & {});

/** A car of a customer. */
export interface CustomerVehicle {
  /** A valid VIN. */
  vin: string;
  /** The customer's relation to it. */
  role: VehicleRole;
  /** The customer's ownership. */
  ownershipPeriod?: OwnershipPeriod;
}

/** A customer's relation to a car. */
export type VehicleRole = "owner" | "former-owner" | "trade-in" | "interest" | (string & {});

/** A period of ownership of a car. */
export interface OwnershipPeriod {
  /** 1 for the first known owner. */
  number: number;
  /** When it began, if known. */
  since?: string;
  /** When it ended, if it ended. */
  until?: string;
}

/** Channels that a customer opted out of. */
export interface OptOut {
  /** No calls. */
  call: boolean;
  /** No text messages. */
  text: boolean;
  /** No e-mail. */
  email: boolean;
}

/** A customer that may be the same person. */
export interface IdentityCandidate {
  /** The customer. */
  customerId: string;
  /** The score by name and address. */
  score: number;
  /** What agrees and what differs, as sentences. */
  reasons: string[];
}

/**
 * One prospect of an ADF 1.0 document. Unknown values are omitted. Later versions may add fields; they rename and
 * remove none.
 */
export interface Lead {
  /** Stable id of the lead, also after a resend: 32 hexadecimal digits. */
  leadId: string;
  /** `resend` if and only if `revision` is above 1. */
  status: LeadStatus;
  /** How many times this lead was emitted, from 1. */
  revision: number;
  /** When the customer made the request. Absent without a readable date. */
  requestedAt?: string;
  /** The date as written. */
  requestedAtText?: string;
  /** Identifiers that parties gave to the lead. */
  ids?: LeadReference[];
  /** The source of the lead. */
  provider?: LeadProvider;
  /** The dealer that the lead is for. */
  vendor?: LeadVendor;
  /** The person or business that made the request. */
  customer: LeadCustomer;
  /** Vehicles that the customer asks for or offers. */
  vehicles: LeadVehicle[];
  /** Vehicles that the customer trades in. */
  tradeIns: LeadVehicle[];
  /** What was written elsewhere than in a customer's or a vehicle's comments, labelled with its place. */
  comments?: string;
  /** What could not be read as written. */
  warnings: LeadWarning[];
}

/** Whether a lead is new to the dealer. */
export type LeadStatus = "new" | "resend" | (string & {});

/** An identifier that a party assigned. */
export interface LeadReference {
  /** The party that assigned it. */
  source?: string;
  /** Its rank among identifiers. */
  sequence?: number;
  /** The identifier. */
  value: string;
}

/** The source of a lead. */
export interface LeadProvider {
  /** Its identifiers. */
  ids?: LeadReference[];
  /** Its name. */
  name?: string;
  /** The service that sent the lead. */
  service?: string;
  /** Its web site. */
  url?: string;
  /** Its e-mail address. */
  email?: string;
  /** Its phone number. */
  phone?: string;
}

/** The dealer that a lead is for. */
export interface LeadVendor {
  /** Its name. */
  name?: string;
  /** Its identifiers at the provider. */
  ids?: LeadReference[];
  /** Its web site. */
  url?: string;
}

/** The person or business that made the request. */
export interface LeadCustomer {
  /** Identifiers of the customer. */
  ids?: LeadReference[];
  /** The name in its parts. */
  name?: PersonName;
  /** E-mail addresses. */
  emails: EmailAddress[];
  /** Phone numbers. */
  phones: PhoneNumber[];
  /** The postal address. */
  address?: PostalAddress;
  /** When the customer wants to buy. */
  timeframe?: LeadTimeframe;
  /** What the customer wrote. */
  comments?: string;
  /** Channels that the customer refuses. */
  refusesContactBy?: ContactChannel[];
}

/** When the customer wants to buy. */
export interface LeadTimeframe {
  /** In the customer's words. */
  description?: string;
  /** The earliest date. */
  earliest?: string;
  /** The latest date. */
  latest?: string;
}

/** A vehicle that is wanted, offered or traded in. */
export interface LeadVehicle {
  /** Its identifiers. */
  ids?: LeadReference[];
  /** What the customer wants with it. */
  interest: VehicleInterest;
  /** Whether it is new. */
  condition?: VehicleCondition;
  /** The condition of a used vehicle, as written. */
  grade?: string;
  /** Model year. */
  year?: number;
  /** Make. */
  make?: string;
  /** Model. */
  model?: string;
  /** Trim level. */
  trim?: string;
  /** Body style. */
  bodyStyle?: string;
  /** Transmission. */
  transmission?: string;
  /** Number of doors. */
  doors?: number;
  /** The VIN as written, in upper case. */
  vin?: string;
  /** The result of the VIN's own check. */
  vinCheck: VinCheck;
  /** The dealer's stock number. */
  stock?: string;
  /** The mileage. */
  odometer?: Odometer;
  /** Combinations of colors. */
  colors?: VehicleColors[];
  /** The price. */
  price?: VehiclePrice;
  /** Comments on the price. */
  priceComments?: string;
  /** Options by name. */
  options?: string[];
  /** How the customer pays. */
  finance?: Finance;
  /** URL of a picture. */
  imageUrl?: string;
  /** Comments on the vehicle. */
  comments?: string;
}

/** What a customer wants with a vehicle. */
export type VehicleInterest = "buy" | "lease" | "sell" | "trade-in" | "test-drive" | (string & {});

/** Whether a vehicle is new or used. */
export type VehicleCondition = "new" | "used" | (string & {});

/** The result of a VIN's own check (49 CFR 565.15): `foreign` has no check digit, `absent` means no VIN. */
export type VinCheck = "valid" | "invalid" | "foreign" | "absent" | (string & {});

/** A mileage. */
export interface Odometer {
  /** The reading. */
  value: number;
  /** Its units. */
  units: OdometerUnits;
  /** Whether the reading is known, such as `replaced`. */
  status?: string;
}

/** Units of a mileage. */
export type OdometerUnits = "mi" | "km" | (string & {});

/** A combination of colors. */
export interface VehicleColors {
  /** Interior color. */
  interior?: string;
  /** Exterior color. */
  exterior?: string;
  /** Rank; 1 is the first choice. */
  preference?: number;
}

/** A price. */
export interface VehiclePrice {
  /** The amount, or the difference. */
  amount: string;
  /** ISO 4217 letters. */
  currency: string;
  /** What the price is. */
  kind: PriceKind;
  /** For a price difference: how it is meant. */
  delta?: PriceDelta;
  /** For a price difference: the price that it refers to. */
  relativeTo?: string;
  /** Where the price comes from. */
  source?: string;
}

/** The kind of a price. */
export type PriceKind = "quote" | "offer" | "msrp" | "invoice" | "call" | "appraisal" | "asking" | (string & {});

/** How a price difference is meant. */
export type PriceDelta = "absolute" | "relative" | "percentage" | (string & {});

/** How a customer pays. */
export interface Finance {
  /** The method, such as `cash`, `finance` or `lease`. */
  method?: string;
  /** Amounts that the customer named. */
  amounts?: FinanceAmount[];
  /** What is still owed. */
  balance?: FinanceAmount;
}

/** An amount of a payment. */
export interface FinanceAmount {
  /** The amount. */
  amount: string;
  /** ISO 4217 letters. */
  currency: string;
  /** What the amount is. */
  kind: FinanceKind;
  /** Whether it is a limit. */
  limit?: FinanceLimit;
}

/** The kind of an amount; of a balance `finance` or `residual`. */
export type FinanceKind = "downpayment" | "monthly" | "total" | "finance" | "residual" | (string & {});

/** How an amount is meant. */
export type FinanceLimit = "maximum" | "minimum" | "exact" | (string & {});

/** What could not be read as written. */
export interface LeadWarning {
  /** Stable kebab-case word. */
  code: string;
  /** The place in the document. */
  field: string;
  /** For people. */
  message: string;
}

/** The outcome of an outbox request. */
export interface OutboxAnswered {
  /** The key of the request. */
  key: string;
  /** `answered` if there is a response, whatever its status; `failed` if the host gave up. */
  outcome: OutboxOutcome;
  /**
   * The status of the response. Statuses 408, 425, 429 and 5xx are retried first; they are here if that did not help.
   */
  status?: number;
  /** The header fields of the response: name and value. */
  headers?: [string, string][];
  /** The body, if it is UTF-8. */
  body?: string | null;
  /** The body in Base64, if it is not UTF-8. */
  bodyBase64?: string | null;
  /** How often the request was sent. */
  attempts: number;
  /** Why the host gave up. */
  error?: string | null;
}

/** The kind of outcome of an outbox request. */
export type OutboxOutcome = "answered" | "failed" | (string & {});

/** A car has a new owner. */
export interface SaleClosed {
  /** The car: 17 characters with a correct check digit. */
  vin: string;
  /** When it was sold. */
  soldAt: string;
  /** The buyer. */
  customer: SaleCustomer;
}

/** The buyer of a car. */
export interface SaleCustomer {
  /** The name in its parts. */
  name: PersonName;
  /** E-mail addresses. */
  emails?: SaleEmail[];
  /** Phone numbers. */
  phones?: SalePhone[];
  /** The postal address. */
  address?: PostalAddress;
}

/** An e-mail address of a buyer. */
export interface SaleEmail {
  /** The address as written. */
  address: string;
}

/** A phone number of a buyer. */
export interface SalePhone {
  /** The number as written. */
  number: string;
}

/** The tick of a schedule. */
export interface ScheduleTicked {
  /** The schedule's name in the settings. */
  schedule: string;
  /** When it was due. With `jitter`, the delivery is later. */
  scheduledFor: string;
  /** The same time with the offset of the rooftop's zone. */
  localTime: string;
}

/** A name in the given parts. */
export interface PersonName {
  /** The whole name. */
  full?: string;
  /** Given name. */
  first?: string;
  /** Middle name. */
  middle?: string;
  /** Surname. */
  last?: string;
  /** Generation suffix, such as `Jr.`. */
  suffix?: string;
  /** Whether it names a person or a business. */
  kind: NameKind;
}

/** The kind of name. */
export type NameKind = "individual" | "business" | (string & {});

/** An e-mail address. */
export interface EmailAddress {
  /** The address as written. */
  address: string;
  /** Whether the customer prefers it. */
  preferred: boolean;
}

/** A phone number. */
export interface PhoneNumber {
  /** The number as written. */
  number: string;
  /** The kind of phone. */
  kind: PhoneKind;
  /** When to call: `morning`, `day`, `afternoon` or `evening`. */
  bestTime?: string;
  /** Whether the customer prefers it. */
  preferred: boolean;
}

/** The kind of phone. */
export type PhoneKind = "voice" | "cellphone" | "fax" | "pager" | "unknown" | (string & {});

/** A postal address. */
export interface PostalAddress {
  /** Lines of the street. */
  street?: string[];
  /** The apartment or unit. */
  apartment?: string;
  /** The city. */
  city?: string;
  /** The state or region. */
  region?: string;
  /** ZIP or other postal code. */
  postalCode?: string;
  /** The country as ISO 3166 letters. */
  country?: string;
}

/** A way to contact a customer. */
export type ContactChannel = "call" | "text" | "email" | (string & {});
