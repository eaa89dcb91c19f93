// The result of a tab: what is said of it, its rows, their order and filters, its files.
import { whole } from "./blocks.js";
import { copied } from "./copying.js";
import { FilterDialog } from "./filters.js";
import { Grid } from "./grid.js";
import { count, icon, lasted, make, rows } from "./dom.js";

const one = (name) => document.querySelector(`[data-${name}]`);

// What begins so changes nothing, and can be run again; comments and brackets may stand before it.
const ASKS = /^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(select|with|from|values|table|show|describe|desc|explain)\b/i;

export class Result {
  // acts: value(title, text), chart(work), hear(text), again()
  constructor({ dialect, operators, value, chart, hear, again }) {
    Object.assign(this, { value, chart, hear, again });
    this.work = null;
    this.key = null;
    this.filters = new FilterDialog(operators, (column, filter) => this.filter(column, filter));
    this.grid = new Grid(one("grid"), {
      sort: (column, also) => this.sort(column, also),
      filter: (column, beside) => this.filters.open(this.grid.source, column, beside),
      open: (row, column, text) => {
        const title = `${this.grid.source.columns[column].name}, row ${count(row + 1)}`;
        whole(this.grid.source.run, row, column, text).then((full) => this.value(title, full), (error) => hear(error.message));
      },
      copy: (what) => this.copy(what),
      failed: (error) => this.say("These rows did not come", error.message, error.hint),
    });
    this.copy = (what) => copied(what, this.grid, dialect).then(hear, (error) => hear(`Nothing was copied: ${error.message}`));
    document.querySelectorAll("[data-copies]").forEach((button) => button.addEventListener("click", () => {
      button.closest("details").removeAttribute("open");
      this.copy(button.dataset.copies);
    }));
  }

  get view() {
    const { shown } = this.work;
    return shown?.state === "finished" ? shown.view : { sort: [], filters: [] };
  }

  show(work) {
    const other = work !== this.work;
    if (other && this.work && this.key) this.work.place = { key: this.key, top: this.grid.track.top, at: this.grid.at };
    this.work = work;
    const { told, shown } = work;
    const now = shown?.state === "finished" ? shown : told;
    one("said").replaceChildren();
    if (!now && work.tab.run) this.say("", "Looking for what it gave last.", null, "empty");
    else if (!now) this.say("Nothing was run in this tab yet.", "Write a statement and press Ctrl+Enter.", null, "empty");
    else if (now.state === "failed") this.say("It failed", now.error, now.hint);
    else if (now.state === "cancelled") this.say("It was cancelled.", "Whatever it had begun to write is not there.", null, "empty");
    else if (now.state === "gone") this.sayGone();
    else if (now.state === "finished" && !now.columns.length) this.say("It is done.", "It gives no rows.", null, "empty");
    if (work.failed) this.say("That order or filter failed", work.failed.error, work.failed.hint);
    for (const warning of now?.warnings ?? []) one("said").append(make("p", { class: "note" }, warning));
    const some = Boolean(now?.columns?.length) && ["running", "finished"].includes(now.state);
    // While the next statement has no rows yet, those of the last stay, and do not jump.
    const stale = !other && now && ["waiting", "running"].includes(now.state) && !some && this.key !== null;
    one("grid").hidden = !some && !stale;
    one("grid").classList.toggle("stale", Boolean(stale) || Boolean(work.busy && some && shown && shown !== now));
    // While the same rows are ordered or filtered, what they are like now stays to be read.
    one("result-head").hidden = !some && !stale;
    one("downloads").hidden = !some;
    if (some) this.rows(now);
    else if (!stale) this.key = null;
    this.chart(work, some && now.state === "finished" ? now : null, Boolean(stale));
  }

  rows(now) {
    const done = now.state === "finished";
    const all = done ? now.rows : now.first.length;
    const key = `${now.id} ${done} ${all}`;
    const view = this.view;
    one("result-title").textContent = rows(now.rows);
    if (this.key !== key) {
      const keep = this.key?.split(" ")[0] === now.id;
      const source = { run: done ? now.id : null, columns: now.columns, rows: all, first: now.first, ...view };
      const { work } = this;
      // Widths that were drawn stay when the same rows are ordered and filtered.
      this.grid.show(source, { keep, widths: work.widthsOf === work.told.id ? work.widths : null });
      work.widths = this.grid.widths;
      work.widthsOf = work.told.id;
      if (work.place?.key === key) {
        this.grid.at = work.place.at;
        this.grid.go(work.place.top);
      }
      this.key = key;
    }
    this.chips(view);
    one("downloads").hidden = !done;
    const names = now.columns.map((column) => column.name.toLowerCase());
    const twice = new Set(names).size < names.length;
    one("twice").hidden = !twice;
    document.querySelectorAll("[data-form]").forEach((link) => {
      link.href = `/sql/runs/${now.id}/result.${link.dataset.form}`;
      link.hidden = twice && link.dataset.form !== "csv";
    });
  }

  say(title, text, hint, kind = "note bad") {
    const inside = [make("p", {}, make("b", {}, title)), text && make("p", {}, text), hint && make("p", { class: "small" }, hint)];
    one("said").append(make("div", kind === "empty" ? { class: "empty" } : { class: kind, role: "alert" }, make("div", {}, ...inside)));
  }

  sayGone() {
    // What wrote something has done so: run again it would do so twice.
    const asks = ASKS.test(this.work.tab.ran?.text ?? "");
    one("said").append(make("div", { class: "empty" },
      make("p", {}, make("b", {}, asks ? "This result is gone." : "What was told of this statement is gone.")),
      make("p", {}, asks ? "Results are kept while the server runs and has room for them."
        : "It is not known here whether it came through: History says what it wrote. It is not run again by itself."),
      asks ? make("button", { class: "button", type: "button", onclick: () => this.again() }, "Run it again") : null));
  }

  chips({ sort, filters }) {
    const name = (at) => this.grid.source.columns[at].name;
    const chip = (said, remove) => make("li", {}, make("span", { class: "mono" }, said),
      make("button", { type: "button", "aria-label": `Remove: ${said}`, onclick: remove }, icon("x")));
    one("chips").replaceChildren(
      ...sort.map(([at, down]) => chip(`${name(at)} ${down ? "↓" : "↑"}`, () => this.derive({ sort: sort.filter((one) => one[0] !== at), filters }))),
      ...filters.map((filter) => chip(`${name(filter[0])} ${filter[1]} ${filter[2]}`.trim(), () => this.derive({ sort, filters: filters.filter((one) => one !== filter) }))));
  }

  derive(view) {
    if (this.work.busy) this.hear("It still runs: order and filters come after.");
    else this.work.derive(view);
  }

  // Upwards, downwards, as it came; with Shift after the orders there are.
  sort(column, also) {
    const { sort, filters } = this.view;
    const now = sort.find(([at]) => at === column);
    const others = also ? sort.filter(([at]) => at !== column) : [];
    const next = !now ? [[column, false]] : now[1] ? [] : [[column, true]];
    this.derive({ sort: [...others, ...next], filters });
  }

  filter(column, filter) {
    const { sort, filters } = this.view;
    this.derive({ sort, filters: [...filters.filter(([at]) => at !== column), ...(filter ? [filter] : [])] });
  }
}

// What a tab does, in a line; `short` for who listens.
export function stateOf(work, elapsed) {
  const now = work?.latest;
  if (!now) return { kind: "", said: "" };
  const step = work.step ? `statement ${work.step.place} of ${work.step.of}: ` : "";
  const doing = work.shown === now ? "sorting and filtering" : "running";
  const time = now.seconds === null || now.seconds === undefined ? "" : lasted(now.seconds + elapsed);
  if (work.unreachable) return { kind: "bad", said: "the server does not answer; trying again" };
  if (work.cancelling) return { kind: "run", said: "cancelling" };
  const found = {
    waiting: now.id ? { kind: "run", said: now.before > 1 ? `waiting, ${now.before - 1} wait before it` : "next, when one of the two that run ends" } : { kind: "run", said: "asking" },
    running: { kind: "run", said: `${doing}${now.rows ? `, ${rows(now.rows)} so far` : ""}`, time },
    finished: { kind: "ok", said: `finished, ${rows(now.rows)}`, time },
    failed: { kind: "bad", said: "failed", time },
    cancelled: { kind: "", said: "cancelled", time },
    gone: { kind: "", said: "the result is gone" },
  }[now.state];
  return { ...found, said: step + found.said };
}
