// JSON that never rounds an integer. A number of JavaScript is exact up to 2^53; an integer beyond it becomes a BigInt, and
// a BigInt is written with all its digits. A `Date` is written as a host writes times.

const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;
/** Node.js 20 does not tell the digits of a number; the connector's own engine does. */
const TELLS_DIGITS = typeof JSON.rawJSON === "function";
/** Texts and numbers, so that digits within a text are left alone. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON. Integers beyond 2^53 are of type BigInt. */
export function parseJson(text) {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  if (TELLS_DIGITS) {
    return JSON.parse(text, (_key, value, { source }) => (typeof value === "number" && isLong(source) ? BigInt(source) : value));
  }
  const mark = markFor(text);
  const marked = text.replace(TOKEN, (token) => (isLong(token) ? `"${mark}${token}"` : token));
  const isMarked = (value) => typeof value === "string" && value.startsWith(mark);
  return JSON.parse(marked, (_key, value) => (isMarked(value) ? BigInt(value.slice(mark.length)) : value));
}

function isLong(source) {
  return INTEGER.test(source) && !Number.isSafeInteger(Number(source));
}

/** Letters that the text does not contain. */
function markFor(text) {
  let mark = "integer:";
  while (text.includes(mark)) mark = `_${mark}`;
  return mark;
}

/** Writes JSON. BigInts are written as numbers, with all digits. */
export function stringifyJson(value) {
  let text = written(value, TELLS_DIGITS ? (number) => JSON.rawJSON(String(number)) : String);
  if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON form`);
  if (!TELLS_DIGITS && hasBigInt(value)) {
    const mark = markFor(text);
    text = written(value, (number) => mark + number).replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
  }
  return text;
}

function written(value, bigint) {
  return JSON.stringify(value, function replace(key, inner) {
    if (typeof inner === "bigint") return bigint(inner);
    return this[key] instanceof Date && typeof inner === "string" ? rfc3339(this[key]) : inner;
  });
}

function hasBigInt(value) {
  let found = false;
  JSON.stringify(value, (_key, inner) => {
    if (typeof inner !== "bigint") return inner;
    found = true;
    return null;
  });
  return found;
}

/** A time as the host and the other SDKs write it: with milliseconds only if there are any. */
export function rfc3339(time) {
  return time.toISOString().replace(".000Z", "Z");
}
