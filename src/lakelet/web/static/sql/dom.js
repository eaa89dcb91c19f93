// Elements of this page: pictures, questions, and how numbers are told.
import { make } from "../make.js";

export { make };

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.getElementById("sql").dataset.icons}#${name}`);
  drawn.append(use);
  return drawn;
}

// One question at a time: a text (or true) when it is answered, null when it is left.
export function question(text, { value = null, yes = "OK", label = "Name" } = {}) {
  return new Promise((answer) => {
    const field = value === null ? null : make("input", { type: "text", value, id: "question-field", autocomplete: "off", required: true, maxlength: "120" });
    const dialog = make("dialog", { class: "card sql-question", "aria-labelledby": "question-text" },
      make("form", { method: "dialog", class: "body" },
        make("p", { id: "question-text" }, text),
        field && make("label", { for: "question-field", class: "small mute" }, label),
        field,
        make("div", { class: "sql-buttons" },
          make("button", { class: "button main", value: "yes" }, yes),
          make("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Leave it"))));
    // Esc closes this question, and nothing else of the page.
    dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes" ? (field ? field.value.trim() : true) : null);
    });
    document.getElementById("sql").append(dialog);
    dialog.showModal();
    field?.select();
  });
}

export function download(name, blob) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const counts = new Intl.NumberFormat("en");
export const count = (number) => counts.format(number);
export const rows = (number) => `${count(number)} ${number === 1 ? "row" : "rows"}`;

export function lasted(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

export function ago(moment) {
  const seconds = (Date.now() - moment.getTime()) / 1000;
  for (const [size, word] of [[86_400, "day"], [3600, "h"], [60, "min"]]) {
    const number = Math.floor(seconds / size);
    if (number >= 1) return `${number} ${word}${word === "day" && number > 1 ? "s" : ""} ago`;
  }
  return "just now";
}
