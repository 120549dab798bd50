// How a case writes bytes: as JSON, or as an object with one field: `$text`, `$hex` or `$file`. And times.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson, stringifyJson } from "../src/json.js";
import { decode, encode } from "../src/text.js";

/** The word and the content of an object with one field that begins with `$`. */
function marked(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  const fields = Object.entries(value);
  return fields.length === 1 && fields[0][0].startsWith("$") ? fields[0] : undefined;
}

export function isMarked(value) {
  return marked(value) !== undefined;
}

/** The bytes of a value, for the field that a message names. */
export function readBytes(value, field, folder) {
  const [word, text] = marked(value) ?? [];
  if (word === undefined) return encode(stringifyJson(value));
  if (typeof text !== "string") throw new Error(`${field}: \`${word}\` is followed by a text`);
  switch (word) {
    case "$text":
      return encode(text);
    case "$hex":
      return fromHex(text, `${field}: \`$hex\` is followed by pairs of hexadecimal digits`);
    case "$file":
      if (folder === undefined || text === "" || text.startsWith("/") || text.split("/").some((part) => ["", ".", ".."].includes(part))) {
        throw new Error(`${field}: \`$file\` is followed by the name of a file in the case's folder`);
      }
      return new Uint8Array(readFileSync(join(folder, text)));
    default:
      throw new Error(`${field}: \`${word}\` is not one of \`$text\`, \`$hex\`, \`$file\``);
  }
}

export function fromHex(text, problem) {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new Error(problem);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes as a case writes them. */
export function shownBytes(bytes) {
  let text;
  try {
    text = decode(bytes, true);
  } catch {
    return { $hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  try {
    const value = parseJson(text);
    return value === null || isMarked(value) ? { $text: text } : value;
  } catch {
    return { $text: text };
  }
}

/** JSON in its one form, whatever the order of its fields. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return stringifyJson(value);
  const fields = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${fields.join(",")}}`;
}

/** Milliseconds since 1970 of an RFC 3339 time. */
export function readTime(text, field) {
  const time = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(String(text)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new Error(`${field}: expected an RFC 3339 date and time, such as 2026-03-30T15:00:00Z`);
  return time;
}

/** The offset of a zone from UTC at a time, in seconds east. */
export function offsetAt(timeZone, millis) {
  let format;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    });
  } catch {
    throw new Error(`timeZone: \`${timeZone}\` is not an IANA time zone`);
  }
  const part = Object.fromEntries(format.formatToParts(millis).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return Math.round((local - Math.floor(millis / 1000) * 1000) / 1000);
}
