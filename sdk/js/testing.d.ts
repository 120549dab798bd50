// Types of the test kit: `import { Project } from "handoff-sdk/testing"`. It runs in Node.js, with `node --test`.

import type { Connector, Failure, Time } from "./index.js";

/** A connector's folder, which has connector.toml, package.json and `cases/`. */
export class Project {
  /** Its path, or its URL: `new URL("..", import.meta.url)`. */
  constructor(folder: string | URL);
  readonly folder: string;
  /** The connector: what the main module exports, JavaScript or TypeScript, bundled as in the build. */
  connector(): Promise<Connector>;
  /** The cases of `cases/`, by name. */
  cases(): TestCase[];
  /** A simulated host for one installation of the connector. Throws for a config that the config schema refuses. */
  bench(connector: Connector<any>, options?: BenchOptions): Bench;
}

/** Settings of the simulated installation. */
export interface BenchOptions {
  config?: Record<string, unknown>;
  /** `[grants]` of a settings file. The default is all event types, and all targets whose host connector.toml names. */
  grants?: Record<string, unknown>;
  /** JSON values, or bytes, by key. */
  state?: Record<string, unknown>;
  /** Keys of outbox requests that were used before. */
  usedKeys?: string[];
  /** The clock; the default is 2026-03-30T15:00:00Z. */
  time?: Time;
  /** 32 bytes that random numbers come from. */
  seed?: Uint8Array;
  installation?: string;
  generation?: number;
  /** The default is `main-street` in `America/Chicago`. */
  rooftop?: string;
  timeZone?: string;
}

/** Attributes of an event that a test delivers. */
export interface DeliverOptions {
  id?: string;
  source?: string;
  subject?: string;
  time?: Time;
  contentType?: string;
  dataSchema?: string;
  partitionKey?: string;
  extensions?: Record<string, string>;
  attempt?: number;
}

/** A simulated host for one installation: keeps durable state, and commits or discards after each delivery. */
export class Bench {
  private constructor();
  /** The clock: the time of the next delivery. */
  get time(): Date;
  set time(time: Time);
  /** Answers look-ups. Each answer is used once, in order, and the last one again after that. */
  answer(method: string, url: string, response?: { status?: number; headers?: Record<string, string>; body?: unknown }): void;
  /** Lets look-ups fail: `timeout`, `unreachable` and so on. */
  answerError(method: string, url: string, reason: string, detail?: string): void;
  /** Delivers an event. `data` is JSON, bytes, or text with a `contentType`. Throws for an event that no host would deliver. */
  deliver(type: string, data?: unknown, options?: DeliverOptions): Delivered;
  validate(): Delivered;
  migrate(fromSchema: number): Delivered;
  /** The pending timers, by key. */
  get timers(): Record<string, { at: Date; type: string; data: any }>;
  /** Delivers the event of one timer. */
  fireTimer(key: string): Delivered;
  /** Moves the clock and delivers the timers that become due, including those set meanwhile. */
  fireTimers(until: Time): Delivered[];
  /** The committed JSON value of a key. */
  state<T = any>(key: string): T | undefined;
  stateKeys(prefix?: string): string[];
}

/** What a delivery did, in the form of `expected.json`. After a failure everything but `failure`, `logs` and `lookUps` is empty. */
export class Delivered {
  private constructor();
  readonly failure: Failure | undefined;
  readonly logs: readonly { level: string; message: string; fields: Record<string, string> }[];
  readonly lookUps: readonly any[];
  readonly missingAnswers: readonly string[];
  readonly metrics: readonly { kind: string; name: string; value: number; labels: Record<string, string> }[];
  readonly emitted: readonly any[];
  readonly state: Readonly<Record<string, any>>;
  readonly timersSet: Readonly<Record<string, { at: string; event: any }>>;
  readonly timersCancelled: readonly string[];
  readonly requests: readonly any[];
  /** Fails the test unless the delivery committed. */
  expectCommit(): this;
  /** The failure; fails the test if the delivery committed. */
  expectFailure(): Failure;
  /** The total added to a counter, over all labels. */
  counted(name: string): number;
  /** The log as lines. */
  log(): string;
}

/** One case of `cases/`. */
export class TestCase {
  private constructor();
  readonly name: string;
  readonly folder: string;
  /** Fails the test unless the connector does what the case expects. */
  check(connector: Connector<any>): void;
  /** What the connector did, and where it differs from what the case expects. */
  run(connector: Connector<any>): {
    actual: any;
    differences: { path: string; expected?: unknown; actual?: unknown }[];
    logs: string[];
    missingAnswers: string[];
  };
}
