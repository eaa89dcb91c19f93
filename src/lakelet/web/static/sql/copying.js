// What goes to the clipboard: a cell, a row, a column as a list of SQL.
import { Blocks, CUT, whole } from "./blocks.js";

const MOST = 10_000;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

export function asSql(value, column, dialect) {
  if (value === null) return "NULL";
  if (column.number && NUMBER.test(value)) return value;
  if (column.type === "BINARY") return dialect === "duckdb" ? `from_hex('${value}')` : `X'${value}'`;
  const safe = dialect === "duckdb" ? value : value.replaceAll("\\", "\\\\");
  return `'${safe.replaceAll("'", "''")}'`;
}

const quoted = (text) => `'${text.replaceAll("'", `'"'"'`)}'`;

// The command that runs some statements, for a terminal.
export function asCommand(pieces, params, at) {
  const text = pieces.map((one) => one.text.trim()).join(";\n");
  const names = [...new Set(pieces.flatMap((one) => one.parameters))];
  const given = names.map((name) => `--param ${quoted(`${name}=${params[name] ?? ""}`)}`);
  return ["lakelet sql", at ? `--at ${quoted(at)}` : "", ...given, quoted(text)].filter(Boolean).join(" ");
}

// A value with a tab or a line's end in it is quoted, as spreadsheets read it.
function field(value) {
  if (value === null) return "";
  return /[\t\n\r"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

// Copies; what is said of it then.
export async function copied(what, grid, dialect) {
  const { source, at } = grid;
  const values = grid.blocks.row(at.row);
  if (what === "column") {
    const kind = /^(ARRAY|STRUCT|MAP)\b/.exec(source.columns[at.column].type)?.[0];
    if (kind) return `A column of ${kind} cannot be written as a list of SQL: nothing is copied.`;
    const rows = source.run ? await Blocks.read(source.run, 0, Math.min(source.rows, MOST)) : source.first;
    const column = source.columns[at.column];
    await navigator.clipboard.writeText(`(${rows.map((row) => asSql(row[at.column], column, dialect)).join(", ")})`);
    const part = rows.length < source.rows ? `, the first ${rows.length.toLocaleString("en")} of ${source.rows.toLocaleString("en")}` : "";
    const cut = rows.some((row) => (row[at.column]?.length ?? 0) >= CUT) ? ` Long values are cut after ${CUT.toLocaleString("en")} letters.` : "";
    return `${column.name} is copied as a list${part}.${cut}`;
  }
  if (!values) return "There is no cell to copy: go to one first.";
  if (what === "row") {
    const full = await Promise.all(values.map((value, column) => whole(source.run, at.row, column, value)));
    await navigator.clipboard.writeText(full.map(field).join("\t"));
    return `Row ${at.row + 1} is copied.`;
  }
  await navigator.clipboard.writeText((await whole(source.run, at.row, at.column, values[at.column])) ?? "");
  return values[at.column] === null ? "NULL is copied, as nothing." : "The cell is copied.";
}
