// Simulates the host for one installation: keeps durable state, and commits or discards after each delivery.

import { isDeepStrictEqual } from "node:util";
import { callConnector, checkConnector, migrate } from "../src/call.js";
import { Event, millis } from "../src/event.js";
import { install } from "../src/globals.js";
import { parseJson, stringifyJson } from "../src/json.js";
import { decode, encode } from "../src/text.js";
import { resolveGrants } from "./grants.js";
import { Delivered } from "./delivered.js";
import { FakeHost, isKebab } from "./host.js";
import { placesOf } from "./project.js";
import { seedOf } from "./random.js";
import { offsetAt, shownBytes } from "./values.js";

/** 2026-03-30T15:00:00Z */
const START = 1_774_882_800_000;
/** A timer that keeps setting itself in the past would fire forever. */
const TIMERS_FIRED_MAX = 10_000;

/** A simulated host for one installation of a connector. */
export class Bench {
  #manifest;
  #connector;
  #installation;
  #delivery;
  #attempts = new Map();
  #number = 0;
  #seed;

  constructor(manifest, connector, options = {}) {
    checkConnector(connector);
    const { config = {}, grants, state = {}, usedKeys = [], time = START, seed = new Uint8Array(32) } = options;
    const { installation = "test", generation = 1, rooftop = "main-street", timeZone = "America/Chicago" } = options;
    const problem = manifest.problemWith(config);
    if (problem !== undefined) throw new Error(problem);
    offsetAt(timeZone, 0);
    this.#manifest = manifest;
    this.#connector = connector;
    this.#seed = seed;
    this.#installation = {
      configJson: stringifyJson(config),
      grants: resolveGrants(manifest, grants),
      state: new Map(Object.entries(state).map(([key, value]) => [key, value instanceof Uint8Array ? value : encode(stringifyJson(value))])),
      answers: [],
      usedAnswers: new Set(),
      usedKeys: new Set(usedKeys),
      timers: new Map(),
      answerTo(request, used) {
        const fits = [...this.answers.keys()].filter((index) => this.answers[index].fits(request));
        return fits.find((index) => !this.usedAnswers.has(index) && !used.includes(index)) ?? fits.at(-1);
      },
    };
    this.#delivery = { installation, generation, attempt: 1, time: millis(time), rooftop, timeZone, dryRun: false };
  }

  /** The clock: the time of the next delivery. */
  get time() {
    return new Date(this.#delivery.time);
  }

  set time(time) {
    this.#delivery.time = millis(time);
  }

  /** Answers look-ups with this method and URL. Each answer is used once, in order, and the last one again after that. */
  answer(method, url, { status = 200, headers = {}, body = "" } = {}) {
    const bytes = body instanceof Uint8Array ? body : encode(typeof body === "string" ? body : stringifyJson(body));
    const fits = (request) => request.method === method && request.url === url;
    this.addAnswer({ fits, response: { status, headers: Object.entries(headers), body: bytes } });
  }

  /** Lets look-ups with this method and URL fail: `timeout`, `unreachable` and so on. */
  answerError(method, url, reason, detail = "") {
    const fits = (request) => request.method === method && request.url === url;
    this.addAnswer({ fits, error: { tag: reason, val: detail } });
  }

  /** An answer of a case: `fits`, and `response` or `error`. */
  addAnswer(answer) {
    this.#installation.answers.push(answer);
  }

  /** Delivers an event. Success commits; a failure discards everything except the log. */
  deliver(type, data, options = {}) {
    const { contentType, partitionKey, extensions = {}, time } = options;
    const isBytes = data instanceof Uint8Array;
    const bytes = data === undefined ? new Uint8Array(0) : isBytes ? data : encode(typeof data === "string" && contentType !== undefined ? data : stringifyJson(data));
    const own = partitionKey === undefined ? extensions : { ...extensions, partitionkey: partitionKey };
    const event = {
      id: options.id ?? `event-${this.#number + 1}`,
      source: options.source ?? "/tests",
      typeName: type,
      subject: options.subject,
      time: time === undefined ? undefined : millis(time),
      dataContentType: contentType ?? (data === undefined || isBytes ? undefined : "application/json"),
      dataSchema: options.dataSchema,
      extensions: Object.entries(own),
      data: bytes,
    };
    this.checkAccepted("type", type);
    const name = `${event.source} ${event.id}`;
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    return this.deliverEvent(event, options.attempt ?? attempt);
  }

  /** Delivers an event in the form of the contract. */
  deliverEvent(event, attempt) {
    const seed = seedOf(this.#seed, this.#number);
    this.#number += 1;
    return this.#call("handle", attempt, seed, [event.data], (cx) => this.#connector.handle(cx, new Event(event)));
  }

  /** Throws for an event that no host would deliver. */
  checkAccepted(field, type) {
    const { accepts } = this.#installation.grants;
    if (accepts.includes(type)) return;
    const accepted = [...accepts].sort().map((name) => `\`${name}\``).join(", ");
    throw new Error(`${field}: \`${type}\` is not accepted, so that a host would not deliver it; accepted: ${accepted}. List it under \`accepts\` in connector.toml`);
  }

  /** Validates the config, as the host does before a generation becomes active. */
  validate() {
    return this.#call("validate", 0, new Uint8Array(32), [], (cx) => this.#connector.validate?.(cx));
  }

  /** Migrates state of an older schema. */
  migrate(fromSchema) {
    return this.#call("migrate", 0, new Uint8Array(32), [], (cx) => migrate(this.#connector, cx, fromSchema));
  }

  /** The pending timers, by key: `{ at, type, data }`. */
  get timers() {
    return Object.fromEntries([...this.#installation.timers].map(([key, { at, event }]) => [key, { at: new Date(at), type: event.typeName, data: shownBytes(event.data) }]));
  }

  /** Delivers the event of one timer, at its time or at the clock's if that is later. */
  fireTimer(key, { at, attempt = 1 } = {}) {
    const timer = this.#installation.timers.get(key);
    if (timer === undefined) {
      const set = [...this.#installation.timers.keys()].sort().map((name) => `\`${name}\``).join(", ") || "none";
      throw new Error(`no timer \`${key}\` is set; set are: ${set}`);
    }
    this.#installation.timers.delete(key);
    this.#delivery.time = at ?? Math.max(timer.at, this.#delivery.time);
    const { event } = timer;
    const extensions = event.partitionKey === null ? event.extensions : [...event.extensions, ["partitionkey", event.partitionKey]];
    const source = `/installations/${this.#delivery.installation}`;
    const delivered = { ...event, id: `timer-${key}`, source, extensions, time: event.time ?? timer.setAt };
    return this.deliverEvent(delivered, attempt);
  }

  /** Moves the clock and delivers the timers that become due, including those set meanwhile. */
  fireTimers(until) {
    const end = millis(until);
    const all = [];
    for (;;) {
      const due = [...this.#installation.timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
      if (due.length === 0) break;
      if (all.length >= TIMERS_FIRED_MAX) throw new Error(`timers keep setting themselves: \`${due[0][0]}\``);
      all.push(this.fireTimer(due[0][0]));
    }
    this.#delivery.time = Math.max(this.#delivery.time, end);
    return all;
  }

  /** The committed JSON value of a key; `undefined` if there is none. */
  state(key) {
    const bytes = this.#installation.state.get(key);
    return bytes === undefined ? undefined : parseJson(decode(bytes, true));
  }

  /** The committed keys that start with a prefix, ascending. */
  stateKeys(prefix = "") {
    return [...this.#installation.state.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  #call(mode, attempt, seed, inputs, work) {
    const once = () => {
      const host = new FakeHost(this.#installation, mode, { ...this.#delivery, attempt }, seed);
      const restore = install();
      try {
        const failure = callConnector(host.functions(), placesOf(this.#connector), [...inputs], work);
        return { failure, run: host.run };
      } finally {
        restore();
      }
    };
    const [first, second] = [once(), once()];
    if (!isDeepStrictEqual(outcome(first), outcome(second))) {
      throw new Error(
        "the same call ran twice with different results. A call must depend only on its inputs: in a host each call has a fresh instance, so keep nothing in variables of modules, but in `cx.state`",
      );
    }
    const { failure, run } = first;
    if (failure !== undefined && !isKebab(failure.code)) {
      throw new Error(`failure code \`${failure.code}\`: expected a kebab-case word of at most 64 bytes, because metrics count by it`);
    }
    if (failure === undefined) this.#commit(run);
    for (const index of run.used) this.#installation.usedAnswers.add(index);
    return new Delivered(failure, run, this.#delivery.time);
  }

  /** Applies the rules of the host's committer. */
  #commit(run) {
    const { state, timers, usedKeys } = this.#installation;
    for (const [key, value] of run.writes) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
    run.timersCancelled = new Set([...run.timersCancelled].filter((key) => timers.delete(key)));
    for (const [key, timer] of run.timersSet) timers.set(key, { ...timer, setAt: this.#delivery.time });
    run.requests = run.requests.filter(({ key }) => !usedKeys.has(key));
    for (const { key } of run.requests) usedKeys.add(key);
  }
}

/** What must be equal when a call is repeated. */
function outcome({ failure, run }) {
  const shown = failure === undefined ? undefined : [failure.kind, failure.code, failure.message, failure.afterMs];
  return { failure: shown, run };
}

