// What esbuild says, in the words of a connector: its own hints are about other uses of it.

import { formatMessages } from "esbuild";

/** The messages for people, with file, line and what to do. */
export async function told(messages, kind = "error") {
  const lines = await formatMessages(messages.map(explained), { kind, color: false });
  return lines.join("").trimEnd();
}

function explained(message) {
  const note = (text) => ({ ...message, notes: [{ text }] });
  const [, missing] = /^Could not resolve "(.*)"$/.exec(message.text) ?? [];
  if (message.location?.file === "handoff-entry.js") {
    const text = "The main module has no default export: end it with `export default { handle(cx, event) { … } }`";
    return { ...message, text, location: null, notes: [] };
  }
  if (missing === undefined) return message;
  if (missing.startsWith("node:") || message.notes.some(({ text }) => text.includes("built into node"))) {
    return note("A connector has no modules of Node.js, no files and no network: it gets all that it knows with the event and from `cx`.");
  }
  if (/^[./]/.test(missing)) return message;
  const name = missing.split("/").slice(0, missing.startsWith("@") ? 2 : 1).join("/");
  return note(`The package is not installed. Run this once, then build again: npm install ${name}`);
}
