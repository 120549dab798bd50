// HTTP messages (RFC 9110). No network access: the host does it.

import { jsonBytes } from "./event.js";
import { Misconfigured, Reject, Retry } from "./failure.js";
import { parseJson } from "./json.js";
import { decode, encode } from "./text.js";

/** An HTTP request. Methods return the request, so that they can be chained. */
export class Request {
  constructor(method, url) {
    this.method = method;
    this.url = url;
    this.headers = [];
    this.bytes = null;
    this.profile = null;
    this.timeout = null;
  }

  static get(url) {
    return new Request("GET", url);
  }

  static head(url) {
    return new Request("HEAD", url);
  }

  static post(url) {
    return new Request("POST", url);
  }

  static put(url) {
    return new Request("PUT", url);
  }

  static patch(url) {
    return new Request("PATCH", url);
  }

  static delete(url) {
    return new Request("DELETE", url);
  }

  /** Appends path segments, each percent-encoded: a `/` in a value stays part of its segment. */
  path(segments) {
    const [, base, rest] = /^([^?#]*)(.*)$/s.exec(this.url);
    if (rest.startsWith("#")) throw new Misconfigured("the URL of a request has a fragment (`#`): remove it");
    const encoded = segments.map((segment, index) => {
      const text = String(segment);
      if (text === "" || text === "." || text === "..") {
        throw new Reject("invalid-path", `segment ${index + 1} of the path is empty, \`.\` or \`..\`: no URL can name it`);
      }
      return percentEncoded(text);
    });
    this.url = [base.replace(/\/+$/, ""), ...encoded].join("/") + rest;
    return this;
  }

  /** Appends query parameters, each percent-encoded. */
  query(parameters) {
    for (const [name, value] of Object.entries(parameters)) {
      this.url += `${this.url.includes("?") ? "&" : "?"}${percentEncoded(name)}=${percentEncoded(String(value))}`;
    }
    return this;
  }

  /** Adds a header field. */
  header(name, value) {
    this.headers.push([name, String(value)]);
    return this;
  }

  /** Sets a JSON body and its `content-type`. */
  json(value) {
    this.bytes = jsonBytes(value, `the body of a ${this.method} request`);
    this.headers = this.headers.filter(([name]) => name.toLowerCase() !== "content-type");
    return this.header("content-type", "application/json");
  }

  /** Sets the body: bytes or text. */
  body(body) {
    this.bytes = typeof body === "string" ? encode(body) : body;
    return this;
  }

  /** Names the auth profile whose credentials the host adds. */
  auth(profile) {
    this.profile = profile;
    return this;
  }

  /** Sets the time limit of the whole exchange, in milliseconds. */
  timeoutMs(milliseconds) {
    this.timeout = milliseconds;
    return this;
  }

  /** The request as the contract has it. */
  toContract() {
    const { method, url, headers, bytes: body, profile: auth, timeout: timeoutMs } = this;
    return { method, url, headers, body, auth, timeoutMs };
  }
}

/** All but the unreserved characters of RFC 3986, section 2.3. */
function percentEncoded(text) {
  const encoded = encodeURIComponent(text.toWellFormed());
  return encoded.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** An HTTP response with a body of at most 4 MiB. */
export class Response {
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** Whether the status is 2xx. */
  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  /** The first header field with a name, case-insensitive. */
  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([known]) => known.toLowerCase() === wanted)?.[1];
  }

  /** The body as text; U+FFFD takes the place of what is not UTF-8. */
  text() {
    return decode(this.body, false);
  }

  /** The body as JSON. If it is not, `retry`: often a proxy sends an error page for a while. */
  json() {
    try {
      return parseJson(decode(this.body, true));
    } catch {
      throw new Retry("invalid-answer", `the body of the answer with status ${this.status} is not JSON`);
    }
  }
}
