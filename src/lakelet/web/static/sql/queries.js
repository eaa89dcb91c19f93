// Queries that are kept as files of the workspace.
import { get, post } from "./ask.js";
import { ago, make, question } from "./dom.js";
import { searched } from "./side.js";

const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

const LONG = 120;

// What does the same in a terminal; a long text is one for its standard input.
function command({ do: what, name, text, over, new: other }) {
  const words = { save: [name, text?.length > LONG ? "-" : text], rename: [name, other], delete: [name] }[what];
  return ["lakelet queries", `--${what}`, ...words.map(quoted), ...(over ? ["--over"] : [])].join(" ");
}

const change = (asked) => post("/sql/queries", asked);

export class Queries {
  constructor(side, { open, hear, renamed }) {
    Object.assign(this, { side, open, hear, renamed });
    this.list = null;
  }

  async ask(letters) {
    return (await get(`/sql/queries?${new URLSearchParams({ letters })}`)).queries;
  }

  show() {
    this.list = searched("Search queries", (letters) => this.ask(letters), (one) => this.row(one), "No query is kept yet: Save… keeps the one of this tab.");
    this.side.open("queries", "Queries", ...this.list.inside);
  }

  row(one) {
    return make("li", { class: "sql-past" },
      make("button", { type: "button", class: "sql-name", title: "Open", onclick: () => this.open(one) }, one.name),
      make("span", { class: "small mono sql-first" }, one.text.trim().split("\n")[0].slice(0, 80)),
      make("span", { class: "sql-buttons" },
        make("span", { class: "small mute" }, ago(new Date(one.changed))),
        make("button", { type: "button", class: "button plain sql-right", "aria-label": `Rename ${one.name}`, onclick: () => this.rename(one) }, "Rename"),
        make("button", { type: "button", class: "button plain", "aria-label": `Delete ${one.name}`, onclick: () => this.remove(one) }, "Delete")));
  }

  async act(asked, said) {
    try {
      await change(asked);
      this.hear(`${said} As a command: ${command(asked)}`);
    } catch (error) {
      this.hear([error.message, error.hint].filter(Boolean).join(" "), true);
      return false;
    }
    if (this.side.shown === "queries") this.list.fill();
    return true;
  }

  // The name under which it is kept, or null where it is not.
  async save(tab, text) {
    const name = await question("Under which name is it kept?", { value: tab.query ?? tab.name, yes: "Save" });
    if (!name) return null;
    let over = false;
    if ((await this.ask("")).some((one) => one.name === name)) {
      over = await question(`“${name}” is there already. Save over it?`, { yes: "Save over it" });
      if (!over) return null;
    }
    return (await this.act({ do: "save", name, text, over: Boolean(over) }, `“${name}” is kept.`)) ? name : null;
  }

  async rename(one) {
    const name = await question(`Which name does “${one.name}” get?`, { value: one.name, yes: "Rename" });
    if (!name || name === one.name) return;
    if (await this.act({ do: "rename", name: one.name, new: name }, `“${one.name}” is now “${name}”.`)) this.renamed(one.name, name);
  }

  async remove(one) {
    if (!(await question(`Delete “${one.name}”? Its file is gone then.`, { yes: "Delete" }))) return;
    await this.act({ do: "delete", name: one.name }, `“${one.name}” is deleted.`);
  }
}
