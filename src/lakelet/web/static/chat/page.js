// A conversation, held as it is looked at. What was said is the server's to keep; this page knows how
// many messages it has seen, so that two pages never mix what they say.
import { make } from "../make.js";
import { drawMeter, facts } from "./meter.js";
import { drawAll, drawMarkdown, Saying } from "./said.js";
import { asked, told } from "./stream.js";

const page = document.getElementById("chat");
const find = (name) => page.querySelector(`[data-${name}]`);
const field = page.querySelector("#chat-text");
const state = { id: page.dataset.id, messages: Number(page.dataset.messages), at: null, key: "" };

const fresh = () => [...crypto.getRandomValues(new Uint8Array(6))].map((one) => one.toString(16).padStart(2, "0")).join("");
const log = find("log");

function say(text) { find("state").textContent = text; }
function hear(text) { find("heard").textContent = text; }

function fail(message, hint) {
  const shown = find("failed");
  shown.hidden = !message;
  const [first, second] = shown.querySelectorAll("p");
  first.textContent = message.charAt(0).toUpperCase() + message.slice(1);
  second.textContent = hint;
}

// What the model is told of how: the fields of the menu.
function how() {
  const model = find("model").selectedOptions[0];
  const think = find("think").value === "budget" ? `budget ${find("budget").value || 0}` : find("think").value;
  const temperature = find("temperature").value.trim();
  return {
    model: model.value, think: model.dataset.thinks ? think : "", context: find("context").value.trim(), overflow: find("overflow").value,
    temperature: temperature === "" ? null : Number(temperature),
  };
}

function showModel() {
  const { thinks, sampling, warning, switch: knows } = find("model").selectedOptions[0].dataset;
  find("think").disabled = !thinks;
  for (const one of find("think").options) one.disabled = (one.value === "on" || one.value === "off") && !knows;
  if (find("think").selectedOptions[0].disabled) find("think").value = "";
  find("budget").hidden = find("think").value !== "budget";
  find("sampled").textContent = [sampling, warning].filter(Boolean).join(". ");
}

// How far the last message goes under the field, which stays at the foot of the window.
function under() {
  const last = log.lastElementChild;
  return last ? last.getBoundingClientRect().bottom + 12 - page.querySelector(".chat-write").getBoundingClientRect().top : 0;
}

function toEnd() {
  const over = under();
  if (over > 0) window.scrollBy(0, over);
}

// An answer is followed as long as its end is looked at: who scrolls up reads something else.
let follows = true;
addEventListener("scroll", () => { follows = under() < 120; }, { passive: true });

const KEPT = ["think", "budget", "context", "overflow", "temperature"];
function keepHow() { sessionStorage.setItem("chat-how", JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, find(name).value])))); }
function hadHow() {
  for (const [name, value] of Object.entries(JSON.parse(sessionStorage.getItem("chat-how") ?? "{}"))) if (KEPT.includes(name)) find(name).value = value;
}

// An answer that is written elsewhere, or was when this page was made, is read as it comes.
async function readOn() {
  const open = log.querySelector("[data-open]");
  while (open && !state.key) {
    await new Promise((done) => { setTimeout(done, 1500); });
    const found = await fetch(`/chat/${state.id}.json`).catch(() => null);
    if (!found?.ok || state.key) return;
    const { said } = await found.json();
    const last = said[said.length - 1];
    if (said.length !== state.messages || last.ended) { location.reload(); return; }
    drawMarkdown(textOf(last.number), last.content);
    if (follows) toEnd();
  }
}

function buttons(saying, role, number) {
  const button = (name, text) => make("button", { class: "button plain", type: "button", [`data-${name}`]: number }, text);
  saying.acts.append(...(role === "user" ? [button("edit", "Edit"), button("again", "Ask again")] : [button("prompt", "Prompt"), button("copy-said", "Copy")]));
}

function branch(number) {
  state.at = number;
  const shown = find("branch");
  shown.hidden = number === null;
  shown.querySelector("span").textContent = number === null ? "" : "What you send begins a branch there; this conversation stays as it is.";
  for (const one of log.children) one.classList.toggle("chat-left", number !== null && Number(one.dataset.number) >= number);
}

async function send(text) {
  if (state.key || !text.trim()) return;
  if (Number.isNaN(how().temperature)) { fail("The temperature is no number.", "0 is greedy."); return; }
  fail("", "");
  const known = { ...state };
  const from = known.at ?? known.messages;
  const system = known.id ? "" : find("system")?.value ?? "";
  const number = from + (system ? 1 : 0);
  const question = new Saying("user", number, text);
  const answer = new Saying("assistant", number + 1);
  const left = [...log.children].filter((one) => Number(one.dataset.number) >= from);
  for (const one of left) one.hidden = true;
  if (system) log.append(make("article", { class: "chat-said system", "data-number": from, "aria-label": "System" }, make("div", { class: "chat-text" }, system)));
  log.append(question.element, answer.element);
  field.value = "";
  state.key = fresh();
  working(true);
  follows = true;
  toEnd();
  let begun = false, ended = null, meter = null, thinking = false;
  const back = (message, hint) => {
    if (begun) {
      answer.draw();
      answer.note(message, "bad");
      return;
    }
    if (system) log.querySelector(".system:last-of-type")?.remove();
    question.element.remove();
    answer.element.remove();
    for (const one of left) one.hidden = false;
    field.value = text;
    hear("");
    fail(message, hint);
  };
  const body = { ...how(), text, key: state.key, new: fresh(), ...(known.id ? { id: known.id, messages: known.messages } : { system }), ...(known.at === null ? {} : { at: known.at }) };
  try {
    for await (const one of told("/chat/say", page.dataset.token, body)) {
      if (one.kind === "waiting") say(one.place ? `${one.place} before this …` : "Loading the model …");
      else if (one.kind === "loaded") say("Reading …");
      else if (one.kind === "begun") {
        begun = true;
        for (const gone of left) gone.remove();
        branch(null);
        state.id = one.id;
        if (location.pathname !== `/chat/${one.id}`) history.replaceState(null, "", `/chat/${one.id}`);
      } else if (one.kind === "meter") {
        meter = one;
        drawMeter(find("meter"), { ...one, answer: 0 });
      } else if (one.kind === "thought" || one.kind === "text") {
        if (thinking !== one.kind) say(one.kind === "thought" ? "Thinking …" : "Answering …");
        thinking = one.kind;
        answer.come(one.kind === "text" ? one.text : "", one.kind === "thought" ? one.text : "", () => { if (follows) toEnd(); });
      } else if (one.kind === "ended") ended = one;
      else if (one.kind === "failed") back(one.message, one.hint);
    }
    if (begun && !ended) await recount();
  } catch {
    back("The server does not answer; what had come of the answer is kept.", "Start `lakelet up` again and reload this page.");
  }
  if (ended) finish(answer, ended, meter);
  if (begun) { buttons(question, "user", number); buttons(answer, "assistant", number + 1); }
  state.key = "";
  working(false);
  if (begun && follows) toEnd();
  if (begun) listAnew();
}

function finish(answer, ended, meter) {
  answer.text = ended.text;
  answer.thought = ended.thought;
  answer.draw();
  answer.facts.textContent = facts(ended);
  if (ended.dropped) answer.note(`The first ${ended.dropped} messages did not fit and went unseen.`, "warn");
  for (const one of ended.notes) answer.note(one, "warn");
  for (const one of ended.wrong) answer.note(one, "bad");
  if (meter) drawMeter(find("meter"), { ...meter, answer: ended.generated });
  state.messages = ended.messages;
  hear(`Answered. ${facts(ended)}`);
  if (follows) toEnd();
}

// How many messages there are now, after one that ended otherwise than it should.
async function recount() {
  const found = await fetch(`/chat/${state.id}.json`);
  if (found.ok) state.messages = (await found.json()).said.length;
}

async function listAnew() {
  const found = await fetch(location.pathname);
  if (!found.ok) return;
  const whole = new DOMParser().parseFromString(await found.text(), "text/html");
  page.querySelector(".chat-side").replaceWith(document.adoptNode(whole.querySelector(".chat-side")));
  page.querySelector(".chat-about").replaceWith(document.adoptNode(whole.querySelector(".chat-about")));
}

function working(now) {
  find("send").hidden = now;
  find("stop").hidden = !now;
  if (!now) say("");
  (now ? find("stop") : field).focus();
  if (now) hear("The model answers.");
}

async function stop() {
  if (!state.key) return;
  say("Stopping …");
  await asked("/chat/stop", page.dataset.token, { key: state.key }).catch(() => {});
}

async function showPrompt(number) {
  const shown = find("prompt-shown");
  shown.querySelector("pre").textContent = "Loading the model …";
  shown.showModal();
  const text = await asked("/chat/prompt", page.dataset.token, { id: state.id, messages: number, model: how().model, think: how().think }).catch((error) => ({ prompt: error.message }));
  shown.querySelector("pre").textContent = text.prompt;
}

const textOf = (number) => log.querySelector(`[data-number="${number}"] .chat-text:not(.chat-thought *)`);

if (log) {
  drawAll(log);
  hadHow();
  showModel();
  for (const name of ["model", "think"]) find(name).addEventListener("change", showModel);
  for (const name of KEPT) find(name).addEventListener("change", keepHow);
  find("send").addEventListener("click", () => send(field.value));
  find("stop").addEventListener("click", stop);
  find("how").addEventListener("click", (event) => {
    const shown = page.querySelector("#chat-how");
    shown.hidden = !shown.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!shown.hidden));
  });
  find("stay").addEventListener("click", () => branch(null));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send(field.value);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && state.key) stop(); });
  page.addEventListener("click", (event) => {
    const { edit, again, prompt } = event.target.dataset;
    if (state.key) return;
    if (edit !== undefined) {
      branch(Number(edit));
      field.value = textOf(edit).textContent;
      field.focus();
    } else if (again !== undefined) {
      branch(Number(again));
      send(textOf(again).textContent);
    } else if (prompt !== undefined) showPrompt(Number(prompt));
    else if (event.target.closest("[data-copy-said]")) {
      const said = event.target.closest("article").querySelector(":scope > .chat-text");
      navigator.clipboard.writeText(said.dataset.source ?? said.textContent);
      hear("Copied.");
    } else if (event.target.closest("[data-close]")) find("prompt-shown").close();
  });
  toEnd();
  readOn();
}
page.addEventListener("submit", (event) => {
  if (event.target.matches("[data-delete]") && !confirm("Delete this conversation? Its text is gone for good.")) event.preventDefault();
});
