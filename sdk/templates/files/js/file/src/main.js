// Reads parts lists that are dropped as CSV files, and emits one event for each part.

import { Reject } from "handoff-sdk";

/**
 * The installation's config, as `config.schema.json` allows it: the character between two columns.
 * @typedef {{ separator?: string }} Config
 */

/**
 * The data of `com.example.part.listed.v1`.
 * @typedef {{ number: string, quantity: number }} Part
 */

/** @type {import("handoff-sdk").Connector<Config>} */
const connector = {
  handle(cx, event) {
    const { separator = "," } = cx.config;
    // One bad line rejects the whole file: nothing of it is emitted, and people see the dead letter.
    for (const [index, line] of event.text().split("\n").entries()) {
      if (line.trim() === "") continue;
      const part = readPart(line, separator);
      if (part === undefined) throw new Reject("bad-line", `line ${index + 1}: expected a number and a quantity`);
      cx.emit({ type: "com.example.part.listed.v1", data: part, partitionKey: part.number });
    }
  },
};

export default connector;

/**
 * A line such as `11-4711,12`.
 * @param {string} line
 * @param {string} separator
 * @returns {Part | undefined}
 */
function readPart(line, separator) {
  const [number = "", quantity = "", ...rest] = line.split(separator).map((column) => column.trim());
  if (number === "" || !/^\d{1,9}$/.test(quantity) || rest.length > 0) return undefined;
  return { number, quantity: Number(quantity) };
}
