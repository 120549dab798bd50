// Bundles a connector's modules as its component holds them: the build and the native test kit share it.

import { realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { linesOf } from "./lines.js";
import { told } from "./messages.js";

/** The folder of this package. */
export const sdk = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));

/** Code and places of an entry module in the project's folder; `outfile` is where the code will lie. Writes nothing. */
export async function bundle({ project, contents, outfile, external = [], plugins = [], sourcemap = "external" }) {
  const { outputFiles, warnings } = await building({
    stdin: { contents, resolveDir: project, sourcefile: "handoff-entry.js" },
    absWorkingDir: project,
    bundle: true,
    external: ["handoff:*", ...external],
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import", "default"],
    target: "es2023",
    charset: "utf8",
    keepNames: false,
    sourcemap,
    outfile,
    plugins,
    write: false,
    logLevel: "silent",
  });
  if (warnings.length > 0) console.error(await told(warnings, "warning"));
  const file = (suffix) => outputFiles.find(({ path }) => path.endsWith(suffix)).text;
  // Sources are relative to the bundle, whose folder may itself be reached through a link.
  const shown = (path) => {
    const absolute = resolve(realpathSync(dirname(outfile)), path);
    const own = relative(sdk, absolute);
    return own.startsWith("..") ? relative(project, absolute) : `handoff-sdk/${own}`;
  };
  return { code: file(".js"), places: linesOf(JSON.parse(file(".js.map")), shown) };
}

async function building(options) {
  try {
    return await build(options);
  } catch (error) {
    throw Array.isArray(error.errors) ? new Error(await told(error.errors)) : error;
  }
}

/** A module of the SDK, for an import. */
export function own(path) {
  return JSON.stringify(join(sdk, path));
}
