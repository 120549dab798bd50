// Cases as native tests: reads `cases/NAME/`, runs the connector on the case's events, and shows where it differs from what the
// case expects. The format is that of `handoff test`; its JSON Schemas are in this package, in `schemas`.

import { AssertionError } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { sdk } from "../build/bundle.js";
import { parseJson, rfc3339, stringifyJson } from "../src/json.js";
import { Bench } from "./bench.js";
import { differences } from "./compare.js";
import { shownFailure, told } from "./delivered.js";
import { canonical, fromHex, isMarked, readBytes, readTime, shownBytes } from "./values.js";

/** Compiled JSON Schemas, by name. */
const CHECKS = new Map();

/** One case: its inputs, and what each delivery commits or how it fails. */
export class TestCase {
  #manifest;
  #file;
  #expected;

  constructor(name, folder, manifest) {
    this.name = name;
    this.folder = folder;
    this.#manifest = manifest;
    this.#file = read(folder, "case");
    this.#expected = existsSync(join(folder, "expected.json")) ? this.#normalized(read(folder, "expected")) : undefined;
  }

  /** Fails the test unless the connector does what the case expects. */
  check(connector) {
    const { differences: found, logs, missingAnswers } = this.run(connector);
    if (found.length === 0) return;
    const lines = [`the connector does not do what \`cases/${this.name}/expected.json\` expects:`];
    for (const { path, expected, actual } of found) {
      const shown = (value) => (value === undefined ? "(nothing)" : stringifyJson(value));
      lines.push(`  ${path}`, `    expected ${shown(expected)}`, `    actual   ${shown(actual)}`);
    }
    lines.push(...missingAnswers.map((what) => `  the case has no answer to ${what}: add one under \`http\``));
    if (logs.length > 0) lines.push("log:", ...logs.map((line) => `  ${line.replaceAll("\n", "\n  ")}`));
    throw new AssertionError({ message: lines.join("\n"), stackStartFn: this.check });
  }

  /** Runs the connector: `actual` in the form of `expected.json`, `differences` from it, and the log. */
  run(connector) {
    if (this.#expected === undefined) {
      throw new Error(`cases/${this.name} has no expected.json: \`handoff test --accept\` writes what the connector does now`);
    }
    const bench = this.#bench(connector);
    const actual = {};
    const all = [];
    this.#migrate(bench, all);
    const events = this.#file.events ?? [];
    if (events.length === 0) {
      const { failure } = bench.validate();
      actual.validation = { passed: failure === undefined, ...(failure && { failure: shownFailure(failure) }) };
    }
    const delivered = events.map((event, index) => this.#deliver(bench, event, `events[${index}]`, index));
    all.push(...delivered);
    if (delivered.length > 0) actual.deliveries = delivered.map((one) => one.toExpected());
    return {
      actual,
      differences: differences(this.#expected, actual),
      logs: all.map((one) => one.log()).filter((text) => text !== ""),
      missingAnswers: all.flatMap((one) => one.missingAnswers),
    };
  }

  #bench(connector) {
    const { config, grants, state = {}, stateSchema, seed = "0".repeat(64), http = [], ...rest } = this.#file;
    const schema = this.#manifest.stateSchema;
    if (stateSchema === undefined && Object.keys(state).length > 0) {
      throw fault(`stateSchema: missing; expected the schema of \`state\`, such as ${schema}`);
    }
    if (stateSchema > schema) throw fault(`stateSchema: found ${stateSchema}; this version has schema ${schema}, and state is never migrated back`);
    const { usedKeys, installation, generation, rooftop, timeZone } = rest;
    const options = { config, grants, usedKeys, installation, generation, rooftop, timeZone };
    options.state = Object.fromEntries(Object.entries(state).map(([key, value]) => [key, this.#bytes(value, `state.${key}`)]));
    options.seed = fromHex(seed, "seed: expected 64 hexadecimal digits");
    if (rest.time !== undefined) options.time = readTime(rest.time, "time");
    let bench;
    try {
      bench = new Bench(this.#manifest, connector, Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
    } catch (error) {
      throw fault(error.message);
    }
    for (const [index, exchange] of http.entries()) bench.addAnswer(this.#answer(exchange, `http[${index}]`));
    return bench;
  }

  /** Migrates state of an older schema, as an upgrade does. */
  #migrate(bench, all) {
    const { stateSchema } = this.#file;
    if (stateSchema === undefined || stateSchema === this.#manifest.stateSchema) return;
    const migrated = bench.migrate(stateSchema);
    all.push(migrated);
    if (migrated.failure !== undefined) {
      throw fault(`state: the state cannot be migrated from schema ${stateSchema} to ${this.#manifest.stateSchema}: ${told(migrated.failure)}`);
    }
  }

  #deliver(bench, event, place, index) {
    const { attempt = 1 } = this.#file;
    const at = event.at === undefined ? undefined : readTime(event.at, `${place}.at`);
    if (at !== undefined && at < bench.time.getTime()) {
      throw fault(`${place}.at: found ${event.at}; expected ${bench.time.toISOString()} or later, the time of the delivery before it`);
    }
    if (event.timer !== undefined) {
      if (Object.keys(event).some((field) => !["timer", "at"].includes(field))) {
        throw fault(`${place}: \`timer\` delivers the timer's own event: remove all fields but \`timer\` and \`at\``);
      }
      try {
        return bench.fireTimer(event.timer, { at, attempt });
      } catch (error) {
        throw error.message.startsWith("no timer") ? fault(`${place}.timer: ${error.message}`) : error;
      }
    }
    if (event.type === undefined) throw fault(`${place}: expected \`type\`, or \`timer\` with the key of a timer`);
    try {
      bench.checkAccepted(`${place}.type`, event.type);
    } catch (error) {
      throw fault(error.message);
    }
    if (at !== undefined) bench.time = at;
    const { extensions = {}, partitionkey } = event;
    const made = {
      id: event.id ?? `event-${index + 1}`,
      source: event.source ?? "/tests",
      typeName: event.type,
      subject: event.subject,
      time: event.time === undefined ? undefined : readTime(event.time, `${place}.time`),
      // Data that is written as JSON is JSON, unless the case says otherwise.
      dataContentType: event.datacontenttype ?? (event.data === undefined || isMarked(event.data) ? undefined : "application/json"),
      dataSchema: event.dataschema,
      extensions: Object.entries(partitionkey === undefined ? extensions : { ...extensions, partitionkey }),
      data: event.data === undefined ? new Uint8Array(0) : this.#bytes(event.data, `${place}.data`),
    };
    return bench.deliverEvent(made, attempt);
  }

  /** An answer to look-ups; an absent field of the request matches anything. */
  #answer({ request: wanted, response, error }, place) {
    const body = wanted.body === undefined ? undefined : canonical(shownBytes(this.#bytes(wanted.body, `${place}.request.body`)));
    const fits = (request) => {
      const values = (name) => request.headers.filter(([known]) => known.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
      return (
        wanted.method === request.method &&
        wanted.url === request.url &&
        (wanted.auth ?? request.auth) === request.auth &&
        (wanted.timeoutMs ?? request.timeoutMs) === request.timeoutMs &&
        Object.entries(wanted.headers ?? {}).every(([name, value]) => stringifyJson(values(name)) === stringifyJson([].concat(value))) &&
        (body === undefined || (request.body !== null && canonical(shownBytes(request.body)) === body))
      );
    };
    if (error !== undefined) {
      return { fits, error: { tag: error.kind, val: error.kind === "unavailable" ? (error.ms ?? 1000) : (error.message ?? "") } };
    }
    const headers = Object.entries(response.headers ?? {}).flatMap(([name, value]) => [].concat(value).map((one) => [name.toLowerCase(), one]));
    const bytes = response.body === undefined ? new Uint8Array(0) : this.#bytes(response.body, `${place}.response.body`);
    return { fits, response: { status: response.status, headers, body: bytes } };
  }

  /** Writes every text of bytes in its one form, so that forms are never compared. */
  #normalized(expected) {
    const shown = (value, field) => shownBytes(this.#bytes(value, field, "expected.json"));
    for (const [index, { commit }] of (expected.deliveries ?? []).entries()) {
      const place = `deliveries[${index}].commit`;
      const all = [...(commit?.emitted ?? []), ...Object.values(commit?.timersSet ?? {}).map(({ event }) => event)];
      for (const event of all) {
        if (event.data !== undefined) event.data = shown(event.data, `${place}.emitted.data`);
        if (event.time !== undefined) event.time = rfc3339(new Date(readTime(event.time, `expected.json: ${place}.emitted.time`)));
      }
      for (const timer of Object.values(commit?.timersSet ?? {})) {
        timer.at = rfc3339(new Date(readTime(timer.at, `expected.json: ${place}.timersSet.at`)));
      }
      for (const { request } of commit?.requests ?? []) if (request.body !== undefined) request.body = shown(request.body, `${place}.requests.body`);
      for (const [key, value] of Object.entries(commit?.state ?? {})) if (value !== null) commit.state[key] = shown(value, `${place}.state.${key}`);
    }
    return expected;
  }

  #bytes(value, field, file = "case.json") {
    try {
      return readBytes(value, field, this.folder);
    } catch (error) {
      throw new Error(`${file}: ${error.message}`);
    }
  }
}

function fault(text) {
  return new Error(`case.json: ${text}`);
}

/** Reads one of the files, checked by its JSON Schema: a misspelt field would test nothing. */
function read(folder, name) {
  let value;
  try {
    value = parseJson(readFileSync(join(folder, `${name}.json`), "utf8"));
  } catch (error) {
    throw new Error(`${join(folder, name)}.json: ${error.message}`);
  }
  if (!CHECKS.has(name)) {
    const schema = JSON.parse(readFileSync(join(sdk, "schemas", `${name}-1.schema.json`), "utf8"));
    CHECKS.set(name, new Ajv2020({ strict: false, validateFormats: false }).compile(schema));
  }
  const check = CHECKS.get(name);
  // The validator knows no BigInt.
  if (!check(JSON.parse(JSON.stringify(value, (_key, inner) => (typeof inner === "bigint" ? 0 : inner))))) {
    const [{ instancePath, keyword, params, message }] = check.errors;
    const place = instancePath.split("/").slice(1).join(".");
    const told = keyword === "additionalProperties" ? `unknown field \`${params.additionalProperty}\`: remove it or correct its spelling` : message;
    throw new Error(`${join(folder, name)}.json: ${place === "" ? "" : `${place}: `}${told}`);
  }
  return value;
}
