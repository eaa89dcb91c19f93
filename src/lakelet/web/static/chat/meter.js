// Where the tokens of the window go.
const counts = new Intl.NumberFormat("en");
const PARTS = ["system", "history", "turn", "answer"];
const WORDS = { system: "system", history: "before", turn: "this turn", answer: "answer" };

export function drawMeter(element, tokens) {
  element.hidden = false;
  let at = 0;
  for (const part of PARTS) {
    const width = (1000 * (tokens[part] ?? 0)) / tokens.window;
    const drawn = element.querySelector(`[data-part="${part}"]`);
    drawn.setAttribute("x", at.toFixed(2));
    drawn.setAttribute("width", width.toFixed(2));
    at += width;
  }
  const used = PARTS.reduce((sum, part) => sum + (tokens[part] ?? 0), 0);
  const told = PARTS.map((part) => `${WORDS[part]} ${counts.format(tokens[part] ?? 0)}`).join(", ");
  element.querySelector("[data-meter-said]").textContent =
    `Tokens${tokens.grade ? ` (${tokens.grade})` : ""}: ${told}; ${counts.format(Math.max(tokens.window - used, 0))} of ${counts.format(tokens.window)} are free.`;
}

export function facts(ended) {
  const told = [];
  if (ended.generated !== null) told.push(`${counts.format(ended.generated)} tokens`);
  if (ended.per_second) told.push(`${ended.per_second < 100 ? ended.per_second.toFixed(1) : counts.format(Math.round(ended.per_second))} a second`);
  if (ended.prompt && ended.cached !== null) told.push(`${counts.format(ended.cached)} of ${counts.format(ended.prompt)} prompt tokens reused`);
  const why = { window: "the window is full", max_tokens: "cut at the most tokens asked for", loop: "it said the same again and again, and was stopped", stopped: "stopped" }[ended.reason];
  return told.join(", ") + (why ? `; ${why}` : "");
}
