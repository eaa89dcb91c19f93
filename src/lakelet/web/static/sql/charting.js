// Which chart suits some columns, and its specification (Vega-Lite 6).
const TIME = /^(DATE|TIMESTAMP)/;
const MOST_BARS = 50;
const MOST_COLOURS = 8;
export const MOST_ROWS = 5000;
export const MARKS = { line: "lines", bar: "bars", point: "points", area: "areas", histogram: "a histogram" };
export const OF = { none: "each value", sum: "sum", mean: "mean", median: "median", min: "least", max: "most", count: "rows" };

// Columns under names of their own, should two have one.
export function fieldsOf(columns) {
  const seen = new Map();
  return columns.map(({ name, type, number }) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    const kind = number ? "number" : TIME.test(type) ? "time" : "text";
    return { name: before ? `${name} (${before + 1})` : name, kind };
  });
}

// Times are drawn as they are told, in the workspace's zone: as if all of them were UTC.
function time(text) {
  const [, day, clock] = /^(\S+)(?:[ T](\d[\d:.]*))?/.exec(text) ?? [];
  return day ? `${day}T${(clock ?? "00:00:00").slice(0, 12)}Z` : null;
}

const READ = { number: Number, time, text: String };

export function valuesOf(fields, rows) {
  return rows.map((row) => Object.fromEntries(fields.map((field, at) => [field.name, row[at] === null ? null : READ[field.kind](row[at])])));
}

export function chosenFor(fields, values) {
  const of = (kind) => fields.filter((field) => field.kind === kind).map((field) => field.name);
  const [times, numbers, texts] = [of("time"), of("number"), of("text")];
  const different = (name) => new Set(values.map((row) => row[name])).size;
  const few = texts.find((name) => different(name) > 1 && different(name) <= MOST_COLOURS) ?? "";
  const barred = texts.find((name) => different(name) > 1 && different(name) <= MOST_BARS) ?? texts[0];
  const grouped = (x, colour = "") => new Set(values.map((row) => `${row[x]}\n${row[colour]}`)).size < values.length;
  if (times.length && numbers.length) {
    return { mark: "line", x: times[0], y: numbers[0], of: grouped(times[0], few) ? "mean" : "none", colour: few };
  }
  if (texts.length && numbers.length) {
    return { mark: "bar", x: barred, y: numbers[0], of: grouped(barred) ? "sum" : "none", colour: "" };
  }
  if (numbers.length > 1) return { mark: "point", x: numbers[0], y: numbers[1], of: "none", colour: "" };
  if (numbers.length) return { mark: "histogram", x: numbers[0], y: "", of: "count", colour: "" };
  if (texts.length) return { mark: "bar", x: barred, y: "", of: "count", colour: "" };
  if (times.length) return { mark: "histogram", x: times[0], y: "", of: "count", colour: "" };
  return null;
}

// How many values a column has says whether their names have room beside one another.
export function counted(fields, values) {
  return fields.map((field) => ({ ...field, different: new Set(values.map((row) => row[field.name])).size }));
}

const FEW = 6;
const field = (name) => name.replace(/[\\.[\]'"]/g, "\\$&");
const TYPES = { number: "quantitative", time: "temporal", text: "nominal" };

export function specOf(choice, fields) {
  const found = (name) => fields.find((one) => one.name === name);
  const kind = (name) => found(name)?.kind ?? "number";
  const axis = (name) => ({
    field: field(name), type: TYPES[kind(name)], title: name,
    ...(kind(name) === "time" ? { scale: { type: "utc" } } : {}),
    ...(kind(name) === "text" ? { axis: { labelLimit: 120, ...(found(name).different <= FEW ? { labelAngle: 0 } : {}) } } : {}),
  });
  const colour = choice.colour ? { color: { field: field(choice.colour), type: TYPES[kind(choice.colour)], title: choice.colour } } : {};
  const start = { $schema: "https://vega.github.io/schema/vega-lite/v6.json" };
  if (choice.mark === "histogram") {
    const { scale, ...bare } = axis(choice.x);
    const x = kind(choice.x) === "text" ? bare : { ...bare, bin: kind(choice.x) === "number" ? { maxbins: 40 } : undefined };
    if (kind(choice.x) === "time") x.timeUnit = "utcyearmonthdate";
    return { ...start, mark: { type: "bar" }, encoding: { x, y: { aggregate: "count", title: "rows" }, ...colour } };
  }
  const counts = choice.of === "count" || !choice.y;
  const grouped = counts || choice.of !== "none";
  const said = counts ? "rows" : `${OF[choice.of]} of ${choice.y}`;
  const transform = [];
  if (grouped) {
    const groupby = [choice.x, choice.colour].filter(Boolean).map(field);
    transform.push({ aggregate: [counts ? { op: "count", as: said } : { op: choice.of, field: field(choice.y), as: said }], groupby: [...new Set(groupby)] });
  }
  const height = grouped ? said : choice.y;
  const x = axis(choice.x);
  if (choice.mark === "bar" && kind(choice.x) === "text") {
    // The largest, and of those no more than can be told apart.
    transform.push({ joinaggregate: [{ op: "sum", field: field(height), as: "all of it" }], groupby: [field(choice.x)] });
    transform.push({ window: [{ op: "dense_rank", as: "place" }], sort: [{ field: "all of it", order: "descending" }, { field: field(choice.x), order: "ascending" }] });
    transform.push({ filter: `datum.place <= ${MOST_BARS}` });
    x.sort = "-y";
  }
  const y = grouped ? { field: field(said), type: "quantitative", title: said } : axis(choice.y);
  const type = choice.mark === "point" ? { type: "point", filled: true, size: 36, opacity: 0.7 } : { type: choice.mark };
  return { ...start, ...(transform.length ? { transform } : {}), mark: type, encoding: { x, y, ...colour } };
}

// How many bars are left out, in words.
export function leftOut({ mark, x }, fields) {
  const found = fields.find((one) => one.name === x);
  if (mark !== "bar" || found?.kind !== "text" || found.different <= MOST_BARS) return "";
  return `The ${MOST_BARS} largest of ${found.different.toLocaleString("en")} bars are drawn.`;
}

// The look of the page, from its tokens.
export function lookOf(style) {
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  const font = token("sans").replaceAll('"', "");
  const words = { labelColor: token("mute"), titleColor: token("mute"), labelFont: font, titleFont: font, titleFontWeight: 550, labelFontSize: 11, titleFontSize: 11 };
  const series = Array.from({ length: MOST_COLOURS }, (_, place) => token(`series-${place}`));
  const main = { color: series[0] };
  return {
    background: token("panel"), aria: false, font,
    view: { stroke: null },
    axis: { ...words, gridColor: token("line"), domainColor: token("line"), tickColor: token("line"), labelOverlap: true },
    legend: words,
    range: { category: series, ramp: [token("accent-tint"), token("accent")], heatmap: [token("accent-tint"), token("accent")] },
    mark: main, bar: main, line: { ...main, strokeWidth: 2 }, point: main, area: { ...main, opacity: 0.7 },
  };
}

const PLAIN = { true: "True", false: "False", null: "None" };

export function asPython(value, indent = "") {
  const deeper = `${indent}    `;
  if (Array.isArray(value)) return `[${value.map((one) => asPython(one, indent)).join(", ")}]`;
  if (value && typeof value === "object") {
    const inside = Object.entries(value).filter(([, one]) => one !== undefined)
      .map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${asPython(one, deeper)},\n`);
    return inside.length ? `{\n${inside.join("")}${indent}}` : "{}";
  }
  return PLAIN[String(value)] && typeof value !== "string" ? PLAIN[String(value)] : JSON.stringify(value);
}

// Python that draws the same, of all rows, wherever Vega-Lite is shown (a notebook, for one).
export function codeOf(spec, statement, at) {
  const quoted = `"""${statement.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"')}\n"""`;
  return [
    "import json", "", "import lakelet", "from IPython.display import display", "",
    "ws = lakelet.open()",
    `result = ws.sql(${quoted}${at ? `, at=${JSON.stringify(at)}` : ""})`,
    "rows = [dict(zip(result.columns, row)) for row in result.rows()]",
    `spec = ${asPython(spec)}`,
    'spec["data"] = {"values": json.loads(json.dumps(rows, default=str))}',
    'display({"application/vnd.vegalite.v6+json": spec, "text/plain": "a chart"}, raw=True)', "",
  ].join("\n");
}
