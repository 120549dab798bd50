// What a delivery did: for assertions, and in the form of `expected.json`.

import { AssertionError } from "node:assert";
import { rfc3339 } from "../src/json.js";
import { shownBytes } from "./values.js";

/** The result of a delivery. After a failure everything but `failure`, `logs` and `lookUps` is empty. */
export class Delivered {
  constructor(failure, run, time) {
    /** The failure; `undefined` after a commit. */
    this.failure = failure;
    this.logs = run.logs.map(({ level, message, fields }) => ({ level, message, fields: Object.fromEntries(fields) }));
    this.lookUps = run.lookUps.map(shownRequest);
    /** Look-ups that nothing answered. */
    this.missingAnswers = run.missing;
    const kept = failure === undefined;
    this.metrics = kept ? run.metrics : [];
    this.emitted = kept ? run.emitted.map((event) => shownEvent(event, time)) : [];
    /** New values by key; null for a key that is deleted. */
    this.state = kept ? Object.fromEntries([...run.writes].map(([key, value]) => [key, value === null ? null : shownBytes(value)])) : {};
    this.timersSet = kept ? Object.fromEntries([...run.timersSet].map(([key, { at, event }]) => [key, { at: rfc3339(new Date(at)), event: shownEvent(event, time) }])) : {};
    this.timersCancelled = kept ? [...run.timersCancelled].sort() : [];
    /** Outbox requests, except those whose key was used before. */
    this.requests = kept ? run.requests.map(shownSend) : [];
  }

  /** Fails the test unless the delivery committed. */
  expectCommit() {
    if (this.failure === undefined) return this;
    throw new AssertionError({ message: `expected a commit; the delivery failed: ${told(this.failure)}\n${this.log()}`, stackStartFn: this.expectCommit });
  }

  /** The failure; fails the test if the delivery committed. */
  expectFailure() {
    if (this.failure !== undefined) return this.failure;
    throw new AssertionError({ message: "expected a failure; the delivery committed", stackStartFn: this.expectFailure });
  }

  /** The total added to a counter, over all labels. */
  counted(name) {
    return this.metrics.filter((metric) => metric.kind === "counter" && metric.name === name).reduce((sum, { value }) => sum + value, 0);
  }

  /** The log as lines. */
  log() {
    return this.logs.map(({ level, message, fields }) => `${level}: ${message}${Object.entries(fields).map(([name, value]) => ` ${name}=${value}`).join("")}`).join("\n");
  }

  /** An entry of `deliveries` in `expected.json`. */
  toExpected() {
    if (this.failure !== undefined) return { failure: shownFailure(this.failure) };
    const commit = { emitted: this.emitted, state: this.state, timersSet: this.timersSet, timersCancelled: this.timersCancelled, requests: this.requests };
    return { commit: Object.fromEntries(Object.entries(commit).filter(([, value]) => Object.keys(value).length > 0)) };
  }
}

export function told({ kind, code, message }) {
  return kind === "misconfigured" ? `misconfigured: ${message}` : `${kind} ${code}: ${message}`;
}

export function shownFailure({ kind, code, message, afterMs }) {
  return present({ kind, code, message, afterMs });
}

function shownEvent(event, time) {
  const extensions = Object.fromEntries(event.extensions);
  return present({
    type: event.typeName,
    subject: event.subject,
    // The host uses the delivery's time if the connector gives none.
    time: event.time === null || event.time === time ? null : rfc3339(new Date(event.time)),
    datacontenttype: event.dataContentType,
    dataschema: event.dataSchema,
    partitionkey: event.partitionKey,
    extensions: Object.keys(extensions).length > 0 ? extensions : null,
    data: event.data.length > 0 ? shownBytes(event.data) : undefined,
  });
}

function shownSend({ key, request, answer, partitionKey }) {
  return present({ key, request: shownRequest(request), answer: answer || null, partitionKey });
}

function shownRequest({ method, url, headers, body, auth, timeoutMs }) {
  const fields = {};
  for (const [name, value] of headers) {
    const known = fields[name.toLowerCase()];
    fields[name.toLowerCase()] = known === undefined ? value : [].concat(known, value);
  }
  const shown = { method, url, headers: headers.length > 0 ? fields : null, body: body === null ? null : shownBytes(body), auth, timeoutMs };
  return present(shown);
}

function present(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
