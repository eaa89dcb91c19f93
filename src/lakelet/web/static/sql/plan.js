// The plan of a query: its steps as the engine took them, with rows and time, beside the result.
import { get, post } from "./ask.js";
import { make } from "./dom.js";

export async function showPlan(side, piece, { params, at, dialect }, hear) {
  hear("The query runs for its plan.");
  let run = await post("/sql/runs", { text: piece.text, params, at, dialect, plan: true });
  const stop = () => post(`/sql/runs/${run.id}/cancel`).catch(() => {});
  addEventListener("pagehide", stop);
  while (["waiting", "running"].includes(run.state)) run = await get(`/sql/runs/${run.id}?seen=${run.number}`);
  removeEventListener("pagehide", stop);
  if (run.state !== "finished") {
    hear([run.error ?? "It was cancelled.", run.hint].filter(Boolean).join(" "), true);
    return;
  }
  hear("The plan is there.");
  const whole = run.plan.reduce((sum, step) => sum + step.seconds, 0);
  side.open("plan", "Plan", make("p", { class: "body small mute" }, "Each step reads those below it that stand further in. Time is that of all cores."),
    make("ul", { class: "lines sql-plan", "aria-label": "Steps, with rows and time" }, ...run.plan.map((step) => make("li", {},
      make("span", { class: `what indent-${Math.min(step.depth, 6)}` }, make("b", {}, step.name), make("br"), make("span", { class: "small mute" }, step.about)),
      make("span", { class: "aside" }, `${step.rows.toLocaleString("en")} ${step.rows === 1 ? "row" : "rows"}`, make("br"), `${(1000 * step.seconds).toFixed(1)} ms`, share(step.seconds, whole))))));
}

function share(seconds, whole) {
  return whole && seconds / whole >= 0.2 ? make("b", { class: "warn" }, ` ${Math.round((100 * seconds) / whole)} %`) : null;
}
