// Assigns each lead to its owner and reminds of those that nobody took. The same as the connector in Rust.

import { type Connector, type Context, type Event, Misconfigured, Reject, Request, Retry } from "handoff-sdk";

interface Config {
  list: string;
  "crm-url": string;
  "escalate-after-minutes": number;
}

/** Data of `com.example.lead.received.v1`. An integer beyond 2^53 is a BigInt. */
interface Received {
  id: string;
  name: string;
  reference: number | bigint;
}

/** State under `lead/ID`, and data of `com.example.lead.routed.v1`. */
interface Routed extends Received {
  owner: string;
  at: number;
  answered: boolean;
}

export default {
  handle(cx, event) {
    switch (event.type) {
      case "com.example.lead.received.v1":
        return route(cx, received(event));
      case "com.example.lead.overdue.v1":
        return escalate(cx, event.json<{ id: string }>());
      case "com.handoff.outbox.answered.v1":
        return answered(cx, event);
      default:
        throw cx.unexpectedType(event.type);
    }
  },

  validate(cx) {
    if (cx.config.list === "") {
      throw new Misconfigured("config field `list` is empty; expected the name of a list");
    }
  },

  migrate(cx, fromSchema) {
    for (const [key, { id, reference }] of [...cx.state.scanJson<Received>("lead/")]) {
      const owner = cx.config.list;
      cx.state.set(key, { id, name: "", reference, owner, at: cx.now().getTime(), answered: false } satisfies Routed);
    }
    cx.info("migrated", { from: fromSchema });
  },
} satisfies Connector<Config>;

function received(event: Event): Received {
  const { id, name, reference } = event.json<Partial<Received>>();
  if (typeof id !== "string" || typeof name !== "string") {
    throw new Reject("invalid-data", `data of the event \`${event.type}\`: expected strings in \`id\` and \`name\``);
  }
  if (typeof reference !== "bigint" && !Number.isSafeInteger(reference)) {
    throw new Reject("invalid-data", `data of the event \`${event.type}\`, field \`reference\`: expected an integer`);
  }
  return { id, name, reference: reference! };
}

function route(cx: Context<Config>, lead: Received): void {
  const key = `lead/${lead.id}`;
  if (cx.state.getBytes(key) !== undefined) {
    cx.counter("leads-repeated");
    return;
  }
  const url = cx.config["crm-url"];
  const response = cx.fetch(Request.get(url).path([lead.id]).header("accept", "application/json"));
  if (response.status !== 200 && response.status !== 404) {
    throw new Retry("crm-unavailable", `the CRM answered with status ${response.status}`);
  }
  const owner = response.ok ? response.json<{ owner?: string }>().owner : undefined;
  const { list } = cx.config;
  const routed: Routed = { ...lead, owner: owner ?? list, at: cx.now().getTime(), answered: false };
  cx.state.set(key, routed);
  cx.emit({
    type: "com.example.lead.routed.v1",
    data: routed,
    subject: lead.id,
    partitionKey: lead.id,
    extensions: { list },
  });
  const at = cx.now().getTime() + cx.config["escalate-after-minutes"] * 60_000;
  const overdue = { type: "com.example.lead.overdue.v1", data: { id: lead.id }, partitionKey: lead.id };
  cx.schedule(`overdue/${lead.id}`, at, overdue);
  const request = Request.post(url)
    .path([lead.id])
    .header("x-lead", lead.id)
    .json({ owner: routed.owner, name: routed.name })
    .timeoutMs(3000);
  cx.send(`assign-${lead.id}`, request, { answer: true, partitionKey: lead.id });
  cx.counter("leads-routed", 1, { list });
  cx.histogram("lead-name-bytes", new TextEncoder().encode(lead.name).length);
  cx.info("routed a lead", { lead: lead.id });
}

function escalate(cx: Context<Config>, { id }: { id: string }): void {
  const lead = cx.state.get<Routed>(`lead/${id}`);
  if (lead === undefined || lead.answered) return;
  const token = Array.from(cx.random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  cx.emit({ type: "com.example.lead.escalated.v1", data: { id: lead.id, token }, subject: id });
  cx.counter("leads-escalated");
}

function answered(cx: Context<Config>, event: Event): void {
  const id = /^assign-(.*)$/s.exec(event.subject ?? "")?.[1];
  if (id === undefined) throw new Reject("unknown-answer", "the answer is to no request of this connector");
  const lead = cx.state.get<Routed>(`lead/${id}`);
  if (lead === undefined) return;
  cx.state.set(`lead/${id}`, { ...lead, answered: true });
  cx.cancel(`overdue/${id}`);
}
