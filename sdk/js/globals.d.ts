// Globals that a connector has besides those of the language. All belong to the delivery: what the console writes is in its
// log, random numbers come from its seed, and the clock (also `Date`) stands still at its time.

interface HandoffConsole {
  debug(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}

interface HandoffCrypto {
  /** Not for keys or tokens: a replay draws the same bytes. */
  getRandomValues<T extends Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array>(array: T): T;
  randomUUID(): string;
}

interface TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
}

interface TextDecoder {
  readonly encoding: "utf-8";
  decode(data?: ArrayBuffer | ArrayBufferView): string;
}

declare var console: HandoffConsole;
declare var crypto: HandoffCrypto;
declare var TextEncoder: { new (): TextEncoder };
declare var TextDecoder: { new (label?: string, options?: { fatal?: boolean }): TextDecoder };
declare function atob(text: string): string;
declare function btoa(text: string): string;
