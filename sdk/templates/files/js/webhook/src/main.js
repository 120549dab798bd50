// Receives orders by webhook, and emits one event for each new order.

import { Reject } from "handoff-sdk";

/**
 * The installation's config, as `config.schema.json` allows it. Orders below the amount, in cents, are ignored.
 * @typedef {{ "minimum-amount"?: number }} Config
 */

/**
 * An order as the shop sends it, and the data of `com.example.order.received.v1`.
 * @typedef {{ id: string, customer: string, amount: number }} Order
 */

/** @type {import("handoff-sdk").Connector<Config>} */
const connector = {
  handle(cx, event) {
    const order = readOrder(event);
    if (order.amount < (cx.config["minimum-amount"] ?? 0)) {
      cx.counter("orders-ignored");
      return;
    }
    // Shops repeat webhooks. State, event and metric commit together, so that each order is emitted once.
    const key = `order/${order.id}`;
    if (cx.state.get(key) !== undefined) return;
    cx.state.set(key, cx.now());
    cx.counter("orders-received");
    // Events of one order stay in order.
    cx.emit({ type: "com.example.order.received.v1", data: order, partitionKey: order.id });
  },
};

export default connector;

/**
 * Data that does not fit can never succeed: `Reject` makes the event a dead letter for people to look at.
 * @param {import("handoff-sdk").Event} event
 * @returns {Order}
 */
function readOrder(event) {
  const { id, customer, amount } = event.json() ?? {};
  if (typeof id !== "string" || typeof customer !== "string" || typeof amount !== "number" || amount < 0) {
    throw new Reject("invalid-data", "expected an order: texts in `id` and `customer`, cents in `amount`");
  }
  return { id, customer, amount };
}
