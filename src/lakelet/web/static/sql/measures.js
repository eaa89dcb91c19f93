// Where rows are on a page that is taller than any element may be, and how wide columns are.
export const ROW = 28;
// Browsers end an element at 16 or 33 million px; what is taller is scrolled by proportion.
const TALLEST = 6_000_000;

export class Track {
  constructor(rows) {
    this.rows = rows;
    this.top = 0; // how far the first row that is seen is from the first of all, px
    this.window = 1;
  }

  get whole() { return this.rows * ROW; }
  get height() { return Math.min(this.whole, TALLEST); }
  get scaled() { return this.whole > TALLEST; }
  get furthest() { return Math.max(0, this.whole - this.window); }
  get ratio() { return this.scaled ? this.furthest / (this.height - this.window) : 1; }

  to(top) { this.top = Math.max(0, Math.min(top, this.furthest)); }
  get scroll() { return this.top / this.ratio; }
  from(scroll) { this.to(scroll * this.ratio); }

  first(more) { return Math.max(0, Math.floor(this.top / ROW) - more); }
  last(more) { return Math.min(this.rows - 1, Math.ceil((this.top + this.window) / ROW) + more); }
  // How far a row is from the upper end of the element, given how far that was scrolled.
  place(row, scroll) { return this.scaled ? scroll + row * ROW - this.top : row * ROW; }
}

const LETTER = 7.3;
const LEAST = 72;
const MOST = 340;

export class Widths {
  constructor(columns, rows) {
    this.all = columns.map((column, at) => {
      const longest = Math.max(0, ...rows.slice(0, 50).map((row) => row[at]?.length ?? 4));
      return Math.round(Math.max(LEAST, Math.min(MOST, Math.max(longest * LETTER + 26, Math.max(column.name.length, column.type.length) * LETTER + 52))));
    });
    this.sum();
  }

  sum() {
    this.lefts = [];
    this.total = this.all.reduce((left, width) => { this.lefts.push(left); return left + width; }, 0);
  }

  set(column, width) {
    this.all[column] = Math.max(48, Math.min(1200, Math.round(width)));
    this.sum();
  }

  // The columns that are seen between two places.
  seen(left, right) {
    let first = 0;
    while (first < this.all.length - 1 && this.lefts[first] + this.all[first] <= left) first += 1;
    let last = first;
    while (last < this.all.length - 1 && this.lefts[last + 1] < right) last += 1;
    return [first, last];
  }
}
