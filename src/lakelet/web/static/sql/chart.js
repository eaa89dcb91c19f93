// The chart beside the grid. What draws it is fetched when the first is asked for.
import { Blocks } from "./blocks.js";
import { MARKS, MOST_ROWS, OF, chosenFor, codeOf, counted, fieldsOf, leftOut, lookOf, specOf, valuesOf } from "./charting.js";
import { count, download, make } from "./dom.js";

const one = (name) => document.querySelector(`[data-${name}]`);
const QUIET = { level: () => QUIET, error: () => QUIET, warn: () => QUIET, info: () => QUIET, debug: () => QUIET };
const LEAST_HEIGHT = 180;

export class Chart {
  constructor({ hear, remember }) {
    this.hear = hear;
    this.remember = remember;
    this.run = null;
    this.panel = one("chart-panel");
    one("chart-switch").addEventListener("click", () => {
      const on = !this.work.tab.chart;
      this.remember(this.work.tab, { chart: on ? {} : null });
      this.show(this.work, this.now, false);
    });
    this.panel.addEventListener("change", () => this.choose());
    this.panel.querySelectorAll("[data-chart-as]").forEach((button) => {
      button.addEventListener("click", () => this.give(button.dataset.chartAs).then(hear, (error) => hear(`No chart was made: ${error.message}`)));
    });
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    let last = { width: 0, height: 0 };
    new ResizeObserver(([{ contentRect: now }]) => {
      if (Math.abs(now.width - last.width) + Math.abs(now.height - last.height) < 3) return;
      last = now;
      this.draw();
    }).observe(one("drawn"));
  }

  // The run whose rows are shown; null while there are none to draw.
  async show(work, now, stale) {
    this.work = work;
    this.now = now;
    const on = Boolean(work.tab.chart);
    one("chart-switch").setAttribute("aria-pressed", String(on));
    this.panel.hidden = !on || (!now && !stale);
    if (!on || !now) {
      if (!stale) this.run = null;
      return;
    }
    if (this.run === now.id) return;
    this.run = now.id;
    try {
      const [vega, rows] = await Promise.all([import("../vendor/vega.js"), Blocks.read(now.id, 0, Math.min(now.rows, MOST_ROWS))]);
      if (this.run !== now.id) return;
      this.vega = vega;
      const fields = fieldsOf(now.columns);
      this.values = valuesOf(fields, rows);
      this.fields = counted(fields, this.values);
      this.part = rows.length < now.rows ? `It is of the first ${count(rows.length)} of ${count(now.rows)} rows.` : "";
      const kept = work.tab.chart;
      const known = (name) => !name || this.fields.some((field) => field.name === name);
      this.choice = kept?.mark && known(kept.x) && known(kept.y) && known(kept.colour) ? kept : chosenFor(this.fields, this.values);
      this.offer();
      await this.draw();
    } catch (error) {
      this.run = null;
      one("chart-said").textContent = `It cannot be drawn: ${error.message}`;
    }
  }

  offer() {
    const names = this.fields.map((field) => [field.name, field.name]);
    const choices = { mark: Object.entries(MARKS), x: names, y: [["", "rows"], ...names], of: Object.entries(OF), colour: [["", "one"], ...names] };
    for (const [name, options] of Object.entries(choices)) {
      const select = this.panel.querySelector(`[data-chart="${name}"]`);
      select.replaceChildren(...options.map(([value, said]) => make("option", { value }, said)));
      select.value = this.choice?.[name] ?? "";
      select.disabled = !this.choice;
    }
  }

  choose() {
    this.choice = Object.fromEntries([...this.panel.querySelectorAll("[data-chart]")].map((select) => [select.dataset.chart, select.value]));
    this.remember(this.work.tab, { chart: this.choice });
    this.draw();
  }

  async view(spec, width, height, more) {
    const { vega } = this;
    const sized = { ...spec, width, height, autosize: { type: "fit", contains: "padding" }, data: { values: this.values }, config: lookOf(getComputedStyle(document.documentElement)) };
    const { spec: full } = vega.compile(sized, { logger: QUIET });
    // Expressions are walked, not compiled: the page allows no code made of text.
    return new vega.View(vega.parse(full, null, { ast: true }), { expr: vega.expressionInterpreter, logLevel: vega.Warn, logger: QUIET, ...more }).runAsync();
  }

  async draw() {
    if (!this.vega || !this.run || this.panel.hidden) return;
    const place = one("drawn");
    if (!this.choice || !this.values.length) {
      place.replaceChildren();
      one("chart-said").textContent = this.values.length ? "No column of it can be drawn." : "There are no rows to draw.";
      return;
    }
    const { mark, x, y } = this.choice;
    try {
      this.drawn?.finalize();
      place.setAttribute("aria-label", `${MARKS[mark]}: ${y || "rows"} by ${x}`);
      const size = [Math.max(200, place.clientWidth), Math.max(LEAST_HEIGHT, place.clientHeight)];
      // The picture has one name; its five thousand marks are not read out.
      const inside = make("div", { "aria-hidden": "true" });
      place.replaceChildren(inside);
      this.drawn = await this.view(specOf(this.choice, this.fields), ...size, { renderer: "svg", container: inside });
      one("chart-said").textContent = [leftOut(this.choice, this.fields), this.part].filter(Boolean).join(" ");
    } catch (error) {
      place.replaceChildren();
      one("chart-said").textContent = `This cannot be drawn: ${error.message}`;
    }
  }

  async give(form) {
    if (!this.choice || !this.values.length) return "There is nothing to hand over: no rows are drawn.";
    const spec = specOf(this.choice, this.fields);
    if (form === "python") {
      const { tab, told } = this.work;
      await navigator.clipboard.writeText(codeOf(spec, told.text, tab.ran?.at ?? ""));
      return "Python that draws this chart is copied.";
    }
    if (form === "json") {
      download("chart.vl.json", new Blob([JSON.stringify({ ...spec, data: { values: this.values } }, null, 2)], { type: "application/json" }));
      return "chart.vl.json is handed over.";
    }
    const view = await this.view(spec, 640, 400, { renderer: "none" });
    if (form === "svg") download("chart.svg", new Blob([await view.toSVG()], { type: "image/svg+xml" }));
    else {
      const canvas = await view.toCanvas(2);
      download("chart.png", await new Promise((made) => canvas.toBlob(made, "image/png")));
    }
    view.finalize();
    return `chart.${form} is handed over.`;
  }
}
