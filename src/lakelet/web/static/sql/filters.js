// What a column is asked: a small form at its head.
import { make } from "./dom.js";

const WITHOUT = new Set(["is missing", "is there"]);

export class FilterDialog {
  constructor(operators, chosen) {
    this.chosen = chosen;
    this.operators = operators;
    this.operator = make("select", { "aria-label": "How" }, ...operators.map((name) => make("option", { value: name }, name)));
    this.value = make("input", { type: "text", "aria-label": "Value", autocomplete: "off" });
    this.title = make("h2", { id: "sql-filter-title" });
    this.dialog = make("dialog", { class: "card sql-filter", "aria-labelledby": "sql-filter-title" },
      make("form", { method: "dialog", class: "body", onsubmit: () => this.end(true) },
        this.title, this.operator, this.value,
        make("div", { class: "sql-buttons" },
          make("button", { class: "button main" }, "Filter"),
          make("button", { class: "button", type: "button", onclick: () => this.end(false) }, "All rows"))));
    this.operator.addEventListener("change", () => this.fit());
    this.dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    document.getElementById("sql").append(this.dialog);
  }

  fit() { this.value.hidden = WITHOUT.has(this.operator.value); }

  open(source, column, beside) {
    this.column = column;
    const now = source.filters.find(([at]) => at === column);
    this.title.textContent = source.columns[column].name;
    this.operator.value = now?.[1] ?? (source.columns[column].number ? this.operators[0] : "contains");
    this.value.value = now?.[2] ?? "";
    this.fit();
    this.dialog.showModal();
    const box = beside?.getBoundingClientRect() ?? { left: 16, bottom: 200 };
    this.dialog.style.left = `${Math.max(8, Math.min(box.left, innerWidth - this.dialog.offsetWidth - 8))}px`;
    this.dialog.style.top = `${Math.min(box.bottom + 4, innerHeight - this.dialog.offsetHeight - 8)}px`;
    this.value.select();
  }

  end(filters) {
    this.dialog.close();
    this.chosen(this.column, filters ? [this.column, this.operator.value, this.value.hidden ? "" : this.value.value] : null);
  }
}
