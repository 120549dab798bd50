// Why a delivery did not commit, and which failure each error of the host becomes. An uncaught failure is the result of
// the delivery; any other exception is a `retry`.

const MESSAGE_BYTES_MAX = 2048;

/** Base of all failures: throw one of its subclasses. */
export class Failure extends Error {
  constructor(kind, code, message, { afterMs, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code;
    this.afterMs = afterMs;
  }

  get name() {
    return this.constructor.name;
  }
}

/** Try again later: the target is down, a rate limit, a conflict outside. */
export class Retry extends Failure {
  constructor(code, message, options) {
    super("retry", code, message, options);
  }
}

/** This event can never succeed: a dead letter at once. */
export class Reject extends Failure {
  constructor(code, message, options) {
    super("reject", code, message, options);
  }
}

/** The installation cannot work with its config: the host pauses it, and the event waits. */
export class Misconfigured extends Failure {
  constructor(message, options) {
    super("misconfigured", "misconfigured", message, options);
  }
}

/** A key of state could not be read or written. The same event reaches the same limits again: `reject`. */
export class StateError extends Failure {
  constructor(reason, message) {
    super("reject", `state-${reason}`, message);
    this.reason = reason;
  }
}

/** An effect was refused. An operator can add a missing grant; anything else would fail again. */
export class OutboxError extends Failure {
  constructor(reason, message) {
    const [kind, code] = isOfPath(reason, message) ?? [reason === "denied" ? "misconfigured" : "reject", `outbox-${reason}`];
    super(kind, code, message);
    this.reason = reason;
  }
}

/** The event holds something that the target's paths do not allow for; host and method are granted. */
function isOfPath(reason, message) {
  return reason === "denied" && message.startsWith("not granted: path:") ? ["reject", "path-not-granted"] : undefined;
}

const HTTP_KINDS = { denied: "misconfigured", unreachable: "retry", timeout: "retry", unavailable: "retry" };

/** A look-up has no response. Problems of the target or the network are retried; problems of the request are not. */
export class HttpError extends Failure {
  constructor(reason, message, afterMs) {
    const [kind, code] = isOfPath(reason, message) ?? [HTTP_KINDS[reason] ?? "reject", `http-${reason}`];
    super(kind, code, message, { afterMs });
    this.reason = reason;
  }
}

const TEXTS = {
  "invalid-key": "invalid key",
  "value-too-large": "value too large",
  denied: "not granted",
  invalid: "invalid",
  unreachable: "unreachable",
  timeout: "no response in time",
  "response-too-large": "response too large",
};

/** Calls the host; its error, `{ tag, val }`, becomes an exception of the class. */
export function calling(Kind, call) {
  try {
    return call();
  } catch (error) {
    const { tag, val } = error?.payload ?? error ?? {};
    if (typeof tag !== "string") throw error;
    if (tag === "unavailable") throw new Kind(tag, `the target accepts no requests for ${val} ms`, val);
    throw new Kind(tag, `${TEXTS[tag] ?? "too much in one delivery"}: ${val}`);
  }
}

/** The failure as the contract has it. */
export function toContract({ kind, code, message, afterMs }) {
  const text = cut(String(message), MESSAGE_BYTES_MAX);
  if (kind === "misconfigured") return { tag: kind, val: { message: text } };
  const val = { code: String(code), message: text };
  if (kind === "retry") val.afterMs = afterMs ?? null;
  return { tag: kind, val };
}

/** Shortens to a number of bytes of UTF-8, between characters. */
export function cut(text, bytesMax) {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > bytesMax) return text.slice(0, end);
    end += character.length;
  }
  return text;
}
