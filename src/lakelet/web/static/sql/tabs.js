// The tabs, kept by the browser for the next time. Each is kept under a key of its own, so that two
// windows of one page lose nothing of one another; what another window changes is taken over.
const FIELDS = { name: "", text: "", order: 0, params: {}, run: null, ran: null, view: null, chart: null, query: null };

export class Tabs {
  constructor(workspace, changed) {
    this.prefix = `lakelet-sql:${workspace}:`;
    this.changed = changed;
    this.closed = [];
    this.list = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => this.read(key.slice(this.prefix.length)))
      .filter(Boolean);
    this.sort();
    if (!this.list.length) this.make({});
    const last = sessionStorage.getItem(this.prefix) ?? "";
    this.current = this.list.find((tab) => tab.id === last) ?? this.list[0];
    addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.prefix)) this.takeOver(event.key.slice(this.prefix.length));
    });
  }

  read(id) {
    try {
      const found = JSON.parse(localStorage.getItem(this.prefix + id));
      return found && { ...FIELDS, ...found, id };
    } catch {
      return null;
    }
  }

  sort() {
    this.list.sort((one, other) => one.order - other.order);
  }

  takeOver(id) {
    const now = this.list.find((tab) => tab.id === id);
    const found = this.read(id);
    if (now && found) Object.assign(now, found);
    else if (found) this.list.push(found);
    else if (now && now !== this.current) this.list.splice(this.list.indexOf(now), 1);
    this.sort();
    this.changed(now === this.current ? "text" : "list");
  }

  // False where the browser keeps no more: the tab is there until the page is left.
  keep(tab) {
    const { id, ...kept } = tab;
    try {
      localStorage.setItem(this.prefix + id, JSON.stringify(kept));
      return true;
    } catch {
      return false;
    }
  }

  make(fields) {
    const taken = new Set(this.list.map((tab) => tab.name));
    let number = 1;
    while (taken.has(`Query ${number}`)) number += 1;
    const order = Math.max(0, ...this.list.map((tab) => tab.order)) + 1;
    const tab = { ...FIELDS, name: `Query ${number}`, ...fields, order, id: crypto.randomUUID() };
    this.list.push(tab);
    this.keep(tab);
    return tab;
  }

  add(fields = {}) {
    this.choose(this.make(fields));
  }

  choose(tab) {
    this.current = tab;
    sessionStorage.setItem(this.prefix, tab.id);
    this.changed("current");
  }

  change(tab, fields) {
    Object.assign(tab, fields);
    const kept = this.keep(tab);
    if ("name" in fields) this.changed("list");
    return kept;
  }

  close(tab) {
    const at = this.list.indexOf(tab);
    this.list.splice(at, 1);
    localStorage.removeItem(this.prefix + tab.id);
    if (tab.text.trim()) this.closed.push(tab);
    if (!this.list.length) this.make({});
    if (this.current === tab) this.choose(this.list[Math.max(0, at - 1)]);
    else this.changed("list");
  }

  reopen() {
    const tab = this.closed.pop();
    if (!tab) return;
    this.list.push(tab);
    this.sort();
    this.keep(tab);
    this.choose(tab);
  }
}
