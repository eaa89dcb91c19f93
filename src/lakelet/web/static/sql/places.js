// The server counts characters, a page the units of UTF-16: places are told from one to the other.
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/;

export function toCharacters(text, units) {
  return PAIRS.test(text) ? [...text.slice(0, units)].length : units;
}

export function toUnits(text, characters) {
  if (!PAIRS.test(text)) return characters;
  let units = 0;
  for (const one of text) {
    if (characters-- <= 0) break;
    units += one.length;
  }
  return units;
}

// Where a line and a column, both from 1, are in a text.
export function placeOf(text, line, column) {
  const lines = text.split("\n");
  const at = Math.min(line, lines.length) - 1;
  const before = lines.slice(0, at).reduce((sum, one) => sum + one.length + 1, 0);
  return before + Math.min(toUnits(lines[at], column - 1), lines[at].length);
}
