// Asks a scheduling system for new appointments, and emits one event for each.

import { Request, Retry } from "handoff-sdk";

/** The state key of the last appointment that was emitted. */
const CURSOR = "cursor";

/**
 * The installation's config, as `config.schema.json` allows it: the base URL of the scheduling system.
 * @typedef {{ "scheduler-url": string }} Config
 */

/**
 * The data of `com.example.appointment.booked.v1`.
 * @typedef {{ id: number, customer: string, starts: string }} Appointment
 */

/** @type {import("handoff-sdk").Connector<Config>} */
const connector = {
  handle(cx) {
    const cursor = cx.state.get(CURSOR) ?? 0;
    const url = cx.config["scheduler-url"];
    // A target that is down is retried; the answer is recorded, so that a replay needs no network.
    const response = cx.fetch(Request.get(url).path(["appointments"]).query({ after: cursor }).auth("scheduler"));
    if (!response.ok) throw new Retry("scheduler-refused", `the scheduler answered ${response.status}`);
    /** @type {{ appointments: Appointment[] }} Appointments after the cursor, oldest first. */
    const { appointments } = response.json();
    for (const appointment of appointments) {
      cx.emit({ type: "com.example.appointment.booked.v1", data: appointment, partitionKey: appointment.customer });
    }
    const last = appointments.at(-1);
    if (last !== undefined) cx.state.set(CURSOR, last.id);
  },
};

export default connector;
