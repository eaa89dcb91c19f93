// Files chosen, or dropped on the page, go into the folder piece by piece; what was cut off goes on.
const place = document.querySelector("[data-upload]");
const PIECE = 16 << 20;
const tries = 5;
const came = [];

function row(file) {
  const line = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { className: "what mono", textContent: file.name });
  const said = Object.assign(document.createElement("span"), { className: "small mute", textContent: "waiting" });
  const bar = Object.assign(document.createElement("progress"), { max: Math.max(file.size, 1), value: 0 });
  bar.setAttribute("aria-label", `How much of ${file.name} has come`);
  line.append(name, bar, said);
  place.querySelector("[data-upload-list]").append(line);
  return { bar, said };
}

async function ask(path, file, more, body) {
  const query = new URLSearchParams({ folder: place.dataset.upload, name: file.name, size: file.size, modified: file.lastModified, ...more });
  const answer = await fetch(`${path}?${query}`, { method: "POST", headers: { "x-lakelet-token": place.dataset.token }, body });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error([told.error.message, told.error.hint].filter(Boolean).join(" ")), { status: answer.status });
  return told;
}

async function send(file) {
  const { bar, said } = row(file);
  let failed = 0;
  for (;;) {
    try {
      let told = await ask("/uploads", file, {});
      do {
        bar.value = told.come;
        said.textContent = `${Math.floor((100 * told.come) / Math.max(file.size, 1))} %`;
        told = await ask("/uploads/piece", file, { offset: told.come }, file.slice(told.come, told.come + PIECE));
        failed = 0;
      } while (told.path === null);
      bar.value = bar.max;
      const called = told.path.slice(told.path.lastIndexOf("/") + 1).replace(/^files:/, "");
      said.replaceChildren(Object.assign(document.createElement("a"), { href: `/file?${new URLSearchParams({ path: told.path })}`, textContent: called === file.name ? "there" : `kept as ${called}` }));
      return told.path;
    } catch (error) {
      // A server that is started anew, or a line that was cut: it goes on from what has come.
      if (error.status === undefined && ++failed < tries) {
        said.textContent = "cut off; trying again";
        await new Promise((later) => setTimeout(later, 500 * 2 ** failed));
        continue;
      }
      said.className = "small bad";
      said.textContent = error.status === undefined ? "cut off: choose the file again, and it goes on" : error.message;
      return null;
    }
  }
}

// A page that is left ends what is coming; the browser asks before.
function warn(event) { event.preventDefault(); }

// The list of the folder as it is now.
async function showEntries() {
  const found = await fetch(location.href, { headers: { accept: "text/html" } });
  const there = document.querySelector("[data-entries]");
  if (!found.ok || !there) return;
  const now = new DOMParser().parseFromString(await found.text(), "text/html").querySelector("[data-entries]");
  if (now) there.replaceWith(document.adoptNode(now));
}

async function all(files) {
  const said = place.querySelector("[data-upload-said]");
  said.textContent = `${files.length} ${files.length === 1 ? "file is" : "files are"} coming`;
  const paths = [];
  addEventListener("beforeunload", warn);
  for (const file of files) {
    const path = await send(file);
    if (path) paths.push(path);
  }
  removeEventListener("beforeunload", warn);
  came.push(...paths);
  showEntries();
  said.textContent = `${paths.length} of ${files.length} ${files.length === 1 ? "file is" : "files are"} there.`;
  // Of one file the next page is about it alone; a load of several is one of their folder.
  const next = place.querySelector("[data-upload-next]");
  next.hidden = came.length === 0;
  if (came.length === 1) next.href = `/load?${new URLSearchParams({ source: came[0] })}`;
  else next.href = next.dataset.all;
  next.textContent = came.length === 1 ? "Load it into a table…" : "Load all of this folder into a table…";
}

if (place) {
  const input = place.querySelector("input[type=file]");
  input.addEventListener("change", () => { all([...input.files]); });
  const over = (on) => (event) => { event.preventDefault(); place.classList.toggle("over", on); };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    const files = [...(event.dataTransfer?.items ?? [])].filter((one) => one.kind === "file" && !one.webkitGetAsEntry?.()?.isDirectory).map((one) => one.getAsFile());
    if (files.length) all(files);
  });
}
