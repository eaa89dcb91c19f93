// A grid that holds any number of rows: only those that are seen are in the page.
// The pattern is that of ARIA's grid; the header is its first row, and reached by the arrows too.
import { Blocks } from "./blocks.js";
import { GridHead } from "./gridhead.js";
import { make } from "./dom.js";
import { ROW, Track, Widths } from "./measures.js";

const MORE = 6;
const LONGEST = 300;
const HEAD = 44;

export class Grid {
  // acts: sort(column, also), filter(column, beside), open(row, column, value), copy(what), failed(error)
  constructor(place, acts) {
    this.acts = acts;
    this.root = make("div", { class: "grid", role: "grid", tabindex: "0", "aria-label": "Rows of the result" });
    this.head = new GridHead(this);
    this.body = make("div", { class: "grid-body", role: "rowgroup" });
    this.root.append(this.head.root, this.body);
    place.append(this.root);
    this.live = new Map();
    this.spare = [];
    this.source = null;
    this.listen();
  }

  listen() {
    const { root } = this;
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // Where a pixel of the bar is many rows, the wheel goes on by rows all the same.
    root.addEventListener("wheel", (event) => {
      if (!this.track?.scaled || event.ctrlKey || event.shiftKey || !event.deltaY) return;
      event.preventDefault();
      const unit = [1, ROW, this.track.window][event.deltaMode];
      this.go(this.track.top + event.deltaY * unit);
      root.scrollLeft += event.deltaX;
    }, { passive: false });
    for (const [name, on] of [["touchstart", true], ["touchend", false], ["touchcancel", false]]) {
      root.addEventListener(name, () => { this.touched = on; if (!on && this.track) this.go(this.track.top); }, { passive: true });
    }
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focus", () => { if (this.source) this.activate(this.at.row, this.at.column, false); });
    this.body.addEventListener("mousedown", (event) => {
      const place = this.placeOf(event.target);
      if (place) this.activate(place.row, place.column, false);
    });
    this.body.addEventListener("dblclick", (event) => { if (this.placeOf(event.target)) this.open(); });
    new ResizeObserver(() => { if (this.source) this.render(); }).observe(root);
  }

  placeOf(target) {
    const cell = target.closest("[data-column]");
    const row = target.closest("[role=row]");
    return cell && row ? { row: row.place, column: Number(cell.dataset.column) } : null;
  }

  // source: run (null while rows still come), columns, rows, first, sort, filters; `keep` for the
  // same rows, of which there are more now.
  show(source, { keep = false, widths = null } = {}) {
    this.blocks?.close();
    this.source = source;
    const top = keep ? this.track.top : 0;
    this.blocks = new Blocks(source.run, (error) => (error ? this.acts.failed(error) : this.render()));
    this.blocks.seed(source.first, source.rows);
    this.track = new Track(source.rows);
    if (!keep) {
      this.widths = widths ?? new Widths(source.columns, source.first);
      // Whoever orders by a column stays at it.
      this.at = widths ? { row: Math.min(this.at.row, source.rows - 1, 0), column: this.at.column } : { row: Math.min(0, source.rows - 1), column: 0 };
      if (!widths) this.root.scrollLeft = 0;
    }
    const { style } = this.root;
    this.numbers = Math.max(3, String(source.rows).length) * 7.5 + 22;
    style.setProperty("--numbers", `${this.numbers}px`);
    this.root.setAttribute("aria-rowcount", source.rows + 1);
    this.root.setAttribute("aria-colcount", source.columns.length + 1);
    this.body.style.height = `${this.track.height}px`;
    this.laid = null;
    this.render();
    this.go(top);
  }

  get window() { return Math.max(ROW, this.root.clientHeight - HEAD); }

  go(top) {
    this.track.window = this.window;
    this.track.to(top);
    this.root.scrollTop = this.track.scroll;
    this.own = this.root.scrollTop; // a browser may round it
    this.render();
  }

  scrolled() {
    if (!this.source) return;
    const now = this.root.scrollTop;
    if (now !== this.own) {
      const moved = now - this.own;
      // A finger moves by rows; the bar by proportion.
      if (this.track.scaled && this.touched && Math.abs(moved) < this.track.window) this.track.to(this.track.top + moved);
      else this.track.from(now);
      this.own = now;
    }
    this.render();
  }

  render() {
    this.track.window = this.window;
    const { track, source } = this;
    const scroll = this.root.scrollTop;
    const left = this.root.scrollLeft;
    const [from, to] = this.widths.seen(left, left + this.root.clientWidth - this.numbers);
    const laid = `${from} ${to}`;
    if (laid !== this.laid) {
      this.laid = laid;
      this.columns = Array.from({ length: source.columns.length ? to - from + 1 : 0 }, (_, place) => from + place);
      const wide = `${this.numbers + this.widths.total}px`;
      this.body.style.width = wide;
      this.head.draw(this.columns, wide);
      for (const row of this.live.values()) row.remove();
      this.live.clear();
      this.spare = [];
    }
    const first = track.first(MORE);
    const last = track.last(MORE);
    for (const [place, row] of this.live) {
      if (place < first || place > last) {
        this.live.delete(place);
        this.spare.push(row);
      }
    }
    this.blocks.want(first, Math.max(first, last));
    for (let place = first; place <= last; place += 1) {
      const row = this.live.get(place) ?? this.newRow(place);
      row.style.transform = `translateY(${track.place(place, scroll)}px)`;
      if (row.place !== place || !row.filled) this.fill(row, place);
    }
    for (const row of this.spare.splice(40)) row.remove();
    for (const row of this.spare) row.hidden = true;
    this.mark();
  }

  newRow(place) {
    let row = this.spare.pop();
    if (!row) {
      row = make("div", { role: "row", class: "grid-row" }, make("div", { role: "rowheader", class: "grid-number", "aria-colindex": "1" }));
      row.cells = this.columns.map((column) => {
        const cell = make("div", { role: "gridcell", "data-column": column, "aria-colindex": column + 2 });
        cell.style.left = `${this.numbers + this.widths.lefts[column]}px`;
        cell.style.width = `${this.widths.all[column]}px`;
        row.append(cell);
        return cell;
      });
      this.body.append(row);
    }
    row.hidden = false;
    row.place = null;
    this.live.set(place, row);
    return row;
  }

  fill(row, place) {
    const values = this.blocks.row(place);
    row.place = place;
    row.filled = values !== undefined;
    row.setAttribute("aria-rowindex", place + 2);
    row.firstChild.textContent = (place + 1).toLocaleString("en");
    this.columns.forEach((column, at) => {
      const cell = row.cells[at];
      const value = values?.[column];
      const kind = this.source.columns[column].number ? " num" : "";
      cell.className = `grid-cell${kind}${values === undefined ? " wait" : value === null ? " null" : ""}`;
      cell.textContent = value === null ? "NULL" : (value ?? "").slice(0, LONGEST);
    });
  }

  mark() {
    this.root.querySelector("#grid-at")?.removeAttribute("id");
    this.root.querySelectorAll("[aria-selected]").forEach((one) => one.removeAttribute("aria-selected"));
    const { row, column } = this.at;
    const cell = row < 0 ? this.head.cell(column) : this.live.get(row)?.cells[this.columns.indexOf(column)];
    if (cell) {
      cell.id = "grid-at";
      cell.setAttribute("aria-selected", "true");
      this.root.setAttribute("aria-activedescendant", "grid-at");
    } else this.root.removeAttribute("aria-activedescendant");
  }

  // Goes to a cell; row -1 is the header.
  activate(row, column, reveal = true) {
    const { source, widths, track, root } = this;
    this.at = { row: Math.max(-1, Math.min(row, source.rows - 1)), column: Math.max(0, Math.min(column, source.columns.length - 1)) };
    if (reveal && source.columns.length) {
      const left = widths.lefts[this.at.column];
      const room = root.clientWidth - this.numbers;
      if (left < root.scrollLeft) root.scrollLeft = left;
      else if (left + widths.all[this.at.column] > root.scrollLeft + room) root.scrollLeft = Math.min(left, left + widths.all[this.at.column] - room);
      const top = this.at.row * ROW;
      if (this.at.row >= 0 && top < track.top) this.go(top);
      else if (this.at.row >= 0 && top + ROW > track.top + track.window) this.go(top + ROW - track.window);
    }
    this.render();
  }

  value() { return this.blocks.row(this.at.row)?.[this.at.column]; }

  open() {
    if (this.at.row >= 0 && this.blocks.row(this.at.row)) this.acts.open(this.at.row, this.at.column, this.value());
  }

  resize(column, width) {
    this.widths.set(column, width);
    this.laid = null;
    this.render();
  }

  key(event) {
    if (!this.source?.columns.length || event.target !== this.root) return;
    const { row, column } = this.at;
    const page = Math.max(1, Math.floor(this.track.window / ROW) - 1);
    const ctrl = event.ctrlKey || event.metaKey;
    if (ctrl && event.key === "c") this.acts.copy("cell");
    else if (event.altKey && event.key === "r") this.acts.copy("row");
    else if (event.altKey && event.key === "l") this.acts.copy("column");
    else if (event.altKey && event.key === "ArrowDown") this.acts.filter(column, this.head.cell(column));
    else if (event.altKey || (ctrl && !["Home", "End"].includes(event.key))) return;
    else if (event.shiftKey && row < 0 && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
      this.resize(column, this.widths.all[column] + (event.key === "ArrowLeft" ? -16 : 16));
    } else if (event.key === "Enter") {
      if (row < 0) this.acts.sort(column, event.shiftKey);
      else this.open();
    } else {
      const to = {
        ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
        PageUp: [Math.max(0, row - page), column], PageDown: [row + page, column],
        Home: [ctrl ? 0 : row, 0], End: [ctrl ? this.source.rows - 1 : row, this.source.columns.length - 1],
      }[event.key];
      if (!to) return;
      this.activate(...to);
    }
    event.preventDefault();
  }
}
