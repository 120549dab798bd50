// Builds a connector's component: bundles its modules with esbuild, and puts them into QuickJS with componentize-qjs.
// `handoff build` runs it: node build.js PROJECT ENTRY OUTPUT. What goes wrong is written to standard error.

import { realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { componentize } from "componentize-qjs";
import { build } from "esbuild";
import { linesOf, placeIn } from "./lines.js";

const sdk = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));
const [folder, entry, output] = process.argv.slice(2);
const project = realpathSync(folder);
const scratch = await mkdtemp(join(tmpdir(), "handoff-js-"));
let places;
try {
  const bundled = await bundle();
  places = bundled.places;
  const { code } = bundled;
  // A placeholder of the same length keeps the lines that the table describes.
  const source = code.replace("__HANDOFF_PLACES__", () => JSON.stringify(places));
  const file = join(scratch, "connector.js");
  await writeFile(file, source);
  const { component } = await componentize({
    witPath: join(sdk, "wit"),
    world: "connector",
    jsSource: source,
    jsPath: file,
    stubWasi: true,
    sync: true,
  });
  await writeFile(output, component);
} catch (error) {
  // esbuild's errors are already printed; they have a list.
  if (!Array.isArray(error.errors)) console.error(readable(error.message));
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** The engine's message, with the places in the sources instead of those in the bundle. */
function readable(message) {
  const shown = (whole, row, column) => (places && placeIn(places, Number(row), Number(column))) ?? whole;
  return message.replace(/^.*module evaluation: /s, "").replace(/\/connector\.js:(\d+):(\d+)/g, shown);
}

async function bundle() {
  const main = resolve(project, entry);
  const { outputFiles } = await build({
    stdin: {
      contents: `import { connectorExports } from ${JSON.stringify(join(sdk, "src/guest.js"))};
import connector from ${JSON.stringify(main)};
export const { handler, lifecycle } = connectorExports(connector, __HANDOFF_PLACES__);`,
      resolveDir: project,
      sourcefile: "handoff-entry.js",
    },
    absWorkingDir: project,
    bundle: true,
    external: ["handoff:*"],
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import", "default"],
    target: "es2023",
    charset: "utf8",
    keepNames: false,
    sourcemap: "external",
    outfile: join(scratch, "connector.js"),
    write: false,
    logLevel: "warning",
  });
  const file = (suffix) => outputFiles.find(({ path }) => path.endsWith(suffix)).text;
  // Sources are relative to the bundle, whose folder may itself be reached through a link.
  const shown = (path) => {
    const absolute = resolve(realpathSync(scratch), path);
    const own = relative(sdk, absolute);
    return own.startsWith("..") ? relative(project, absolute) : `handoff-sdk/${own}`;
  };
  return { code: file(".js"), places: linesOf(JSON.parse(file(".js.map")), shown) };
}
