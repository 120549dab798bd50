// Sends each order to the parts desk, and emits an event once the parts desk has accepted or refused it.

import { type Connector, type Context, Reject, Request } from "handoff-sdk";

/** The installation's config, as `config.schema.json` allows it. */
interface Config {
  /** Base URL of the parts desk's system. */
  "parts-desk-url": string;
}

/** The data of `com.example.order.received.v1`. */
interface Order {
  id: string;
  customer: string;
  amount: number;
}

/** The data of `com.handoff.outbox.answered.v1`, as far as it is used here. */
interface Answer {
  key: string;
  status?: number;
}

export default {
  handle(cx, event) {
    if (event.type === "com.handoff.outbox.answered.v1") answered(cx, event.json<Answer>());
    else send(cx, event.json<Partial<Order> | null>() ?? {});
  },
} satisfies Connector<Config>;

/** The host sends the request after the commit, again and again until it is answered, and once for each key. */
function send(cx: Context<Config>, { id, customer, amount }: Partial<Order>): void {
  // Data that does not fit can never succeed: the event becomes a dead letter for people to look at.
  if (typeof id !== "string") throw new Reject("invalid-data", "expected an order with a text in `id`");
  const request = Request.put(cx.config["parts-desk-url"]).path(["orders", id]).auth("parts-desk");
  cx.send(id, request.json({ id, customer, amount }), { answer: true, partitionKey: id });
}

function answered(cx: Context<Config>, { key, status }: Answer): void {
  const accepted = status !== undefined && status >= 200 && status < 300;
  const type = accepted ? "com.example.order.accepted.v1" : "com.example.order.refused.v1";
  cx.emit({ type, data: { order: key, status: status ?? null } });
}
