// Globals that the engine lacks or that would reach outside: the log, the clock, random numbers, UTF-8. All of them belong
// to the delivery. Installed before the connector's own code runs.

import { cut } from "./failure.js";
import { decode, encode } from "./text.js";

const RealDate = Date;

/** The host during a call; outside of one there is no clock, no random number and no log. */
let host = null;

export function enter(current) {
  host = current;
}

function during(what) {
  if (host === null) {
    throw new Error(`${what} at the top level of a module: it runs once, when the connector is built. Move it into a function`);
  }
  return host;
}

function now() {
  return during("the time was read").context.delivery().time;
}

function GuestDate(...parts) {
  if (new.target === undefined) return new RealDate(now()).toString();
  return Reflect.construct(RealDate, parts.length === 0 ? [now()] : parts, new.target);
}
Object.defineProperties(GuestDate, {
  prototype: { value: RealDate.prototype, writable: false },
  name: { value: "Date" },
  now: { value: now },
  parse: { value: RealDate.parse },
  UTC: { value: RealDate.UTC },
});
/** Random numbers of the delivery, drawn from the host in blocks. */
let block = new Uint8Array(0);
let used = 0;

export function forget() {
  block = new Uint8Array(0);
}

function bytes(count) {
  const current = during("random numbers were drawn");
  if (count > 256) return current.context.random(count);
  if (used + count > block.length) {
    block = current.context.random(256);
    used = 0;
  }
  used += count;
  return block.slice(used - count, used);
}

function random() {
  const view = new DataView(bytes(8).buffer);
  // The 53 bits that a number holds, as the engines do it.
  return (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53;
}

const crypto = {
  getRandomValues(array) {
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes(array.byteLength));
    return array;
  },
  // RFC 9562, section 5.4.
  randomUUID() {
    const drawn = bytes(16);
    drawn[6] = (drawn[6] & 0x0f) | 0x40;
    drawn[8] = (drawn[8] & 0x3f) | 0x80;
    const hex = Array.from(drawn, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
};

class TextEncoder {
  get encoding() {
    return "utf-8";
  }
  encode(text = "") {
    return encode(String(text));
  }
}

class TextDecoder {
  #fatal;
  constructor(label = "utf-8", { fatal = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`the encoding \`${label}\` is not available: only utf-8 is`);
    this.#fatal = fatal;
  }
  get encoding() {
    return "utf-8";
  }
  decode(data = new Uint8Array(0)) {
    const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    const text = decode(view, this.#fatal);
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof RealDate) return value.toISOString();
  if (typeof value !== "object" || value === null) return String(value);
  try {
    const readable = (_key, inner) => {
      if (typeof inner === "bigint") return String(inner);
      if (inner instanceof Map) return Object.fromEntries(inner);
      if (inner instanceof Error) return `${inner.name}: ${inner.message}`;
      return inner instanceof Set ? [...inner] : inner;
    };
    return JSON.stringify(value, readable) ?? String(value);
  } catch {
    return String(value);
  }
}

const logging = (level) => (...values) => during("something was logged").log.write(level, cut(values.map(shown).join(" "), 8000), []);

const unavailable = (name, instead) => () => {
  throw new Error(`\`${name}\` does not exist in a connector: ${instead}`);
};
const TIMERS = "a delivery does not wait. Use `cx.schedule(key, at, event)`, which delivers an event later";

const REPLACED = {
  Date: GuestDate,
  console: {
    debug: logging("debug"),
    trace: logging("debug"),
    log: logging("info"),
    info: logging("info"),
    warn: logging("warn"),
    error: logging("error"),
  },
  crypto,
  TextEncoder,
  TextDecoder,
  // The clock stands still.
  performance: { now: () => 0, get timeOrigin() { return now(); } },
  fetch: unavailable("fetch", "use `cx.fetch(request)` for look-ups, and `cx.send(key, request)` for changes"),
  setTimeout: unavailable("setTimeout", TIMERS),
  setInterval: unavailable("setInterval", TIMERS),
  setImmediate: unavailable("setImmediate", TIMERS),
};

/** Replaces the globals; returns a function that puts the old ones back, for tests in another engine. */
export function install() {
  const places = [[Math, "random", random], ...Object.entries(REPLACED).map(([name, value]) => [globalThis, name, value])];
  const old = places.map(([place, name]) => [place, name, Object.getOwnPropertyDescriptor(place, name)]);
  for (const [place, name, value] of places) {
    Object.defineProperty(place, name, { value, writable: true, configurable: true, enumerable: false });
  }
  RealDate.prototype.constructor = GuestDate;
  return () => {
    for (const [place, name, descriptor] of old) {
      if (descriptor === undefined) delete place[name];
      else Object.defineProperty(place, name, descriptor);
    }
    RealDate.prototype.constructor = RealDate;
  };
}
