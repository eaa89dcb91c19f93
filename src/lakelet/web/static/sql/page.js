// The SQL page: tabs, the editor, what runs, and its result.
import { Chart } from "./chart.js";
import { asCommand } from "./copying.js";
import { Editor } from "./editor.js";
import { make } from "./dom.js";
import { showHistory } from "./history.js";
import { Params } from "./params.js";
import { placeOf } from "./places.js";
import { showPlan } from "./plan.js";
import { Queries } from "./queries.js";
import { Result, stateOf } from "./result.js";
import { Side } from "./side.js";
import { meant } from "./statements.js";
import { TabStrip } from "./tabstrip.js";
import { Tabs } from "./tabs.js";
import { Work } from "./work.js";

const root = document.getElementById("sql");
const part = (name) => root.querySelector(`[data-${name}]`);
const { at, dialect, workspace, operators } = root.dataset;
const works = new Map();
const TYPED = 250;
const MOST_SHOWN = 200_000;
let notice = null; // what was said last beside the state: { said, bad }

const tabs = new Tabs(workspace, (what) => {
  strip.draw();
  if (what === "list") return;
  open();
});
const strip = new TabStrip(root.querySelector(".sql-tabs"), tabs, () => editor.focus());
const side = new Side();
const editor = new Editor(document.getElementById("sql-editor"), {
  nonce: document.querySelector("link[nonce]").nonce, dialect,
  changed: (text) => {
    if (!tabs.change(tabs.current, { text })) hear("The browser keeps no more: this text is lost with the page.", true);
    look();
  },
  moved: look, run, leave: () => part("run").focus(),
});
const params = new Params(part("params"), (values) => tabs.change(tabs.current, { params: values }));
const chart = new Chart({ hear, remember: (tab, fields) => tabs.change(tab, fields) });
const result = new Result({
  dialect, operators: JSON.parse(operators), hear, again,
  value: (title, text) => showValue(title, text),
  chart: (work, now, stale) => chart.show(work, now, stale),
});
const queries = new Queries(side, {
  hear,
  open: (one) => {
    const there = tabs.list.find((tab) => tab.query === one.name && tab.text === one.text);
    if (there) tabs.choose(there);
    else tabs.add({ name: one.name, text: one.text, query: one.name });
    editor.focus();
  },
  renamed: (before, now) => tabs.list.filter((tab) => tab.query === before).forEach((tab) => tabs.change(tab, { query: now, name: tab.name === before ? now : tab.name })),
});

function workOf(tab) {
  if (works.get(tab.id)?.tab !== tab) {
    const work = new Work(tab, {
      changed: () => { if (tab === tabs.current) show(); },
      remember: (fields) => tabs.change(tab, fields),
      looked: () => tab === tabs.current && !document.hidden,
    });
    works.set(tab.id, work);
  }
  return works.get(tab.id);
}

function open() {
  const tab = tabs.current;
  editor.open(tab.id, tab.text);
  document.getElementById("sql-editor").setAttribute("aria-labelledby", `tab-${tab.id}`);
  notice = null;
  works.forEach((work) => work.wake());
  show();
  workOf(tab).resume();
  look();
}

// What the statement at the cursor asks for, a moment after something was typed.
let later;
function look() {
  clearTimeout(later);
  later = setTimeout(async () => {
    const tab = tabs.current;
    const { from, to } = editor.chosen;
    const found = await meant(editor.text, from, to).catch(() => []);
    if (tab === tabs.current) params.show([...new Set(found.flatMap((one) => one.parameters))], tab.params);
  }, TYPED);
}

// The statements that are meant, with all they ask for; none where something is to be said first.
async function ready(tab) {
  const { from, to } = editor.chosen;
  let pieces;
  try {
    pieces = await meant(editor.text, from, to);
  } catch (error) {
    hear([error.message, error.hint].filter(Boolean).join(" "), true);
    return [];
  }
  if (!pieces.length) hear("There is no statement to run: write one.");
  const names = [...new Set(pieces.flatMap((one) => one.parameters))];
  params.show(names, tab.params);
  const missing = params.missing(names);
  if (!missing) return pieces;
  hear(`Say what :${missing.dataset.param} is; Ctrl+Enter once more runs it with an empty text.`);
  missing.focus();
  return [];
}

async function run() {
  const tab = tabs.current;
  const work = workOf(tab);
  if (work.busy) {
    hear("It still runs: cancel it first.");
    return;
  }
  const pieces = await ready(tab);
  if (side.shown === "value" && pieces.length) side.close(); // it is of the result that goes
  if (pieces.length) await start(work, pieces, tab.params);
}

async function plan() {
  const tab = tabs.current;
  const [piece] = await ready(tab);
  if (piece) await showPlan(side, piece, { params: tab.params, at, dialect }, hear).catch((error) => hear(error.message, true));
}

async function start(work, pieces, values) {
  notice = null;
  if (work.tab === tabs.current) editor.mark(null);
  await work.run(pieces, values, at);
  if (work.tab === tabs.current) markFault(work);
}

function again() {
  const { ran, params: values } = tabs.current;
  start(workOf(tabs.current), [ran], values);
}

// Where it failed, should its text still be there.
function markFault(work) {
  const { told, tab } = work;
  if (told?.state !== "failed" || !tab.ran) return;
  const { text, begin } = tab.ran;
  const whole = editor.text;
  const start = whole.startsWith(text, begin) ? begin : whole.indexOf(text);
  if (start < 0) return;
  let from = -1;
  if (told.line) from = placeOf(text, told.line, told.column);
  else if (told.word) from = text.search(new RegExp(`(?<![\\w\`])${told.word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "i"));
  if (from < 0) return;
  const word = told.word && text.startsWith(told.word, from) ? told.word : (/^(`[^`]*`|[\w.]+|.)/u.exec(text.slice(from))?.[0] ?? "");
  const end = from + Math.max(1, word.length);
  const message = [told.error, told.hint].filter(Boolean).join("\n");
  editor.mark(end <= text.length ? { from: start + from, to: start + end, message } : { from: start + text.length - 1, to: start + text.length, message });
}

function hear(said, bad = false) {
  notice = { said, bad };
  part("heard").textContent = said;
  state();
}

let told = "";
function state() {
  const work = workOf(tabs.current);
  const found = stateOf(work, work.busy ? (performance.now() - work.heard) / 1000 : 0);
  // Who listens is told what changes, not every second that passes and every row that comes.
  const short = found.said.replace(/, [\d,]+ rows? so far/, "");
  if (short !== told) {
    told = short;
    notice = null;
    part("heard").textContent = short;
  }
  const dot = found.said ? make("span", { class: `dot ${found.kind}` }) : "";
  part("state").replaceChildren(dot, ...[found.said, found.time].filter(Boolean).map((one, place) => make("span", place ? { class: "mute" } : {}, one)),
    notice ? make("span", { class: notice.bad ? "bad" : "mute" }, notice.said) : "");
  part("run").disabled = work.busy;
  part("cancel").disabled = !work.busy || Boolean(work.cancelling);
}

function show() {
  result.show(workOf(tabs.current));
  state();
}

function showValue(title, text) {
  const said = text === null ? "NULL" : text;
  const cut = said.length >= MOST_SHOWN ? make("p", { class: "small mute" }, `The first ${MOST_SHOWN.toLocaleString("en")} letters; Copy has all.`) : null;
  let neat = said;
  if (/^[[{]/.test(said)) {
    try { neat = JSON.stringify(JSON.parse(said), null, 2); } catch { /* it only looks like JSON */ }
  }
  neat = neat.slice(0, MOST_SHOWN);
  side.open("value", title, make("div", { class: "body sql-value" }, cut,
    make("pre", { class: `wrap${text === null ? " faint" : ""}`, tabindex: "0" }, neat),
    make("button", { class: "button", type: "button", onclick: () => navigator.clipboard.writeText(text ?? "").then(() => hear("The value is copied.")) }, "Copy")));
}

root.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
    event.preventDefault();
    if (!event.repeat) run();
  }
});
// The second of two clicks is none: nothing runs twice.
part("run").addEventListener("click", (event) => { if (event.detail < 2) run(); });
part("plan").addEventListener("click", plan);
part("command").addEventListener("click", async () => {
  const tab = tabs.current;
  const pieces = await ready(tab);
  if (!pieces.length) return;
  await navigator.clipboard.writeText(asCommand(pieces, tab.params, at));
  hear("The command is copied.");
});
part("cancel").addEventListener("click", () => workOf(tabs.current).cancel());
part("save").addEventListener("click", async () => {
  const tab = tabs.current;
  const name = await queries.save(tab, tab.text);
  if (name) tabs.change(tab, { query: name, name });
});
root.querySelectorAll("[data-side]").forEach((button) => button.addEventListener("click", () => {
  if (side.shown === button.dataset.side) side.close();
  else if (button.dataset.side === "history") showHistory(side, (text) => { tabs.add({ text }); editor.focus(); });
  else queries.show();
}));
document.addEventListener("visibilitychange", () => works.forEach((work) => work.wake()));
setInterval(() => { if (workOf(tabs.current).busy) state(); }, 200);

// What the address asks for is opened once: a reload, or the way back, opens it no second time.
const asked = JSON.parse(root.dataset.opened);
if (asked) {
  const there = tabs.list.find((tab) => tab.text === asked.text && tab.query === asked.query);
  if (there) tabs.choose(there);
  else tabs.add(asked);
  history.replaceState(null, "", at ? `/sql?${new URLSearchParams({ at })}` : "/sql");
}

strip.draw();
open();
editor.focus();
