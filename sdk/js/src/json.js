// JSON that never rounds an integer. A number of JavaScript is exact up to 2^53; an integer beyond it becomes a BigInt, and
// a BigInt is written with all its digits.

const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** Parses JSON. Integers beyond 2^53 are of type BigInt. */
export function parseJson(text) {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && INTEGER.test(source) ? BigInt(source) : value,
  );
}

/** Writes JSON. BigInts are written as numbers, with all digits. */
export function stringifyJson(value) {
  const text = JSON.stringify(value, (_key, inner) => (typeof inner === "bigint" ? JSON.rawJSON(String(inner)) : inner));
  if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON form`);
  return text;
}
