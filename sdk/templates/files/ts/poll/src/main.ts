// Asks a scheduling system for new appointments, and emits one event for each.

import { type Connector, Request, Retry } from "handoff-sdk";

/** The state key of the last appointment that was emitted. */
const CURSOR = "cursor";

/** The installation's config, as `config.schema.json` allows it. */
interface Config {
  /** Base URL of the scheduling system. */
  "scheduler-url": string;
}

/** The data of `com.example.appointment.booked.v1`. */
interface Appointment {
  id: number;
  customer: string;
  starts: string;
}

export default {
  handle(cx) {
    const cursor = cx.state.get<number>(CURSOR) ?? 0;
    const url = cx.config["scheduler-url"];
    // A target that is down is retried; the answer is recorded, so that a replay needs no network.
    const response = cx.fetch(Request.get(url).path(["appointments"]).query({ after: cursor }).auth("scheduler"));
    if (!response.ok) throw new Retry("scheduler-refused", `the scheduler answered ${response.status}`);
    // Appointments after the cursor, oldest first.
    const { appointments } = response.json<{ appointments: Appointment[] }>();
    for (const appointment of appointments) {
      cx.emit({ type: "com.example.appointment.booked.v1", data: appointment, partitionKey: appointment.customer });
    }
    const last = appointments.at(-1);
    if (last !== undefined) cx.state.set(CURSOR, last.id);
  },
} satisfies Connector<Config>;
