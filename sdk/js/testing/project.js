// A connector's folder: its manifest, its config schema, its cases, and the connector itself.

import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle, sdk } from "../build/bundle.js";
import { checkConnector } from "../src/call.js";
import { Bench } from "./bench.js";
import { TestCase } from "./case.js";
import { Manifest } from "./manifest.js";

/** Places of a connector's sources in its bundle, by connector. */
const PLACES = new WeakMap();

/** A connector's folder. */
export class Project {
  /** @param folder its path, or its URL: `new URL("..", import.meta.url)` */
  constructor(folder) {
    this.folder = realpathSync(folder instanceof URL ? fileURLToPath(folder) : folder);
    this.manifest = Manifest.read(this.folder);
  }

  /** The connector: what the main module of package.json exports, JavaScript or TypeScript, bundled as in the build. */
  async connector() {
    const { main } = JSON.parse(readFileSync(join(this.folder, "package.json"), "utf8"));
    if (typeof main !== "string") throw new Error("package.json: field `main`: expected the connector's main module");
    const scratch = realpathSync(await mkdtemp(join(tmpdir(), "handoff-test-")));
    const outfile = join(scratch, "connector.js");
    try {
      const path = pathToFileURL(join(sdk, "src/index.js")).href;
      const shared = { name: "sdk", setup: (build) => build.onResolve({ filter: /^handoff-sdk$/ }, () => ({ path, external: true })) };
      const contents = `export { default } from ${JSON.stringify(resolve(this.folder, main))};`;
      const options = { project: this.folder, outfile, contents, plugins: [shared], sourcemap: "both" };
      const { code, places } = await bundle(options);
      // Debuggers read the source map at its end.
      const module = join(scratch, "connector.mjs");
      await writeFile(module, code);
      const { default: connector } = await import(pathToFileURL(module).href);
      checkConnector(connector);
      PLACES.set(connector, { ...places, bundle: module });
      return connector;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** The cases of `cases/`, by name. */
  cases() {
    const folder = join(this.folder, "cases");
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    const found = names.filter((name) => existsSync(join(folder, name, "case.json")));
    if (found.length === 0) throw new Error(`${folder}: no cases found: create \`NAME/case.json\` in it`);
    return found.map((name) => new TestCase(name, join(folder, name), this.manifest));
  }

  /** A simulated host for one installation of the connector, for tests that are written by hand. */
  bench(connector, options) {
    return new Bench(this.manifest, connector, options);
  }
}

/** Where a connector's code comes from; nothing is known of one that was imported directly. */
export function placesOf(connector) {
  return PLACES.get(connector) ?? { files: [], lines: [], bundle: "/" };
}
