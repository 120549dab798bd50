// The host's functions over maps in memory, with the contract's limits and the host's words. It commits nothing: the bench does.

import { encode } from "../src/text.js";
import { Random } from "./random.js";
import { checkRequest, refusal } from "./request.js";
import { offsetAt } from "./values.js";

const LIMITS = {
  keyBytes: 256, valueBytes: 64 * 1024, writes: 1000, writeBytes: 1 << 20, reads: 10_000, readBytes: 16 << 20, page: 1000,
  emits: 1000, eventBytes: 1 << 20, timers: 100, requests: 100, effectBytes: 4 << 20, lookUps: 50, aheadMs: 366 * 86_400_000,
  logs: 1000, logBytes: 8 * 1024, randomBytes: 64 * 1024, labels: 8, nameBytes: 64,
};
const HOST_TYPES = [
  "com.handoff.hook.received.v1", "com.handoff.file.dropped.v1", "com.handoff.schedule.ticked.v1", "com.handoff.outbox.answered.v1",
];
const OWN_ATTRIBUTES = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"];
const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const NO_EFFECTS = {
  validate: "`validate` may make look-ups but has no effects: emit and send from `handle`",
  migrate: "`migrate` rewrites state and has no other effects: emit and send from `handle`",
};

/** One run of one call: `handle`, `validate` or `migrate`. */
export class FakeHost {
  #installation;
  #mode;
  #delivery;
  #random;
  #reads = 0;
  #bytesRead = 0;
  #effectBytes = 0;

  constructor(installation, mode, delivery, seed) {
    this.#installation = installation;
    this.#mode = mode;
    this.#delivery = delivery;
    this.#random = new Random(seed);
    this.run = { writes: new Map(), emitted: [], timersSet: new Map(), timersCancelled: new Set(), requests: [], lookUps: [], used: [], missing: [], logs: [], metrics: [] };
  }

  /** The functions in the form of the contract's interfaces. */
  functions() {
    const own = (...names) => Object.fromEntries(names.map((name) => [name, this[`_${name}`].bind(this)]));
    return {
      context: own("config", "delivery", "random"),
      zone: { offsetAt: (time) => offsetAt(this.#delivery.timeZone, time) },
      state: own("get", "set", "delete", "scan"),
      outbox: own("emit", "schedule", "cancel", "send"),
      http: own("fetch"),
      log: own("write"),
      metrics: {
        counter: (name, value, labels) => this.#metric("counter", name, value, labels),
        gauge: (name, value, labels) => this.#metric("gauge", name, value, labels),
        histogram: (name, value, labels) => this.#metric("histogram", name, value, labels),
      },
    };
  }

  _config() {
    return this.#installation.configJson;
  }

  _delivery() {
    return { ...this.#delivery, utcOffsetSeconds: offsetAt(this.#delivery.timeZone, this.#delivery.time) };
  }

  _random(count) {
    return this.#random.bytes(Math.min(count, LIMITS.randomBytes));
  }

  _get(key) {
    this.#checkStateKey(key);
    if (this.run.writes.has(key)) return this.run.writes.get(key) ?? undefined;
    const value = this.#installation.state.get(key);
    this.#countRead(value?.length ?? 0);
    return value;
  }

  _set(key, value) {
    this.#write(key, value);
  }

  _delete(key) {
    this.#write(key, null);
  }

  #write(key, value) {
    this.#checkStateKey(key);
    if (this.#mode === "validate") {
      throw refusal("limit-exceeded", "`validate` may read state but not write it: nothing it does is committed");
    }
    const size = value?.length ?? 0;
    if (size > LIMITS.valueBytes) {
      const expected = `expected at most ${LIMITS.valueBytes}: split it over several keys`;
      throw refusal("value-too-large", `the value of key \`${key.slice(0, 64)}\` has ${size} bytes; ${expected}`);
    }
    const others = [...this.run.writes].filter(([known]) => known !== key);
    if (others.length >= LIMITS.writes) throw refusal("limit-exceeded", `a delivery writes at most ${LIMITS.writes} keys`);
    const bytes = others.reduce((sum, [name, old]) => sum + encode(name).length + (old?.length ?? 0), encode(key).length + size);
    if (bytes > LIMITS.writeBytes) {
      throw refusal("limit-exceeded", `a delivery writes at most ${LIMITS.writeBytes} bytes of keys and values; this would be ${bytes}`);
    }
    this.run.writes.set(key, value === null ? null : Uint8Array.from(value));
  }

  _scan(prefix, after, limit) {
    const merged = new Map([...this.#installation.state, ...this.run.writes]);
    const keys = [...merged.keys()].filter((key) => key.startsWith(prefix) && (after === null || key > after) && merged.get(key) !== null);
    const page = keys.sort().slice(0, Math.min(Math.max(limit, 1), LIMITS.page));
    const entries = page.map((key) => ({ key, value: merged.get(key) }));
    for (const { value } of entries) this.#countRead(value.length);
    return { entries, more: keys.length > page.length };
  }

  #checkStateKey(key) {
    const bytes = encode(String(key)).length;
    if (bytes < 1 || bytes > LIMITS.keyBytes) {
      throw refusal("invalid-key", `the key has ${bytes} bytes; expected 1 to ${LIMITS.keyBytes}`);
    }
  }

  #countRead(bytes) {
    this.#reads += 1;
    this.#bytesRead += bytes;
    if (this.#reads > LIMITS.reads) throw refusal("limit-exceeded", `a delivery reads at most ${LIMITS.reads} keys`);
    if (this.#bytesRead > LIMITS.readBytes) throw refusal("limit-exceeded", `a delivery reads at most ${LIMITS.readBytes} bytes`);
  }

  _emit(event) {
    this.#checkMode();
    const { emits } = this.#installation.grants;
    if (HOST_TYPES.includes(event.typeName)) {
      throw refusal("denied", `\`${event.typeName}\` may only be emitted by the host; use a type of your own`);
    }
    if (!emits.includes(event.typeName)) {
      const granted = emits.slice(0, 10).join(", ") || "none";
      throw refusal("denied", `\`${String(event.typeName).slice(0, 80)}\` may not be emitted; granted: ${granted}. List it under \`emits\` in connector.toml and ask the operator to grant it`);
    }
    if (this.run.emitted.length >= LIMITS.emits) throw refusal("limit-exceeded", `a delivery emits at most ${LIMITS.emits} events`);
    this.#checkEvent(event);
    this.#charge(event.data.length);
    this.run.emitted.push(event);
  }

  _schedule(event, at, key) {
    this.#checkMode();
    this.#checkKey(key);
    if (at - this.#delivery.time > LIMITS.aheadMs) {
      const [shown, time] = [at, this.#delivery.time].map((one) => new Date(one).toISOString());
      throw refusal("invalid", `\`at\` is ${shown}; expected at most one year after the delivery's time ${time}: schedule a nearer timer that sets the next one`);
    }
    if (!this.run.timersSet.has(key) && this.run.timersSet.size >= LIMITS.timers) {
      throw refusal("limit-exceeded", `a delivery sets at most ${LIMITS.timers} timers`);
    }
    this.#checkEvent(event);
    this.#charge(event.data.length);
    this.run.timersCancelled.delete(key);
    this.run.timersSet.set(key, { at, event });
  }

  _cancel(key) {
    this.#checkMode();
    this.#checkKey(key);
    this.run.timersSet.delete(key);
    this.run.timersCancelled.add(key);
  }

  _send(request, key, answer, partitionKey) {
    this.#checkMode();
    this.#checkKey(key);
    checkRequest(this.#installation.grants, request, false);
    if (this.run.requests.some((other) => other.key === key)) return;
    if (this.run.requests.length >= LIMITS.requests) throw refusal("limit-exceeded", `a delivery sends at most ${LIMITS.requests} requests`);
    this.#charge(request.body?.length ?? 0);
    this.run.requests.push({ key, request, answer, partitionKey });
  }

  #checkMode() {
    const text = NO_EFFECTS[this.#mode];
    if (text !== undefined) throw refusal("denied", text);
  }

  #checkKey(key) {
    const bytes = encode(String(key)).length;
    if (bytes < 1 || bytes > LIMITS.keyBytes) throw refusal("invalid", `\`key\` has ${bytes} bytes; expected 1 to ${LIMITS.keyBytes}`);
  }

  #checkEvent({ typeName, data, extensions }) {
    if (encode(String(typeName ?? "")).length < 1) throw refusal("invalid", "type: has 0 bytes; expected 1 to 256");
    if (data.length > LIMITS.eventBytes) throw refusal("invalid", `\`data\` has ${data.length} bytes; expected at most ${LIMITS.eventBytes}`);
    for (const [name] of extensions) {
      if (name === "partitionkey") throw refusal("invalid", "extension `partitionkey`: set the field `partition-key` instead");
      if (name.startsWith("handoff")) {
        throw refusal("invalid", `extension \`${name}\`: names that start with \`handoff\` are reserved for the host`);
      }
      if (!/^[a-z0-9]{1,64}$/.test(name)) {
        throw refusal("invalid", `${name}: is not a valid extension name: expected 1 to 64 lower-case letters and digits`);
      }
      if (OWN_ATTRIBUTES.includes(name)) throw refusal("invalid", `${name}: is an attribute of CloudEvents itself, not an extension`);
    }
  }

  #charge(bytes) {
    this.#effectBytes += bytes;
    if (this.#effectBytes > LIMITS.effectBytes) {
      throw refusal("limit-exceeded", `the events, timers and requests of a delivery may have at most ${LIMITS.effectBytes} bytes in total; this would be ${this.#effectBytes}`);
    }
  }

  _fetch(request) {
    if (this.#mode === "migrate" || this.run.lookUps.length >= LIMITS.lookUps) {
      const most = this.#mode === "migrate" ? 0 : LIMITS.lookUps;
      throw refusal("limit-exceeded", `a delivery makes at most ${most} look-ups`);
    }
    checkRequest(this.#installation.grants, request, true);
    this.run.lookUps.push(request);
    const index = this.#installation.answerTo(request, this.run.used);
    if (index === undefined) {
      const what = `${request.method} ${request.url}`;
      this.run.missing.push(what);
      throw refusal("unreachable", `the case has no answer to ${what}: add one under \`http\``);
    }
    this.run.used.push(index);
    const { response, error } = this.#installation.answers[index];
    if (error !== undefined) throw { payload: error };
    return { ...response, headers: response.headers.map((field) => [...field]), body: response.body.slice() };
  }

  _write(level, message, fields) {
    if (this.run.logs.length < LIMITS.logs) this.run.logs.push({ level, message: message.slice(0, LIMITS.logBytes), fields });
  }

  #metric(kind, name, value, labels) {
    if (this.#mode !== "handle") return;
    const dropped = (problem) => this._write("warn", `dropped metric \`${String(name).slice(0, LIMITS.nameBytes)}\`: ${problem}`, []);
    if (!KEBAB.test(name) || name.length > LIMITS.nameBytes) {
      return dropped(`expected a kebab-case name of at most ${LIMITS.nameBytes} bytes, such as \`leads-received\``);
    }
    if (!Number.isFinite(value)) return dropped(`its value is ${value}; expected a finite number`);
    if (labels.length > LIMITS.labels) return dropped(`it has ${labels.length} labels; expected at most ${LIMITS.labels}`);
    if (labels.some(([label]) => !KEBAB.test(label))) return dropped("expected a kebab-case label name, such as `lead-source`");
    this.run.metrics.push({ kind, name, value, labels: Object.fromEntries(labels) });
  }
}

export function isKebab(text) {
  return KEBAB.test(text) && text.length <= LIMITS.nameBytes;
}
