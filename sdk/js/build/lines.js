// Reads a source map (revision 3) into a table of lines, because messages name a file and a line and nothing more.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** `files`, and for each line of the bundle its parts: column from 0, index of the file, line from 1, and so on. */
export function linesOf({ sources, mappings }, shown) {
  let [source, row] = [0, 0];
  const lines = mappings.split(";").map((line) => {
    const parts = [];
    let column = 0;
    for (const segment of line === "" ? [] : line.split(",")) {
      const [columns, sources = 0, rows = 0] = numbers(segment);
      [column, source, row] = [column + columns, source + sources, row + rows];
      if (parts.at(-2) !== source || parts.at(-1) !== row + 1) parts.push(column, source, row + 1);
    }
    return parts;
  });
  return { files: sources.map(shown), lines };
}

/** `file:line` of a place in the bundle, whose lines and columns begin with 1. */
export function placeIn({ files, lines }, line, column) {
  const parts = lines[line - 1] ?? [];
  let found;
  for (let at = 0; at < parts.length && (found === undefined || parts[at] < column); at += 3) {
    found = `${files[parts[at + 1]]}:${parts[at + 2]}`;
  }
  return found;
}

/** The numbers of a segment in Base64 VLQ. */
function numbers(segment) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits < 32) {
      found.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2);
      [value, shift] = [0, 0];
    }
  }
  return found;
}
