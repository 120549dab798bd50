// Incoming and outgoing events: CloudEvents 1.0 (specification 1.0.2, section 3) without the wire format, which is the
// host's.

import { Reject } from "./failure.js";
import { parseJson, stringifyJson } from "./json.js";
import { decode, encode } from "./text.js";

/** An event as a connector receives it. */
export class Event {
  constructor({ id, source, typeName, subject, time, dataContentType, dataSchema, extensions, data }) {
    this.id = id;
    this.source = source;
    this.type = typeName;
    this.subject = subject ?? undefined;
    this.time = time == null ? undefined : new Date(time);
    this.contentType = dataContentType ?? undefined;
    this.dataSchema = dataSchema ?? undefined;
    this.extensions = Object.fromEntries(extensions);
    this.data = data;
  }

  /** The payload as text. Bytes that are not UTF-8 reject the event. */
  text() {
    try {
      return decode(this.data, true);
    } catch {
      throw new Reject("invalid-data", `data of the event \`${this.type}\` is not UTF-8`);
    }
  }

  /** The payload as JSON. What is not JSON rejects the event: the same bytes can never become valid. */
  json() {
    const text = this.text();
    try {
      return parseJson(text);
    } catch {
      // The engine's message quotes what it found, and that is a customer's data.
      throw new Reject("invalid-data", `data of the event \`${this.type}\` is not JSON`);
    }
  }

  /** The key that orders deliveries: events with the same key are delivered one after another. */
  get partitionKey() {
    return this.extensions.partitionkey;
  }
}

/** A new event as the contract has it. */
export function newEvent({ type, data, subject, time, contentType, dataSchema, partitionKey, extensions }) {
  const [bytes, defaultType] = payload(data, contentType, `data of the new event \`${type}\``);
  return {
    typeName: type,
    subject: subject ?? null,
    time: time == null ? null : millis(time),
    dataContentType: contentType ?? defaultType,
    dataSchema: dataSchema ?? null,
    partitionKey: partitionKey ?? null,
    extensions: Object.entries(extensions ?? {}),
    data: bytes,
  };
}

function payload(data, contentType, what) {
  if (data === undefined) return [new Uint8Array(0), null];
  if (data instanceof Uint8Array) return [data, "application/octet-stream"];
  if (typeof data === "string" && contentType !== undefined && !/[/+]json\b/.test(contentType)) return [encode(data), null];
  return [jsonBytes(data, what), "application/json"];
}

/** The bytes of a value as JSON. */
export function jsonBytes(value, what) {
  try {
    return encode(stringifyJson(value));
  } catch (cause) {
    throw new Reject("not-json", `${what} has no JSON form`, { cause });
  }
}

/** Milliseconds since 1970 of a `Date` or a number. */
export function millis(time) {
  const number = time instanceof Date ? time.getTime() : time;
  if (typeof number !== "number" || !Number.isFinite(number)) {
    throw new TypeError("a time is a valid Date, or a number of milliseconds since 1970");
  }
  return Math.max(0, Math.trunc(number));
}
