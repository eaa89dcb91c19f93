// The header of the grid: names and types, order, filters, and widths that can be drawn.
import { icon, make } from "./dom.js";

export class GridHead {
  constructor(grid) {
    this.grid = grid;
    this.row = make("div", { role: "row", "aria-rowindex": "1", class: "grid-heads" });
    this.root = make("div", { role: "rowgroup", class: "grid-head" }, this.row);
    this.root.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-column]");
      if (!cell || event.target.closest(".grid-grip")) return;
      const column = Number(cell.dataset.column);
      grid.root.focus({ preventScroll: true }); // its buttons are drawn anew, and would take the focus along
      grid.activate(-1, column, false);
      if (event.target.closest(".grid-filter")) grid.acts.filter(column, cell);
      else grid.acts.sort(column, event.shiftKey);
    });
    this.root.addEventListener("pointerdown", (event) => this.drag(event));
  }

  cell(column) { return this.row.querySelector(`[data-column="${column}"]`); }

  draw(columns, wide) {
    const { source, numbers, widths } = this.grid;
    this.row.style.width = wide;
    this.row.replaceChildren(make("div", { role: "columnheader", class: "grid-number", "aria-colindex": "1" }, make("span", { class: "hidden" }, "Row")));
    for (const column of columns) {
      const { name, type, number } = source.columns[column];
      const place = source.sort.findIndex(([at]) => at === column);
      const down = place >= 0 && source.sort[place][1];
      const filtered = source.filters.some(([at]) => at === column);
      const order = place < 0 ? null : `${down ? "↓" : "↑"}${source.sort.length > 1 ? place + 1 : ""}`;
      const cell = make("div", {
        role: "columnheader", class: `grid-name${number ? " num" : ""}`, "data-column": column, "aria-colindex": column + 2,
        "aria-sort": place < 0 ? "none" : down ? "descending" : "ascending",
      },
        make("span", { class: "grid-said", title: `${name} ${type}` },
          make("span", { class: "grid-title" }, name, order && make("span", { class: "grid-order", "aria-hidden": "true" }, order)),
          make("span", { class: "grid-type" }, type)),
        make("button", { type: "button", tabindex: "-1", class: `grid-filter${filtered ? " on" : ""}`, "aria-label": `Filter ${name}${filtered ? ", filtered" : ""}` }, icon("list-filter")),
        make("span", { class: "grid-grip", "aria-hidden": "true" }));
      cell.style.left = `${numbers + widths.lefts[column]}px`;
      cell.style.width = `${widths.all[column]}px`;
      this.row.append(cell);
    }
  }

  drag(event) {
    const grip = event.target.closest(".grid-grip");
    if (!grip) return;
    event.preventDefault();
    const column = Number(grip.parentElement.dataset.column);
    const begun = { x: event.clientX, width: this.grid.widths.all[column] };
    const move = (to) => this.grid.resize(column, begun.width + to.clientX - begun.x);
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }
}
