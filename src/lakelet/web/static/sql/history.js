// What was run through Lakelet before, from wherever, with what it read and wrote.
import { get } from "./ask.js";
import { ago, lasted, make, rows } from "./dom.js";
import { searched } from "./side.js";

function tables(word, told) {
  const names = Object.entries(told ?? {});
  if (!names.length) return null;
  const links = names.flatMap(([name, version], place) => {
    const [schema, ...table] = name.split(".");
    const path = `/tables/${encodeURIComponent(schema)}/${encodeURIComponent(table.join("."))}`;
    const known = Number.isInteger(version);
    return [place ? ", " : "", make("a", { href: known ? `${path}?version=${version}` : path, class: "mono" }, name), known ? ` v${version}` : ""];
  });
  return make("span", { class: "small" }, `${word} `, ...links);
}

export function showHistory(side, add) {
  const row = (one) => {
    const when = new Date(one.time * 1000);
    const facts = [ago(when), one.error ? "failed" : one.rows === null ? null : rows(one.rows), one.seconds === null ? null : lasted(one.seconds), one.source];
    return make("li", { class: "sql-past" },
      make("button", { type: "button", class: "sql-text", title: "Open in a new tab", onclick: () => add(one.text) }, one.text.slice(0, 400)),
      make("span", { class: one.error ? "small bad" : "small mute", title: when.toLocaleString() }, facts.filter(Boolean).join(" · ")),
      one.error && make("span", { class: "small bad" }, one.error.slice(0, 200)),
      tables("read", one.read), tables("wrote", one.written));
  };
  const ask = async (letters) => (await get(`/sql/history?${new URLSearchParams({ letters })}`)).statements;
  side.open("history", "History", ...searched("Search what was run", ask, row, "Nothing was run yet.").inside);
}
