// Exceptions of a connector: what the log shows, and the failure that they become. A message of an exception may quote
// what a customer wrote; such parts are left out.

import { Failure, Retry, cut } from "./failure.js";
import { decode } from "./text.js";
import { placeIn } from "../build/lines.js";

/** Errors that caused one another, at most. */
const CAUSES_MAX = 4;
const LOG_BYTES_MAX = 7000;
/** The engine quotes with both. */
const QUOTED = /'[^']*'|"[^"]*"/g;
/** A name in code: of a property or variable. Long digits and everything with other characters is data. */
const NAME = /^[A-Za-z_$][\w$.]{0,63}$/;

/** The failure of an exception; what is no `Failure` is logged, with its stack. */
export function failureOf(error, log, places, seen) {
  if (error instanceof Failure) {
    if (error.cause !== undefined) log.write("warn", cut(report(error.cause, places, seen), LOG_BYTES_MAX), []);
    return error;
  }
  const name = error instanceof Error ? error.name : typeof error;
  const [place] = frames(error, places);
  log.write("error", cut(report(error, places, seen), LOG_BYTES_MAX), [["exception", name], ["at", place ?? "unknown"]]);
  const at = place === undefined ? "" : ` at ${place}`;
  return new Retry("exception", `the connector threw ${name}${at}; its log has the message and the stack`);
}

/** Message and stack of an exception and its causes. */
function report(error, places, seen) {
  const parts = [];
  for (let cause = error; cause !== undefined && parts.length < CAUSES_MAX; cause = cause?.cause) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : `${typeof cause}: ${String(cause)}`;
    const stack = frames(cause, places).map((frame) => `\n    at ${frame}`);
    parts.push(withoutData(text, seen) + stack.join(""));
  }
  return parts.join("\ncaused by ");
}

/** Replaces quoted parts that are, or may be, data from outside. */
function withoutData(text, seen) {
  const inputs = seen.map((bytes) => decode(bytes, false));
  return text.replace(QUOTED, (quoted) => {
    const inner = quoted.slice(1, -1);
    const isCode = inner === "" || (NAME.test(inner) && !inputs.some((input) => input.includes(inner)));
    return isCode ? quoted : `${quoted[0]}…${quoted[0]}`;
  });
}

/** `file:line in function` of the sources, the innermost call first. */
function frames(error, places) {
  const stack = error instanceof Error ? String(error.stack ?? "") : "";
  const found = [];
  for (const line of stack.split("\n")) {
    const [, name, row, column] = /^\s*at (?:(.*?) \()?.*?:(\d+):(\d+)\)?\s*$/.exec(line) ?? [];
    // Outside of a component the engine's own frames are there, too.
    if (row === undefined || !line.includes(places.bundle ?? "")) continue;
    const source = placeIn(places, Number(row), Number(column));
    // Frames of this package lead to the exports, not to the mistake.
    if (source !== undefined && !source.startsWith("handoff-sdk/")) found.push(name ? `${source} in ${plain(name)}` : source);
  }
  return found;
}

/** A function's own name: engines differ in what they write before it. */
function plain(name) {
  return name.replace(/^(?:async |new )?.*\./, "");
}
