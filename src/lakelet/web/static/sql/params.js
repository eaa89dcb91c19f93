// Parameters of the statement at the cursor, as fields. What was filled in stays with the tab.
import { make } from "./dom.js";

export class Params {
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.names = [];
  }

  show(names, values) {
    if (names.join("\n") === this.names.join("\n") && this.values === values) return;
    this.names = names;
    this.values = values;
    this.place.replaceChildren(...names.map((name) => make("label", {}, make("span", { class: "mono" }, `:${name}`),
      make("input", {
        type: "text", value: values[name] ?? "", "data-param": name, autocomplete: "off",
        oninput: (event) => { values[name] = event.target.value; this.changed(values); },
      }))));
  }

  // The first that was never filled in. Who runs the statement from inside a field left empty means an empty text.
  missing(names) {
    for (const name of names.filter((one) => this.values?.[one] === undefined)) {
      const field = this.place.querySelector(`[data-param="${CSS.escape(name)}"]`);
      if (!field) continue;
      if (field !== document.activeElement) return field;
      this.values[name] = "";
      this.changed(this.values);
    }
    return null;
  }
}
