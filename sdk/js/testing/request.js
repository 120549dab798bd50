// Whether a request may be sent, by the contract's rules and the grants, in the words of the host. No network.

import { encode } from "../src/text.js";

export const LIMITS = { headers: 64, headerBytes: 16 * 1024, bodyBytes: 1 << 20, timeoutMs: 120_000, urlBytes: 8192 };

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
/** Only the host sets these. */
const RESERVED = new Set([
  "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings", "expect",
  "via", "forwarded", "authorization", "authentication-info", "cookie", "set-cookie", "idempotency-key", "x-http-method",
  "x-http-method-override", "x-method-override", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip",
]);
const RESERVED_PREFIXES = ["proxy", "x-forwarded", "x-original-", "x-rewrite-"];

/** A refusal, as the contract has it. */
export function refusal(tag, val) {
  return { payload: { tag, val } };
}

const invalid = (text) => refusal("invalid", text);
const isSafe = (method) => method === "GET" || method === "HEAD";

/** Throws what the host would answer. `isLookUp`: an unsafe method needs a path of `look-ups`. */
export function checkRequest(grants, { method, url, headers, body, auth, timeoutMs }, isLookUp) {
  if (!METHODS.includes(method)) throw invalid(`method: \`${show(method)}\`; expected GET, HEAD, POST, PUT, PATCH or DELETE in capitals`);
  const target = parseTarget(String(url));
  checkHeaders(headers);
  if (body !== null) {
    if (body.length > LIMITS.bodyBytes) throw invalid(`body: ${body.length} bytes; expected at most ${LIMITS.bodyBytes}`);
    if (isSafe(method) && body.length > 0) {
      throw invalid(`body: not allowed with ${method} (RFC 9110 section 9.3); use the query or POST`);
    }
  }
  if (timeoutMs !== null && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LIMITS.timeoutMs)) {
    throw invalid(`timeout-ms: ${timeoutMs}; expected 1 to ${LIMITS.timeoutMs}, or none`);
  }
  findGrant(grants.http, { method, auth }, target, isLookUp && !isSafe(method));
}

/** Narrows the grants step by step, so that the message names the first mismatch. */
function findGrant(all, { method, auth }, target, isUnsafeLookUp) {
  const step = (from, keep, told) => {
    const kept = from.filter(keep);
    if (kept.length === 0) throw refusal("denied", told());
    return kept;
  };
  const names = (found) => list(found.map(({ name }) => `\`${name}\``));
  const atHost = step(all, (grant) => isAt(grant, target), () => {
    const targets = list(all.map((grant) => `${describe(grant)} (${grant.name})`));
    return `url: ${target.origin} is not granted; granted targets: ${targets}`;
  });
  const byMethod = step(atHost, (grant) => grant.methods.includes(method), () => {
    return `method: ${method} is not granted; grant ${names(atHost)} allows ${list(atHost.flatMap(({ methods }) => methods))}`;
  });
  const patterns = (grant) => (isUnsafeLookUp ? grant.lookUps : grant.paths);
  const byPath = step(byMethod, (grant) => patterns(grant).some((pattern) => matches(pattern, target.path)), () => {
    const what = isUnsafeLookUp ? "a look-up with an unsafe method" : "a path";
    const hint = isUnsafeLookUp ? "; send it through the outbox, or ask the operator to grant the path under `lookUps`" : "";
    return `path: \`${show(target.path)}\` is not granted as ${what}; grant ${names(byMethod)} allows ${list(byMethod.flatMap(patterns))}${hint}`;
  });
  step(byPath, (grant) => auth === null || grant.auth.includes(auth), () => {
    return `auth: profile \`${show(auth)}\` is not granted; grant ${names(byPath)} allows ${list(byPath.flatMap((grant) => grant.auth))}`;
  });
}

function isAt(grant, { scheme, host, port }) {
  const granted = grant.port ?? (scheme === "https" ? 443 : 80);
  return (scheme === "https" || grant.plaintext) && grant.host.replace(/^\[|\]$/g, "") === host && granted === port;
}

function describe({ plaintext, host, port }) {
  return `${plaintext ? "http or https" : "https"}://${host}${port === undefined ? "" : `:${port}`}`;
}

function parseTarget(text) {
  const wrong = (problem) => invalid(`url: ${problem}`);
  if (text.length > LIMITS.urlBytes) throw wrong(`has ${text.length} bytes; expected at most ${LIMITS.urlBytes}`);
  if (text.includes("#")) throw wrong("contains a fragment (`#`), which is never sent to the server; remove it");
  if (text.includes("\\")) throw wrong("contains a backslash; expected `/`");
  const other = /[^!-~]/u.exec(text)?.[0];
  if (other !== undefined) {
    throw wrong(`contains \`${show(other)}\`; expected printable ASCII: write host names in their \`xn--\` form and percent-encode the rest`);
  }
  const [, scheme, authority, path = "", ] = /^(https?):\/\/([^/?]*)([^?]*)/.exec(text) ?? [];
  if (scheme === undefined) throw wrong(`\`${show(text)}\` is not absolute; expected \`https://host/path\``);
  if (authority.includes("@")) throw wrong("contains user info (`user@`); use an auth profile instead");
  checkPath(path === "" ? "/" : path, wrong);
  let url;
  try {
    url = new URL(text);
  } catch {
    throw wrong(`\`${show(text)}\` does not parse: invalid URL`);
  }
  const [rawHost] = /^(\[.*\]|[^:]*)/.exec(authority);
  if (rawHost.toLowerCase() !== url.hostname) {
    throw wrong(`host \`${show(rawHost)}\` is not in its normal form; expected \`${show(url.hostname)}\``);
  }
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  return { scheme, host: url.hostname.replace(/^\[|\]$/g, ""), port, path: url.pathname, origin: url.origin };
}

/** Refuses paths that two servers could read differently. */
function checkPath(path, wrong) {
  const refuse = (problem) => wrong(`path \`${show(path)}\`: ${problem}`);
  if (path.includes("//")) throw refuse("`//` is refused: some servers take it for `/`");
  for (const segment of path.slice(1).split("/")) {
    for (const [, digits] of segment.matchAll(/%(.{0,2})/g)) {
      if (!/^[0-9a-f]{2}$/i.test(digits)) throw refuse("`%` must begin an escape such as `%20`, and no escape may hide another one");
      if (/^2f$|^5c$/i.test(digits)) throw refuse("`\\`, `%2f` and `%5c` are refused: some servers take them for `/`");
      if (/^2e$/i.test(digits)) throw refuse("`.` and `..` segments are refused, also as `%2e`: they leave the granted path");
    }
    if (["." , ".."].includes(segment.split(";")[0])) {
      throw refuse("`.` and `..` segments are refused, also as `%2e`: they leave the granted path");
    }
  }
}

/** Whether a path pattern matches: `*` within a segment, `**` as the last one for any rest. */
export function matches(pattern, path) {
  const escaped = (glob) => glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  const segments = pattern.split("/").map((glob, index, all) => {
    if (glob === "**" && index === all.length - 1) return ".*";
    return glob === "*" ? "[^/]+" : escaped(glob);
  });
  return new RegExp(`^${segments.join("/")}$`, "s").test(path);
}

function checkHeaders(headers) {
  if (headers.length > LIMITS.headers) throw invalid(`headers: ${headers.length} fields; expected at most ${LIMITS.headers}`);
  const bytes = headers.reduce((sum, [name, value]) => sum + encode(name).length + encode(value).length, 0);
  if (bytes > LIMITS.headerBytes) throw invalid(`headers: ${bytes} bytes; expected at most ${LIMITS.headerBytes}`);
  for (const [name, value] of headers) {
    if (!TOKEN.test(name)) throw invalid(`headers: \`${show(name)}\` is not a field name; expected a token (RFC 9110 section 5.6.2)`);
    const normal = name.toLowerCase().replaceAll("_", "-");
    if (RESERVED.has(normal) || RESERVED_PREFIXES.some((prefix) => normal.startsWith(prefix))) {
      throw invalid(`headers: \`${show(name)}\` may only be set by the host; remove it (credentials come from an auth profile)`);
    }
    const byte = encode(value).find((one) => one !== 9 && (one < 32 || one > 126));
    if (byte !== undefined) {
      const hex = byte.toString(16).padStart(2, "0");
      throw invalid(`headers: the value of \`${show(name)}\` contains byte 0x${hex}; expected printable ASCII (RFC 9110 section 5.5)`);
    }
  }
}

/** Text in a message: shortened and printable. */
export function show(text) {
  const shown = [...String(text)].slice(0, 120).map((one) => (/[ -~]/.test(one) ? one : `\\u{${one.codePointAt(0).toString(16)}}`));
  return shown.join("") + ([...String(text)].length > 120 ? "…" : "");
}

function list(items) {
  const all = [...new Set(items)].sort().slice(0, 12);
  return all.length === 0 ? "none" : all.join(", ");
}
