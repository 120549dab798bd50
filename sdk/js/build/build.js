// Builds a connector's component: bundles its modules with esbuild, and puts them into QuickJS with componentize-qjs.
// `handoff build` runs it: node build.js PROJECT ENTRY OUTPUT. What goes wrong is written to standard error.

import { realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { componentize } from "componentize-qjs";
import { bundle, own, sdk } from "./bundle.js";
import { placeIn } from "./lines.js";

const [folder, entry, output] = process.argv.slice(2);
const project = realpathSync(folder);
const scratch = await mkdtemp(join(tmpdir(), "handoff-js-"));
let places;
try {
  const bundled = await bundle({
    project,
    outfile: join(scratch, "connector.js"),
    contents: `import { connectorExports } from ${own("src/guest.js")};
import connector from ${JSON.stringify(resolve(project, entry))};
export const { handler, lifecycle } = connectorExports(connector, __HANDOFF_PLACES__);`,
  });
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
  console.error(readable(error.message));
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** The engine's message, with the places in the sources instead of those in the bundle. */
function readable(message) {
  const shown = (whole, row, column) => (places && placeIn(places, Number(row), Number(column))) ?? whole;
  return message.replace(/^.*module evaluation: /s, "").replace(/\/connector\.js:(\d+):(\d+)/g, shown);
}
