// The tabs as a person sees them: arrows move between them, Delete closes, F2 renames.
import { make, question } from "./dom.js";

export class TabStrip {
  constructor(place, tabs, write) {
    this.place = place;
    this.tabs = tabs;
    place.addEventListener("keydown", (event) => this.key(event));
    const on = (name, act) => document.querySelector(`[data-tab-${name}]`).addEventListener("click", (event) => {
      event.target.closest("details")?.removeAttribute("open");
      act();
    });
    on("new", () => { tabs.add(); write(); });
    on("rename", () => this.rename());
    on("close", () => { tabs.close(tabs.current); write(); });
    on("reopen", () => { tabs.reopen(); write(); });
  }

  draw() {
    const focused = this.place.contains(document.activeElement);
    this.place.replaceChildren(...this.tabs.list.map((tab) => {
      const chosen = tab === this.tabs.current;
      return make("button", {
        role: "tab", type: "button", id: `tab-${tab.id}`, "aria-selected": String(chosen), "aria-controls": "sql-editor",
        tabindex: chosen ? "0" : "-1", class: "sql-tab", title: tab.name,
        onclick: () => { if (tab !== this.tabs.current) this.tabs.choose(tab); },
        ondblclick: () => this.rename(),
      }, tab.name);
    }));
    const chosen = this.place.querySelector("[aria-selected=true]");
    chosen.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focused) chosen.focus();
    document.querySelector("[data-tab-reopen]").disabled = !this.tabs.closed.length;
  }

  key(event) {
    const { list, current } = this.tabs;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) this.tabs.choose(list[(list.indexOf(current) + step + list.length) % list.length]);
    else if (event.key === "Home") this.tabs.choose(list[0]);
    else if (event.key === "End") this.tabs.choose(list.at(-1));
    else if (event.key === "Delete") this.tabs.close(current);
    else if (event.key === "F2") this.rename();
    else return;
    event.preventDefault();
  }

  async rename() {
    const tab = this.tabs.current;
    const name = await question("What is this tab called?", { value: tab.name, yes: "Rename" });
    if (name) this.tabs.change(tab, { name });
  }
}
