// Reads parts lists that are dropped as CSV files, and emits one event for each part.

import { type Connector, Reject } from "handoff-sdk";

/** The installation's config, as `config.schema.json` allows it. */
interface Config {
  /** The character between two columns. */
  separator?: string;
}

/** The data of `com.example.part.listed.v1`. */
interface Part {
  number: string;
  quantity: number;
}

export default {
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
} satisfies Connector<Config>;

/** A line such as `11-4711,12`. */
function readPart(line: string, separator: string): Part | undefined {
  const [number = "", quantity = "", ...rest] = line.split(separator).map((column) => column.trim());
  if (number === "" || !/^\d{1,9}$/.test(quantity) || rest.length > 0) return undefined;
  return { number, quantity: Number(quantity) };
}
