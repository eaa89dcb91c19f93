// What stands beside the result: a whole value, what was run before, the queries that are kept.
import { icon, make } from "./dom.js";

export class Side {
  constructor() {
    this.place = document.getElementById("sql-side");
    this.shown = null;
    this.place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  // What opened it is focused again when it is closed.
  open(name, title, ...inside) {
    if (this.place.hidden) this.before = document.activeElement;
    this.shown = name;
    this.place.replaceChildren(
      make("header", {}, make("h2", {}, title),
        make("button", { class: "button plain sql-icon sql-right", type: "button", "aria-label": `Close ${title}`, onclick: () => this.close() }, icon("x"))),
      ...inside);
    this.place.hidden = false;
    this.place.setAttribute("aria-label", title);
    this.tell();
    (this.place.querySelector("input") ?? this.place).focus();
    this.place.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.shown = null;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.tell();
    this.before?.focus?.();
  }

  tell() {
    document.getElementById("sql").classList.toggle("beside", !this.place.hidden);
    document.querySelectorAll("[data-side]").forEach((button) => button.setAttribute("aria-expanded", String(button.dataset.side === this.shown)));
  }
}

// A list that is asked for again with the letters that are typed.
export function searched(label, ask, row, empty) {
  const field = make("input", { type: "search", "aria-label": label, placeholder: label, autocomplete: "off" });
  const list = make("ul", { class: "lines sql-found" });
  const said = make("p", { class: "small mute", role: "status" });
  let asked = 0;
  const fill = async () => {
    const mine = ++asked;
    try {
      const found = await ask(field.value);
      if (mine !== asked) return;
      list.replaceChildren(...found.map(row));
      said.textContent = found.length ? "" : field.value ? "Nothing holds these letters." : empty;
    } catch (error) {
      said.textContent = error.message;
    }
  };
  let later;
  field.addEventListener("input", () => { clearTimeout(later); later = setTimeout(fill, 120); });
  fill();
  return { inside: [make("div", { class: "body" }, field, said), list], fill };
}
