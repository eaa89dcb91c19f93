// The rows of a result, fetched by places in blocks; blocks that were looked at longest ago go.
import { get } from "./ask.js";

const SIZE = 200;
const MOST_BLOCKS = 60;
const MOST_LETTERS = 6_000_000;
const AT_ONCE = 2;

// So many letters of a value come with its row.
export const CUT = 2000;

// A value with all its letters.
export async function whole(run, row, column, value) {
  if (!run || value === null || value.length < CUT) return value;
  return (await get(`/sql/runs/${run}/value?row=${row}&column=${column}`)).value;
}

export class Blocks {
  constructor(run, came) {
    this.run = run;
    this.came = came;
    this.kept = new Map();
    this.letters = 0;
    this.wanted = [];
    this.asking = new Set();
    this.closed = false;
  }

  // The rows that came with the news of the run.
  seed(first, rows) {
    if (first.length >= Math.min(SIZE, rows)) this.put(0, first.slice(0, SIZE));
  }

  put(block, rows) {
    this.drop(block);
    const letters = rows.reduce((sum, row) => row.reduce((all, value) => all + (value?.length ?? 0), sum), 0);
    this.kept.set(block, { rows, letters });
    this.letters += letters;
    for (const old of this.kept.keys()) {
      if (this.kept.size <= MOST_BLOCKS && this.letters <= MOST_LETTERS) break;
      if (!this.wanted.includes(old) && old !== block) this.drop(old);
    }
  }

  drop(block) {
    const found = this.kept.get(block);
    if (!found) return;
    this.letters -= found.letters;
    this.kept.delete(block);
  }

  row(place) {
    return this.kept.get(Math.floor(place / SIZE))?.rows[place % SIZE];
  }

  // Says which rows are looked at; whoever drags the bar past a thousand blocks asks for few of them.
  want(first, last) {
    this.wanted = [];
    for (let block = Math.floor(first / SIZE); block <= Math.floor(last / SIZE); block += 1) this.wanted.push(block);
    for (const block of this.wanted) {
      const found = this.kept.get(block);
      if (found) {
        this.kept.delete(block);
        this.kept.set(block, found);
      }
    }
    this.ask();
  }

  async ask() {
    if (!this.run) return; // more rows come while the statement runs: they are read when it is done
    const next = this.wanted.find((block) => !this.kept.has(block) && !this.asking.has(block));
    if (next === undefined || this.asking.size >= AT_ONCE || this.closed) return;
    this.asking.add(next);
    try {
      const told = await get(`/sql/runs/${this.run}/rows?first=${next * SIZE}&count=${SIZE}`);
      if (this.closed) return;
      this.put(next, told.rows);
      this.asking.delete(next);
      this.came(null);
    } catch (error) {
      this.asking.delete(next);
      this.wanted = [];
      if (!this.closed) this.came(error);
    }
    this.ask();
  }

  close() { this.closed = true; }

  // Rows from a place on, whether or not they are kept, for a copy or a chart.
  static async read(run, first, count) {
    const found = [];
    while (found.length < count) {
      const step = Math.min(1000, count - found.length);
      const { rows } = await get(`/sql/runs/${run}/rows?first=${first + found.length}&count=${step}`);
      found.push(...rows);
      if (rows.length < step) break;
    }
    return found;
  }
}
