// Types of the SDK: what a connector receives, can do, and throws.

/// <reference path="./globals.d.ts" />

/**
 * A connector: the default export of the main module, with a type for its config.
 *
 * A call is a pure function of event, state, config, clock, random seed and look-up responses, and it is synchronous. Keep
 * nothing in variables of modules: each call has a fresh instance.
 */
export interface Connector<Config = unknown> {
  /** Handles one event. Returning commits all effects together; an exception or the deadline (5 s) undoes them. */
  handle(cx: Context<Config>, event: Event): void;
  /** Checks whether the config is usable. It may read state and make look-ups; effects are refused. */
  validate?(cx: Context<Config>): void;
  /** Migrates state that an older schema version wrote, in one commit. */
  migrate?(cx: Context<Config>, fromSchema: number): void;
}

/** Information about the current call. */
export interface Delivery {
  /** Name of the installation, unique on the host. */
  readonly installation: string;
  /** Number of the running generation (version, config and grants). */
  readonly generation: number;
  /** 1 for the first attempt; 0 in `validate` and `migrate`. */
  readonly attempt: number;
  /** The delivery's clock. It does not advance during a call, and it is the only clock. */
  readonly time: Date;
  /** Name of the rooftop: a dealership location. */
  readonly rooftop: string;
  /** The rooftop's IANA time zone, for example `America/Chicago`. */
  readonly timeZone: string;
  /** The rooftop's offset from UTC at `time`, in seconds east. */
  readonly utcOffsetSeconds: number;
  /** True when effects will be shown, not applied (shadow run and replay). */
  readonly dryRun: boolean;
}

/** Names and values of log fields or metric labels. */
export type Fields = Readonly<Record<string, string | number | bigint | boolean>>;

/** A time: a `Date`, or milliseconds since 1970. */
export type Time = Date | number;

/** Everything that a connector can use during one call. */
export class Context<Config = unknown> {
  private constructor();
  /** The installation's config. */
  readonly config: Config;
  /** Installation, attempt, clock, rooftop. */
  readonly delivery: Delivery;
  /** The installation's own key-value store. Writes commit with the delivery. */
  readonly state: State;
  /** The delivery's clock. */
  now(): Date;
  /** The rooftop's offset from UTC at a time, in seconds east, by the rules of its zone. */
  offsetAt(time: Time): number;
  /** The offset at a local time. `local` counts its milliseconds as if it were UTC; the first of two equal times counts. */
  offsetOfLocal(local: Time): number;
  /** At most 64 KiB of random bytes: different on every attempt, equal on a replay. Not for keys or tokens. */
  random(count: number): Uint8Array;
  /** Emits an event to every installation that subscribes to its type. Throws an {@link OutboxError}. */
  emit(event: NewEvent): void;
  /** Delivers an event to this installation at a time, at most one year ahead. A timer with the same key is replaced. */
  schedule(key: string, at: Time, event: NewEvent): void;
  /** Cancels a timer. Cancelling an absent timer is no error. */
  cancel(key: string): void;
  /**
   * Sends a request after the commit, with retries until it is answered. A second one with the same key (1 to 256 bytes)
   * is dropped, permanently: derive it from the meaning (`lead-L-42-create`), never from the clock.
   */
  send(key: string, request: Request, options?: SendOptions): void;
  /** Makes a look-up now: `GET` and `HEAD`, unless the grant lists the path. Throws an {@link HttpError}. */
  fetch(request: Request): Response;
  /** Logs for developers. Like all four levels: kept even if the delivery fails; never personal data or secrets. */
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Adds to a counter when the delivery commits. Names are kebab-case, at most 64 bytes, with at most 8 labels. */
  counter(name: string, add?: number, labels?: Fields): void;
  /** Sets a gauge when the delivery commits. */
  gauge(name: string, value: number, labels?: Fields): void;
  /** Records one value, in the unit that the name ends with (`-seconds`, `-bytes`). */
  histogram(name: string, value: number, labels?: Fields): void;
  /** The failure for an event type that this connector does not handle; throw it. */
  unexpectedType(type: string): Reject;
}

/** Options of an outbox request. */
export interface SendOptions {
  /** Whether to deliver the outcome to this installation as `com.handoff.outbox.answered.v1`. */
  answer?: boolean;
  /** Partition key of that answer. */
  partitionKey?: string;
}

/** Key-value store of the installation, a transaction: reads see this delivery's writes. Throws a {@link StateError}. */
export class State {
  private constructor();
  /** The JSON value of a key; `undefined` if there is none. Integers beyond 2^53 are BigInts. */
  get<T = any>(key: string): T | undefined;
  /** Sets a key (1 to 256 bytes) to a JSON value of at most 64 KiB. */
  set(key: string, value: unknown): void;
  getBytes(key: string): Uint8Array | undefined;
  setBytes(key: string, value: Uint8Array): void;
  /** Deletes a key. Deleting an absent key is no error. */
  delete(key: string): void;
  /** Keys that start with `prefix` and their bytes, ascending. Pages are read during iteration. */
  scan(prefix: string): Generator<[key: string, value: Uint8Array]>;
  /** Like {@link scan}, with JSON values. */
  scanJson<T = any>(prefix: string): Generator<[key: string, value: T]>;
}

/** An event as a connector receives it: CloudEvents 1.0. */
export class Event {
  private constructor();
  /** Unique together with `source`. */
  readonly id: string;
  readonly source: string;
  /** What happened, for example `com.handoff.lead.received.v1`. */
  readonly type: string;
  readonly subject: string | undefined;
  readonly time: Date | undefined;
  /** Media type of `data`. */
  readonly contentType: string | undefined;
  readonly dataSchema: string | undefined;
  /** Extension attributes, names in lower case. */
  readonly extensions: Readonly<Record<string, string>>;
  /** The payload, at most 8 MiB; empty if the event has none. */
  readonly data: Uint8Array;
  /** The key that orders deliveries. */
  readonly partitionKey: string | undefined;
  /** The payload as text. Throws a {@link Reject} with the code `invalid-data`. */
  text(): string;
  /** The payload as JSON; integers beyond 2^53 are BigInts. Throws a {@link Reject} with the code `invalid-data`. */
  json<T = any>(): T;
}

/** An event that a connector emits or schedules; the host adds `id`, `source` and the hop count. */
export interface NewEvent {
  /** What happened. `connector.toml` must list it under `emits`. */
  type: string;
  /** A value becomes JSON; a `Uint8Array`, or text with a `contentType` that is not JSON, is taken as it is. At most 1 MiB. */
  data?: unknown;
  subject?: string;
  /** The default is the delivery's time. */
  time?: Time;
  contentType?: string;
  dataSchema?: string;
  /** Orders deliveries of the new event. */
  partitionKey?: string;
  /** Names consist of lower-case letters and digits. */
  extensions?: Record<string, string>;
}

/** An HTTP request. The host checks host, method, path and auth profile against manifest and grants. */
export class Request {
  private constructor();
  static get(url: string): Request;
  static head(url: string): Request;
  static post(url: string): Request;
  static put(url: string): Request;
  static patch(url: string): Request;
  static delete(url: string): Request;
  readonly method: string;
  readonly url: string;
  /** Appends path segments, each percent-encoded. An empty one, `.` and `..` throw a {@link Reject}: no URL can name them. */
  path(segments: readonly (string | number | bigint)[]): this;
  /** Appends query parameters, each percent-encoded. */
  query(parameters: Readonly<Record<string, string | number | bigint | boolean>>): this;
  /** Adds a header field. `authorization`, `cookie`, `idempotency-key` and hop-by-hop fields are the host's. */
  header(name: string, value: string | number): this;
  /** Sets a JSON body and its `content-type`. */
  json(value: unknown): this;
  /** Sets the body, at most 1 MiB. */
  body(body: string | Uint8Array): this;
  /** Names the auth profile whose credentials the host adds. */
  auth(profile: string): this;
  /** Sets the time limit of the whole exchange; the default is the host's (10 s). */
  timeoutMs(milliseconds: number): this;
}

/** An HTTP response with a body of at most 4 MiB. */
export class Response {
  private constructor();
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** The first header field with a name, case-insensitive. */
  header(name: string): string | undefined;
  text(): string;
  /** The body as JSON. Throws a {@link Retry} with the code `invalid-answer`. */
  json<T = any>(): T;
}

/** Options of a failure. */
export interface FailureOptions {
  /** An exception to log with the failure. */
  cause?: unknown;
}

/**
 * Base of all failures: nothing that the delivery wrote, emitted or sent takes effect. Any other exception is a `retry` with
 * the code `exception`, and its message and stack are in the log. Codes are kebab-case words of at most 64 bytes; messages
 * have at most 2 KiB and never personal data or secrets.
 */
export abstract class Failure extends Error {
  readonly kind: "retry" | "reject" | "misconfigured";
  readonly code: string;
  readonly afterMs: number | undefined;
}

/** Try again later: the target is down, a rate limit, a conflict outside. */
export class Retry extends Failure {
  constructor(code: string, message: string, options?: FailureOptions & { afterMs?: number });
}

/** This event can never succeed: a dead letter at once. */
export class Reject extends Failure {
  constructor(code: string, message: string, options?: FailureOptions);
}

/** The installation cannot work with its config: the host pauses it; the event waits. */
export class Misconfigured extends Failure {
  constructor(message: string, options?: FailureOptions);
}

/** A key of state could not be read or written; uncaught, a `reject`. */
export class StateError extends Failure {
  private constructor();
  readonly reason: "invalid-key" | "value-too-large" | "limit-exceeded" | "not-json";
}

/** An effect was refused; uncaught, `misconfigured` if it is not granted, otherwise a `reject`. */
export class OutboxError extends Failure {
  private constructor();
  readonly reason: "denied" | "invalid" | "limit-exceeded";
}

/** A look-up has no response; uncaught, `retry` if target or network are at fault. */
export class HttpError extends Failure {
  private constructor();
  readonly reason:
    | "denied"
    | "invalid"
    | "unreachable"
    | "timeout"
    | "response-too-large"
    | "unavailable"
    | "limit-exceeded";
}

/** Parses JSON. Integers beyond 2^53 are BigInts; `JSON.parse` would round them. */
export function parseJson<T = any>(text: string): T;
/** Writes JSON. BigInts are written as numbers, with all digits. */
export function stringifyJson(value: unknown): string;
