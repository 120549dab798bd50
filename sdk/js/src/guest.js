// The component's side of the contract: the imports behind the context, and the exports that the build makes of a
// connector. It exists in components only; nothing of it is used outside of one.

import * as context from "handoff:connector/context@1.0.0";
import * as http from "handoff:connector/http@1.0.0";
import * as log from "handoff:connector/log@1.0.0";
import * as metrics from "handoff:connector/metrics@1.0.0";
import * as outbox from "handoff:connector/outbox@1.0.0";
import * as state from "handoff:connector/state@1.0.0";
import * as zone from "handoff:connector/context@1.1.0-rc";
import { enter, forget } from "./globals.js";
import { Context } from "./context.js";
import { Event } from "./event.js";
import { failureOf } from "./exception.js";
import { Misconfigured, Retry, toContract } from "./failure.js";
import { parseJson } from "./json.js";

const host = { context, http, log, metrics, outbox, state, zone };

/** An exception may hold what cannot be shown, such as an object whose `toString` throws. */
function shownFailure(error, places, seen) {
  try {
    return failureOf(error, log, places, seen);
  } catch {
    return new Retry("exception", "the connector threw a value that cannot be shown");
  }
}

/** The exports of a connector's component. */
export function connectorExports(connector, places) {
  if (typeof connector?.handle !== "function") {
    throw new Error("the connector has no function `handle`: the main module exports `default { handle(cx, event) { … } }`");
  }
  const call = (seen, work) => {
    enter(host);
    forget();
    try {
      const result = work(new Context(host, parseJson(context.config()), seen));
      if (typeof result?.then === "function") {
        throw new Error("the connector returned a promise, which nobody waits for: everything in a connector is synchronous, remove `async`");
      }
    } catch (error) {
      throw toContract(shownFailure(error, places, seen));
    } finally {
      enter(null);
    }
  };
  return {
    handler: {
      handle: (event) => call([event.data], (cx) => connector.handle(cx, new Event(event))),
    },
    lifecycle: {
      validate: () => call([], (cx) => connector.validate?.(cx)),
      migrate: (fromSchema) =>
        call([], (cx) => {
          if (connector.migrate !== undefined) return connector.migrate(cx, fromSchema);
          throw new Misconfigured(
            `the state has schema ${fromSchema}, and this connector has no migration from it: roll back to the version that wrote it, or clear the installation's state`,
          );
        }),
    },
  };
}
