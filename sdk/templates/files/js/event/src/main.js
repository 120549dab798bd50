// Sends each order to the parts desk, and emits an event once the parts desk has accepted or refused it.

import { Reject, Request } from "handoff-sdk";

/**
 * The installation's config, as `config.schema.json` allows it: the base URL of the parts desk's system.
 * @typedef {{ "parts-desk-url": string }} Config
 */

/**
 * The data of `com.example.order.received.v1`.
 * @typedef {{ id: string, customer: string, amount: number }} Order
 */

/**
 * The data of `com.handoff.outbox.answered.v1`, as far as it is used here.
 * @typedef {{ key: string, status?: number }} Answer
 */

/** @type {import("handoff-sdk").Connector<Config>} */
const connector = {
  handle(cx, event) {
    if (event.type === "com.handoff.outbox.answered.v1") answered(cx, event.json());
    else send(cx, event.json() ?? {});
  },
};

export default connector;

/**
 * The host sends the request after the commit, again and again until it is answered, and once for each key.
 * @param {import("handoff-sdk").Context<Config>} cx
 * @param {Partial<Order>} order
 */
function send(cx, { id, customer, amount }) {
  // Data that does not fit can never succeed: the event becomes a dead letter for people to look at.
  if (typeof id !== "string") throw new Reject("invalid-data", "expected an order with a text in `id`");
  const request = Request.put(cx.config["parts-desk-url"]).path(["orders", id]).auth("parts-desk");
  cx.send(id, request.json({ id, customer, amount }), { answer: true, partitionKey: id });
}

/**
 * @param {import("handoff-sdk").Context<Config>} cx
 * @param {Answer} answer
 */
function answered(cx, { key, status }) {
  const accepted = status !== undefined && status >= 200 && status < 300;
  const type = accepted ? "com.example.order.accepted.v1" : "com.example.order.refused.v1";
  cx.emit({ type, data: { order: key, status: status ?? null } });
}
