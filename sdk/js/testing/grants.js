// What an operator grants, resolved against the manifest as a host does it: never more than the manifest asks for.

const FIELDS = ["accepts", "emits", "http"];
const TARGET_FIELDS = ["name", "host", "port", "plaintext", "private-addresses", "methods", "paths", "look-ups", "auth"];

/** The grants of a test. Without `grants`: all events, and all targets whose host the manifest names. */
export function resolveGrants(manifest, grants) {
  if (grants === undefined) {
    const http = manifest.http.filter(({ host }) => host !== "*").map((target) => granted(target, {}));
    return { accepts: manifest.accepts, emits: manifest.emits, http };
  }
  unknown(grants, FIELDS, "grants");
  const targets = (grants.http ?? []).map((grant, index) => target(manifest, grant, `grants.http[${index}]`));
  return { accepts: events(manifest, grants, "accepts"), emits: events(manifest, grants, "emits"), http: targets };
}

function unknown(table, known, place) {
  const name = Object.keys(table).find((one) => !known.includes(one));
  if (name !== undefined) throw new Error(`${place}.${name}: is unknown; expected one of ${known.join(", ")}`);
}

function events(manifest, grants, field) {
  for (const [index, type] of (grants[field] ?? []).entries()) {
    if (!manifest[field].includes(type)) {
      const expected = `an event type that the package's manifest ${field}: ${list(manifest[field])}`;
      throw new Error(`grants.${field}[${index}]: found the event type "${type}"; expected ${expected}`);
    }
  }
  return grants[field] ?? manifest[field];
}

function target(manifest, grant, place) {
  unknown(grant, TARGET_FIELDS, place);
  const ask = manifest.http.find(({ name }) => name === grant.name);
  if (ask === undefined) {
    const known = list(manifest.http.map(({ name }) => name));
    throw new Error(`${place}: found the target "${grant.name}"; expected a target of the manifest: ${known}`);
  }
  if (ask.host === "*" && grant.host === undefined) {
    throw new Error(`${place}: found no host for "${ask.name}"; expected a host, because the manifest leaves the choice to the operator`);
  }
  if (ask.host !== "*" && grant.host !== undefined && grant.host.toLowerCase() !== ask.host.toLowerCase()) {
    throw new Error(`${place}: found the host "${grant.host}"; expected "${ask.host}", the only host that the manifest requests`);
  }
  for (const [field, fits] of [
    ["methods", (one) => ask.methods.includes(one)],
    ["paths", (one) => ask.paths.some((pattern) => covers(pattern, one))],
    ["look-ups", (one) => ask["look-ups"].some((pattern) => covers(pattern, one))],
    ["auth", (one) => ask.auth.includes(one)],
  ]) {
    const wanted = field === "auth" ? profiles(grant.auth) : (grant[field] ?? []);
    const wrong = wanted.find((one) => !fits(one));
    if (wrong !== undefined) {
      throw new Error(`${place}: found ${field} with "${wrong}"; expected at most what the manifest requests: ${list(ask[field])}`);
    }
  }
  return granted(ask, grant);
}

function granted(ask, grant) {
  return {
    name: ask.name,
    host: (grant.host ?? ask.host).toLowerCase(),
    port: grant.port,
    plaintext: grant.plaintext ?? false,
    methods: grant.methods ?? ask.methods,
    paths: grant.paths ?? ask.paths,
    lookUps: grant["look-ups"] ?? ask["look-ups"],
    auth: grant.auth === undefined && Object.keys(grant).length === 0 ? ask.auth : profiles(grant.auth),
  };
}

/** A list of profiles, or a table from the connector's names to the operator's. */
function profiles(auth) {
  return Array.isArray(auth) ? auth : Object.keys(auth ?? {});
}

export function list(items) {
  const all = [...new Set(items)].sort();
  return all.length === 0 ? "none" : all.map((item) => `\`${item}\``).join(", ");
}

/** Whether `outer` matches every path that `inner` matches; false in doubt. */
export function covers(outer, inner) {
  const segments = ([one, ...outers], inners) => {
    if (one === undefined) return inners.length === 0;
    if (inners.length === 0) return false;
    if (one === "**" && outers.length === 0) return true;
    const [other, ...rest] = inners;
    return other !== "**" && (other !== "" || one === "") && glob(one, other) && segments(outers, rest);
  };
  return segments(outer.split("/"), inner.split("/"));
}

function glob(outer, inner) {
  if (outer === "") return inner === "";
  if (outer[0] !== "*") return outer[0] === inner[0] && glob(outer.slice(1), inner.slice(1));
  for (let at = 0; at <= inner.length; at += 1) {
    if (glob(outer.slice(1), inner.slice(at))) return true;
  }
  return false;
}
