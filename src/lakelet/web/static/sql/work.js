// What becomes of the statements of one tab: run, followed, cancelled, sorted and filtered.
import { get, post } from "./ask.js";

const OVER = new Set(["finished", "failed", "cancelled", "gone"]);
const NOTHING = { rows: 0, columns: [], first: [], warnings: [], seconds: null };
const PAUSE = 1000;
const LONGEST_PAUSE = 5000;
const pause = (time) => new Promise((later) => setTimeout(later, time));

export class Work {
  constructor(tab, { changed, remember, looked }) {
    Object.assign(this, { tab, changed, remember, looked });
    this.told = null; // what the statement gave
    this.shown = null; // the same, sorted and filtered, with the `view` that says how
    this.busy = false;
    this.step = null; // which of several statements
    this.abort = null;
    this.unreachable = false;
    this.heard = 0; // when something was told last
  }

  // The run that waits or runs now, or was the last to.
  get latest() { return this.shown ?? this.told; }

  async run(pieces, params, at) {
    if (this.busy) return;
    this.busy = true;
    this.shown = null;
    for (const [place, piece] of pieces.entries()) {
      this.step = pieces.length > 1 ? { place: place + 1, of: pieces.length } : null;
      this.hear({ ...NOTHING, state: "waiting", before: 0 });
      const given = Object.fromEntries(piece.parameters.map((name) => [name, params[name]]));
      await this.begin("told", "/sql/runs", { text: piece.text, params: given, at },
        (told) => this.remember({ run: told.id, ran: { ...piece, at }, view: null }));
      if (this.told.state !== "finished") break;
    }
    this.busy = false;
    this.changed();
  }

  // Another order, or fewer rows: a result of its own, beside the one it comes from.
  async derive(view) {
    if (this.busy || this.told?.state !== "finished") return;
    if (!view.sort.length && !view.filters.length) {
      this.shown = null;
      this.remember({ view: null });
      this.changed();
      return;
    }
    this.busy = true;
    this.asked = view;
    const before = this.shown;
    await this.begin("shown", `/sql/runs/${this.told.id}/derive`, { sort: view.sort, filters: view.filters }, () => {});
    this.busy = false;
    if (this.shown.state === "finished") this.remember({ view: { ...view, id: this.shown.id } });
    else {
      // Nothing is lost: what was shown is shown again, and what failed is said beside it.
      this.failed = this.shown.state === "failed" ? this.shown : null;
      this.shown = before;
    }
    this.changed();
    this.failed = null;
  }

  async begin(where, path, asked, began) {
    try {
      const told = await post(path, asked);
      began(told);
      this.hear(told, where);
      await this.follow(where);
    } catch (error) {
      this.hear({ ...NOTHING, state: "failed", error: error.message, hint: error.hint }, where);
    }
  }

  async follow(where) {
    let failed = 0;
    while (!OVER.has(this[where].state)) {
      const now = this[where];
      try {
        // Browsers keep few connections to a server: only who is looked at waits for news on one.
        if (!this.looked()) await pause(PAUSE);
        this.abort = new AbortController();
        const seen = this.looked() ? `?seen=${now.number}` : "";
        this.hear(await get(`/sql/runs/${now.id}${seen}`, this.abort.signal), where);
        failed = 0;
      } catch (error) {
        if (error.name === "AbortError") continue;
        if (error.status) {
          this.hear({ ...now, state: "gone" }, where);
          return;
        }
        this.unreachable = true;
        this.changed();
        await pause(Math.min(LONGEST_PAUSE, 250 * 2 ** failed++));
      }
    }
  }

  hear(told, where = "told") {
    this[where] = where === "shown" ? { ...told, view: this.asked } : told;
    this.heard = performance.now();
    this.unreachable = false;
    this.changed();
  }

  // Others are looked at now: what waits for news waits no more.
  wake() { this.abort?.abort(); }

  async cancel() {
    const now = this.latest;
    if (!this.busy || !now?.id) return;
    this.cancelling = true;
    this.changed();
    try {
      await post(`/sql/runs/${now.id}/cancel`);
    } catch { /* whoever follows it hears what became of it */ }
    this.cancelling = false;
    this.wake();
    this.changed();
  }

  // After a reload: what the tab has run last, as far as it is kept. Whoever runs something else
  // meanwhile is not kept waiting.
  async resume() {
    const { run, view } = this.tab;
    if (!run || this.told || this.busy) return;
    const found = await get(`/sql/runs/${run}`).catch((error) => ({
      ...NOTHING, id: run, state: error.status ? "gone" : "failed", error: error.message, hint: error.hint,
    }));
    if (this.told || this.busy) return;
    this.busy = !OVER.has(found.state);
    this.hear(found);
    await this.follow("told");
    this.busy = false;
    this.changed();
    if (!view || this.told.state !== "finished") return;
    const kept = await get(`/sql/runs/${view.id}`).catch((error) => error);
    if (this.busy || this.told.id !== run) return;
    this.asked = view;
    if (kept.state === "finished") this.hear(kept, "shown");
    else await this.derive(view);
  }
}
