// The keyboard: `/` search, `g` and a letter for a room, `j` and `k` in lists, Esc closes.
const rooms = { h: "/", i: "/inbox", t: "/tables", p: "/pipelines", q: "/sql", r: "/runs", m: "/models", c: "/chat", f: "/files" };
let leading = false;

// A command that ends while it is looked at has changed what stands around it.
const begun = document.querySelector(".begun");
let running = false;
if (begun) {
  new MutationObserver(() => {
    const state = begun.querySelector("[data-command]")?.dataset.command;
    if (running && state && state !== "running") location.reload();
    running = state === "running";
  }).observe(begun, { childList: true, subtree: true });
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]");
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-rows] tr[data-href], [data-rows] li[data-href]")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
  rows[now]?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    document.activeElement?.blur();
    document.querySelectorAll("details.pop[open]").forEach((one) => one.removeAttribute("open"));
    document.getElementById("keys")?.close();
    return;
  }
  if (typing(event.target)) return;
  if (leading) {
    leading = false;
    const room = document.querySelector(`[data-room="${rooms[event.key] ?? ""}"]`);
    if (room) location.assign(room.href);
    return;
  }
  if (event.key === "g") {
    leading = true;
    setTimeout(() => { leading = false; }, 1200);
  } else if (event.key === "/") {
    event.preventDefault();
    document.querySelector("#search")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  } else if (event.key === "Enter") {
    const row = document.querySelector("[data-rows] [aria-selected='true']");
    if (row) location.assign(row.dataset.href);
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal();
  }
});

document.addEventListener("click", async (event) => {
  const open = document.querySelector("details.pop[open]");
  // A menu closes beside it, and when something in it is chosen; what is filled in stays open.
  if (open && (!open.contains(event.target) || event.target.closest(".sql-item"))) open.removeAttribute("open");
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy);
    const said = copy.textContent;
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = said; }, 1200);
  }
});
