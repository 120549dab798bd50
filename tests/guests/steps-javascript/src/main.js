// Does what its event says, to show how JavaScript behaves in a component.

import { Misconfigured, Reject, Request, Retry, parseJson } from "handoff-sdk";

const steps = {
  random: () => console.log([Math.random(), Math.random(), crypto.randomUUID()].join(" ")),
  clock: (cx) =>
    console.log([Date.now(), new Date().toISOString(), cx.now().getTime(), new Date() instanceof Date, performance.now()].join(" ")),
  output: () => {
    console.log("printed", { n: 1n });
    console.warn("warned");
  },
  integers: (cx) => {
    const { n, small } = parseJson('{"n":12345678901234567890,"small":7}');
    cx.state.set("n", { n, small, next: n + 1n });
    cx.info(`${cx.state.get("n").next} ${typeof small}`);
  },
  text: (cx) => cx.info(new TextDecoder().decode(new Uint8Array([0xff, 0x41, 0xe2, 0x82]))),
  throws: () => deep({}),
  quotes: (_cx, event) => {
    throw new TypeError(`no '${event.text()}' in 'leads'`);
  },
  causes: () => {
    throw new Error("outer", { cause: new Error("inner") });
  },
  retries: () => {
    throw new Retry("crm-down", "the CRM is down", { afterMs: 5000 });
  },
  rejects: () => {
    throw new Reject("no-use", "this lead is of no use");
  },
  misconfigured: () => {
    throw new Misconfigured("config field `list` is wrong");
  },
  json: (_cx, event) => event.json(),
  ungranted: (cx) => cx.emit({ type: "com.example.other.v1", data: {} }),
  key: (cx) => cx.state.get(""),
  path: (cx) => cx.info(cx.fetch(Request.get("https://crm.example/leads/").path(["C 1 ä!"]).query({ a: "b&c" })).text()),
  dots: () => Request.get("https://crm.example/leads").path([".."]),
  waits: () => setTimeout(() => {}, 5),
  fetches: () => fetch("https://crm.example/leads/1"),
  recurses: (cx, event) => steps.recurses(cx, event),
  unshown: () => {
    throw { toString: null };
  },
  promise: () => Promise.resolve(),
};

function deep(lead) {
  return lead.customer.email;
}

export default {
  handle(cx, event) {
    return steps[event.text().split(" ")[0]](cx, event);
  },
};
