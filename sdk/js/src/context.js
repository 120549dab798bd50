// What a connector can know and do during one call: a thin wrapper of the host's functions, without behaviour of its own.

import { millis, jsonBytes, newEvent } from "./event.js";
import { HttpError, OutboxError, Reject, StateError, calling } from "./failure.js";
import { Response } from "./http.js";
import { parseJson } from "./json.js";
import { decode } from "./text.js";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Keys per page. Small, because a page is read as a whole and most scans stop early. */
const PAGE = 200;

/** Everything that a connector can use during one call. */
export class Context {
  #host;
  #seen;

  /** `seen` collects what came from outside, so that messages of exceptions do not repeat it. */
  constructor(host, config, seen) {
    this.#host = host;
    this.#seen = seen;
    this.config = config;
    const delivery = host.context.delivery();
    this.delivery = Object.freeze({ ...delivery, time: new Date(delivery.time) });
    this.state = new State(host, seen);
  }

  /** The delivery's clock. It does not advance during a call. */
  now() {
    return new Date(this.delivery.time);
  }

  /** The rooftop's offset from UTC at a time, in seconds east, by the rules of its zone. */
  offsetAt(time) {
    return this.#host.zone.offsetAt(millis(time));
  }

  /**
   * The rooftop's offset from UTC at a local time, in seconds east. `local` counts its milliseconds as if it were UTC. A
   * time that occurs twice is the first one; a time that does not occur has the offset from before the change.
   */
  offsetOfLocal(local) {
    const at = millis(local);
    const before = this.offsetAt(at - DAY_MS);
    const after = this.offsetAt(at + DAY_MS);
    const holds = (offset) => this.offsetAt(at - offset * 1000) === offset;
    return holds(before) || !holds(after) ? before : after;
  }

  /** Random bytes: different on every attempt, equal on a replay. Not for keys or tokens. */
  random(count) {
    return this.#host.context.random(count);
  }

  /** Emits an event to every installation that subscribes to its type. */
  emit(event) {
    const made = newEvent(event);
    calling(OutboxError, () => this.#host.outbox.emit(made));
  }

  /** Delivers an event to this installation at a time. A timer with the same key is replaced. */
  schedule(key, at, event) {
    const made = newEvent(event);
    const time = millis(at);
    calling(OutboxError, () => this.#host.outbox.schedule(made, time, key));
  }

  /** Cancels a timer. Cancelling an absent timer is no error. */
  cancel(key) {
    calling(OutboxError, () => this.#host.outbox.cancel(key));
  }

  /** Sends a request after the commit, with retries until it is answered. A second one with the same key is dropped. */
  send(key, request, { answer = false, partitionKey } = {}) {
    calling(OutboxError, () => this.#host.outbox.send(request.toContract(), key, answer, partitionKey ?? null));
  }

  /** Makes a look-up now. Any status is a response, and no exception. */
  fetch(request) {
    const response = new Response(calling(HttpError, () => this.#host.http.fetch(request.toContract())));
    this.#seen.push(response.body);
    return response;
  }

  debug(message, fields) {
    this.#log("debug", message, fields);
  }

  info(message, fields) {
    this.#log("info", message, fields);
  }

  warn(message, fields) {
    this.#log("warn", message, fields);
  }

  error(message, fields) {
    this.#log("error", message, fields);
  }

  #log(level, message, fields) {
    this.#host.log.write(level, String(message), pairs(fields));
  }

  /** Adds to a counter when the delivery commits. */
  counter(name, add = 1, labels) {
    if (!Number.isSafeInteger(add) || add < 0) throw new RangeError("a counter grows by a whole number from 0 on");
    this.#host.metrics.counter(name, add, pairs(labels));
  }

  /** Sets a gauge when the delivery commits. */
  gauge(name, value, labels) {
    this.#host.metrics.gauge(name, value, pairs(labels));
  }

  /** Records one value when the delivery commits. */
  histogram(name, value, labels) {
    this.#host.metrics.histogram(name, value, pairs(labels));
  }

  /** The failure for an event type that this connector does not handle. */
  unexpectedType(type) {
    return new Reject("unexpected-type", `this connector does not handle events of type \`${type}\``);
  }
}

function pairs(record) {
  return Object.entries(record ?? {}).map(([name, value]) => [name, String(value)]);
}

/** The installation's own key-value store, a transaction: reads see this delivery's writes. */
export class State {
  #host;
  #seen;

  constructor(host, seen) {
    this.#host = host;
    this.#seen = seen;
  }

  /** The JSON value of a key; `undefined` if there is none. */
  get(key) {
    const bytes = this.getBytes(key);
    return bytes === undefined ? undefined : parsed(key, bytes);
  }

  /** Sets a key to a JSON value. */
  set(key, value) {
    this.setBytes(key, jsonBytes(value, `the value for \`${key}\``));
  }

  /** The bytes of a key; `undefined` if there is none. */
  getBytes(key) {
    const bytes = calling(StateError, () => this.#host.state.get(key)) ?? undefined;
    if (bytes !== undefined) this.#seen.push(bytes);
    return bytes;
  }

  /** Sets a key to bytes. */
  setBytes(key, value) {
    calling(StateError, () => this.#host.state.set(key, value));
  }

  /** Deletes a key. Deleting an absent key is no error. */
  delete(key) {
    calling(StateError, () => this.#host.state.delete(key));
  }

  /** Keys that start with `prefix` and their bytes, ascending. Pages are read during iteration. */
  *scan(prefix) {
    let after = null;
    for (let more = true; more; ) {
      const page = calling(StateError, () => this.#host.state.scan(prefix, after, PAGE));
      for (const { key, value } of page.entries) {
        this.#seen.push(value);
        yield [key, value];
        after = key;
      }
      more = page.more && page.entries.length > 0;
    }
  }

  /** Like `scan`, with JSON values. */
  *scanJson(prefix) {
    for (const [key, bytes] of this.scan(prefix)) yield [key, parsed(key, bytes)];
  }
}

function parsed(key, bytes) {
  try {
    return parseJson(decode(bytes, true));
  } catch {
    throw new StateError("not-json", `the state under \`${key}\` is not JSON`);
  }
}
