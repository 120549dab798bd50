// UTF-8, which the engine itself has for URLs only.

const CHUNK = 8192;

/** The bytes of a text. */
export function encode(text) {
  const binary = unescape(encodeURIComponent(text.toWellFormed()));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The text of bytes. `fatal`: an exception for bytes that are not UTF-8, otherwise U+FFFD takes their place. */
export function decode(bytes, fatal) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    if (fatal) throw new TypeError("the bytes are not UTF-8");
    return replacing(bytes);
  }
}

// https://encoding.spec.whatwg.org/#utf-8-decoder
function replacing(bytes) {
  let text = "";
  let [point, needed, lower, upper] = [0, 0, 0x80, 0xbf];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (needed > 0) {
      if (byte < lower || byte > upper) {
        text += "\ufffd";
        needed = 0;
        at -= 1;
      } else {
        point = (point << 6) | (byte & 0x3f);
        needed -= 1;
        if (needed === 0) text += String.fromCodePoint(point);
      }
      [lower, upper] = [0x80, 0xbf];
    } else if (byte < 0x80) {
      text += String.fromCharCode(byte);
    } else if (byte >= 0xc2 && byte <= 0xdf) {
      [point, needed] = [byte & 0x1f, 1];
    } else if (byte >= 0xe0 && byte <= 0xef) {
      [point, needed] = [byte & 0xf, 2];
      if (byte === 0xe0) lower = 0xa0;
      if (byte === 0xed) upper = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      [point, needed] = [byte & 0x7, 3];
      if (byte === 0xf0) lower = 0x90;
      if (byte === 0xf4) upper = 0x8f;
    } else {
      text += "\ufffd";
    }
  }
  return needed > 0 ? `${text}\ufffd` : text;
}
