// One call of a connector: the context, the globals of the delivery, and the failure that an exception becomes. The host is
// the component's imports, or the fake of a test.

import { Context } from "./context.js";
import { failureOf } from "./exception.js";
import { Misconfigured, Retry } from "./failure.js";
import { enter, forget } from "./globals.js";
import { parseJson } from "./json.js";

/** Throws what the build of a connector without `handle` says. */
export function checkConnector(connector) {
  if (typeof connector?.handle !== "function") {
    throw new Error("the connector has no function `handle`: the main module exports `default { handle(cx, event) { … } }`");
  }
}

/** Runs `work` with a context; returns the failure, or nothing. `seen` holds what came from outside. */
export function callConnector(host, places, seen, work) {
  enter(host);
  forget();
  try {
    const result = work(new Context(host, parseJson(host.context.config()), seen));
    if (typeof result?.then === "function") {
      // Nobody waits for it, and its exception is not the connector's result.
      result.then(undefined, () => undefined);
      throw new Error("the connector returned a promise, which nobody waits for: everything in a connector is synchronous, remove `async`");
    }
    return undefined;
  } catch (error) {
    return shownFailure(error, host.log, places, seen);
  } finally {
    enter(null);
  }
}

/** Calls `migrate`, which not every connector has. */
export function migrate(connector, cx, fromSchema) {
  if (connector.migrate !== undefined) return connector.migrate(cx, fromSchema);
  throw new Misconfigured(
    `the state has schema ${fromSchema}, and this connector has no migration from it: roll back to the version that wrote it, or clear the installation's state`,
  );
}

/** An exception may hold what cannot be shown, such as an object whose `toString` throws. */
function shownFailure(error, log, places, seen) {
  try {
    return failureOf(error, log, places, seen);
  } catch {
    return new Retry("exception", "the connector threw a value that cannot be shown");
  }
}
