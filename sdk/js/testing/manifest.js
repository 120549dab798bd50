// What connector.toml declares, and which config its schema allows. `handoff build` checks the manifest itself; here it decides
// what a test may do.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "smol-toml";

/** A connector's manifest. */
export class Manifest {
  constructor({ accepts, emits, http, stateSchema, schema }) {
    Object.assign(this, { accepts, emits, http, stateSchema });
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    this.validate = schema === undefined ? () => true : ajv.compile(schema);
  }

  /** Reads connector.toml and the files that it names. */
  static read(folder) {
    const path = join(folder, "connector.toml");
    let toml;
    try {
      toml = parse(readFileSync(path, "utf8"));
    } catch (error) {
      throw new Error(`${path}: ${error.message}`);
    }
    const { schema } = toml.config ?? {};
    return new Manifest({
      accepts: toml.events?.accepts ?? [],
      emits: toml.events?.emits ?? [],
      http: (toml.http ?? []).map((target) => ({ "look-ups": [], auth: [], ...target })),
      stateSchema: toml.state?.schema ?? 1,
      schema: typeof schema === "string" ? JSON.parse(readFileSync(join(folder, schema), "utf8")) : schema,
    });
  }

  /** The first thing that is wrong with a config, as `config.FIELD: …`; never a value of it. */
  problemWith(config) {
    if (this.validate(plain(config))) return undefined;
    const [{ keyword, instancePath, params, message }] = this.validate.errors;
    const at = (...names) => ["config", ...instancePath.split("/").slice(1), ...names].join(".");
    switch (keyword) {
      case "required":
        return `${at(params.missingProperty)}: is missing; this version requires it`;
      case "additionalProperties":
      case "unevaluatedProperties":
        return `${at(params.additionalProperty ?? params.unevaluatedProperty)}: is unknown to this version: remove it or correct its spelling`;
      default:
        return `${at()}: the value ${message}`;
    }
  }
}

/** The validator knows no BigInt. */
function plain(value) {
  return JSON.parse(JSON.stringify(value, (_key, inner) => (typeof inner === "bigint" ? Number(inner) : inner)));
}
