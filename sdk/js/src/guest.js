// The component's side of the contract: the imports behind the context, and the exports that the build makes of a
// connector. It exists in components only; nothing of it is used outside of one.

import * as context from "handoff:connector/context@1.0.0";
import * as http from "handoff:connector/http@1.0.0";
import * as log from "handoff:connector/log@1.0.0";
import * as metrics from "handoff:connector/metrics@1.0.0";
import * as outbox from "handoff:connector/outbox@1.0.0";
import * as state from "handoff:connector/state@1.0.0";
import * as zone from "handoff:connector/context@1.1.0-rc";
import { callConnector, checkConnector, migrate } from "./call.js";
import { Event } from "./event.js";
import { toContract } from "./failure.js";
import { install } from "./globals.js";

install();

const host = { context, http, log, metrics, outbox, state, zone };

/** The exports of a connector's component. */
export function connectorExports(connector, places) {
  checkConnector(connector);
  const call = (seen, work) => {
    const failure = callConnector(host, places, seen, work);
    if (failure !== undefined) throw toContract(failure);
  };
  return {
    handler: {
      handle: (event) => call([event.data], (cx) => connector.handle(cx, new Event(event))),
    },
    lifecycle: {
      validate: () => call([], (cx) => connector.validate?.(cx)),
      migrate: (fromSchema) => call([], (cx) => migrate(connector, cx, fromSchema)),
    },
  };
}
