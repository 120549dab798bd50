// The examples of the documentation in TypeScript, as one connector. Its pages show the regions.

import { type Connector, type Context, Misconfigured, Reject, Request, Retry } from "handoff-sdk";
import { HOOK_RECEIVED, OUTBOX_ANSWERED, type OutboxAnswered } from "handoff-sdk/events";

const RECEIVED = "com.acme.order.received.v1";
const OVERDUE = "com.acme.order.overdue.v1";

// region config
interface Config {
  /** Base URL of the CRM. */
  "crm-url": string;
  /** Hours until an order without an answer is reported. */
  "overdue-hours"?: number;
}

function validate(cx: Context<Config>): void {
  if (cx.config["overdue-hours"] === 0) {
    throw new Misconfigured("`overdue-hours` is 0; expected at least 1");
  }
}
// endregion

/** What the shop sends. */
interface Order {
  number: string;
  customer: string;
}

interface Stored {
  customer: string;
  since: string;
}

export default {
  // region event
  handle(cx, event) {
    switch (event.type) {
      case HOOK_RECEIVED:
        return receive(cx, event.json<Order>());
      case OUTBOX_ANSWERED:
        return answered(cx, event.json<OutboxAnswered>());
      case OVERDUE:
        return overdue(cx, event.json<{ number: string }>());
      default:
        throw cx.unexpectedType(event.type);
    }
  },
  // endregion
  validate,
  migrate,
} satisfies Connector<Config>;

function receive(cx: Context<Config>, order: Order): void {
  checkCustomer(cx, order);
  if (remember(cx, order)) {
    announce(cx, order);
    enter(cx, order);
    remind(cx, order);
  }
}

// region emit
function announce(cx: Context<Config>, order: Order): void {
  cx.emit({ type: RECEIVED, data: order, subject: order.number, partitionKey: order.number });
}
// endregion

// region state
/** Stores an order; false if it is known. */
function remember(cx: Context<Config>, order: Order): boolean {
  const key = `order/${order.number}`;
  if (cx.state.get<Stored>(key) !== undefined) {
    return false;
  }
  cx.state.set(key, { customer: order.customer, since: cx.now().toISOString() } satisfies Stored);
  return true;
}
// endregion

// region outbox
function enter(cx: Context<Config>, order: Order): void {
  const request = Request.post(cx.config["crm-url"]).path(["orders"]).auth("crm").json(order);
  cx.send(`order-${order.number}`, request, { answer: true, partitionKey: order.number });
}

function answered(cx: Context<Config>, answer: OutboxAnswered): void {
  const number = answer.key.replace(/^order-/, "");
  const status = answer.status ?? 0;
  if (answer.outcome === "answered" && status >= 200 && status < 300) {
    cx.cancel(`overdue/${number}`);
  } else {
    cx.warn("the CRM did not take the order", { order: number });
  }
}
// endregion

// region timer
function remind(cx: Context<Config>, order: Order): void {
  const hours = cx.config["overdue-hours"] ?? 24;
  const at = cx.now().getTime() + hours * 3_600_000;
  const event = { type: OVERDUE, data: { number: order.number }, partitionKey: order.number };
  cx.schedule(`overdue/${order.number}`, at, event);
}

function overdue(cx: Context<Config>, order: { number: string }): void {
  cx.warn("the CRM has not taken the order", { order: order.number });
  cx.counter("orders-overdue");
}
// endregion

// region look-up
function checkCustomer(cx: Context<Config>, order: Order): void {
  const request = Request.get(cx.config["crm-url"]).path(["customers", order.customer]).auth("crm");
  const { status } = cx.fetch(request);
  if (status === 404) {
    throw new Reject("customer-unknown", "the CRM does not know the order's customer");
  }
  if (status !== 200) {
    throw new Retry("crm-unavailable", `the CRM answered ${status}`, { afterMs: 60_000 });
  }
}
// endregion

// region migrate
/** Schema 1 stored only the customer, as text. */
function migrate(cx: Context<Config>, fromSchema: number): void {
  if (fromSchema !== 1) {
    throw new Misconfigured(`no migration from schema ${fromSchema}`);
  }
  for (const [key, customer] of cx.state.scanJson<string>("order/")) {
    cx.state.set(key, { customer, since: cx.now().toISOString() } satisfies Stored);
  }
}
// endregion
