// Which statement of a text is meant, and which parameters it has: the server splits, as it runs.
import { post } from "./ask.js";
import { toUnits } from "./places.js";

const EMPTY = { statements: [], error: null };
let last = { text: "", found: Promise.resolve(EMPTY) };

export function statementsOf(text) {
  if (last.text !== text) {
    const found = text.trim() ? post("/sql/statements", { text }).then((told) => inUnits(text, told)) : Promise.resolve(EMPTY);
    last = { text, found };
    found.catch(() => { last = { text: "", found: Promise.resolve(EMPTY) }; });
  }
  return last.found;
}

function inUnits(text, told) {
  const statements = told.statements.map((one) => ({ ...one, begin: toUnits(text, one.begin), end: toUnits(text, one.end) }));
  return { ...told, statements };
}

// What Ctrl+Enter runs: the statements that are selected, or the one at the cursor.
export async function meant(text, from, to) {
  if (from !== to) {
    const part = text.slice(from, to);
    const { statements, error } = await statementsOf(part);
    const found = error ? [{ text: part, begin: 0, end: part.length, parameters: [] }] : statements;
    return found.map((one) => ({ ...one, begin: one.begin + from, end: one.end + from }));
  }
  const { statements, error } = await statementsOf(text);
  if (error) return [{ text, begin: 0, end: text.length, parameters: [] }];
  const at = statements.find((one) => from <= one.end && from >= one.begin);
  const before = statements.findLast((one) => one.end <= from && !text.slice(one.end, from).includes("\n"));
  const after = statements.find((one) => one.begin >= from);
  const found = at ?? before ?? after ?? statements.at(-1);
  return found ? [found] : [];
}
