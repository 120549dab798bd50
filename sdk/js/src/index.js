// What a connector uses. In reading order: its inputs (Context, Event), its outputs (Request, failures), and numbers that
// JavaScript cannot hold (parseJson, stringifyJson).

export { Context, State } from "./context.js";
export { Event } from "./event.js";
export { Failure, HttpError, Misconfigured, OutboxError, Reject, Retry, StateError } from "./failure.js";
export { Request, Response } from "./http.js";
export { parseJson, stringifyJson } from "./json.js";
