// The places where what a case expects and what the connector did differ, as JSON. It knows no meaning of a field but that of an
// absent failure message.

/** Most differences that are listed. The rest follows once these are fixed. */
const DIFFERENCES_MAX = 50;

/** All differences as `{ path, expected, actual }`. */
export function differences(expected, actual) {
  const found = [];
  const { $schema: _, ...wanted } = expected;
  const did = structuredClone(actual);
  const failures = [wanted.validation, ...(wanted.deliveries ?? [])].map((one) => one?.failure);
  for (const [index, one] of [did.validation, ...(did.deliveries ?? [])].entries()) {
    if (one?.failure !== undefined && failures[index] !== undefined && failures[index].message === undefined) delete one.failure.message;
  }
  between("", wanted, did, found);
  return found.slice(0, DIFFERENCES_MAX);
}

function between(path, expected, actual, found) {
  if (expected === actual || found.length > DIFFERENCES_MAX) return;
  const kinds = [kind(expected), kind(actual)];
  if (kinds[0] === "list" && kinds[1] === "list") {
    for (let at = 0; at < Math.max(expected.length, actual.length); at += 1) between(`${path}[${at}]`, expected[at], actual[at], found);
  } else if (kinds[0] === "object" && kinds[1] === "object") {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) between(field(path, name), expected[name], actual[name], found);
  } else {
    found.push({ path, expected, actual });
  }
}

function kind(value) {
  if (Array.isArray(value)) return "list";
  return value !== null && typeof value === "object" ? "object" : "plain";
}

function field(path, name) {
  if (!/^[A-Za-z0-9_$-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
