// The palette: Ctrl+K opens it, letters narrow it, arrows choose, Enter goes there.
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");
let asked = 0;

function choose(row) {
  for (const one of list.children) one.setAttribute("aria-selected", String(one === row));
  input.setAttribute("aria-activedescendant", row?.id ?? "");
  row?.scrollIntoView({ block: "nearest" });
}

async function show() {
  const mine = ++asked;
  const answer = await fetch(`/palette.json?${new URLSearchParams({ letters: input.value })}`);
  const { entries } = await answer.json();
  if (mine !== asked) return; // letters were typed meanwhile
  list.replaceChildren(...entries.map((entry, number) => {
    const row = Object.assign(document.createElement("li"), { id: `palette-${number}` });
    row.setAttribute("role", "option");
    row.dataset.address = entry.address;
    row.append(
      Object.assign(document.createElement("span"), { className: entry.kind === "table" ? "what mono" : "what", textContent: entry.text }),
      Object.assign(document.createElement("span"), { className: "small mute", textContent: entry.kind }),
    );
    return row;
  }));
  dialog.querySelector("[role=status]").textContent = entries.length ? `${entries.length} found` : "Nothing is called so.";
  choose(list.firstElementChild);
}

function go(row) {
  if (row) location.assign(row.dataset.address);
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) return dialog.close();
      dialog.showModal();
      input.select();
      show();
    }
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const now = list.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown") choose(now?.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") choose(now?.previousElementSibling ?? list.lastElementChild);
    else if (event.key === "Enter") go(now);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => go(event.target.closest("li")));
}
