// CodeMirror, with the words of the server and the look of the page.
import {
  EditorState, EditorView, Prec, PostgreSQL, SQLDialect, StandardSQL, autocompletion, acceptCompletion, bracketMatching,
  classHighlighter, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus, defaultKeymap, drawSelection,
  highlightActiveLine, highlightSelectionMatches, highlightSpecialChars, history, historyKeymap, indentLess, indentMore,
  indentOnInput, keymap, lineNumbers, lintKeymap, placeholder, search, searchKeymap, setDiagnostics, sql, syntaxHighlighting,
  syntaxTree,
} from "../vendor/codemirror.js";
import { post } from "./ask.js";
import { toCharacters, toUnits } from "./places.js";

// What is drawn as a word of the language; a column may well be named like a rarer one.
const WORDS = `add alter analyze and anti any as asc between by cache case cast cluster clustered column columns comment constraint
  copy create cross cube current delete desc describe detail distinct drop else end except exists explain extended filter first following
  for from full function group grouping having history if in inner insert intersect interval into is join last lateral left like
  ilike rlike limit location matched merge minus natural not nulls of offset on optimize or order outer over overwrite partition
  partitioned pivot preceding primary properties qualify recursive rename replace restore right rollup row rows schema select
  semi set sets show stored table tables tablesample tags tblproperties then timestamp to truncate undrop union unique unpivot unset
  update using vacuum values version view volume when where window with zorder`.replace(/\s+/g, " ");
const DATABRICKS = SQLDialect.define({
  ...StandardSQL.spec, identifierQuotes: "`", doubleQuotedStrings: true, backslashEscapes: true, keywords: WORDS,
});
const KINDS = { column: "property", table: "class", schema: "namespace", function: "function", word: "keyword" };
const QUIET = new Set(["String", "LineComment", "BlockComment", "Number"]);
const MOST_WORDS = 60;
// What stands far away says nothing about the word at the cursor.
const BEFORE = 20_000;
const AFTER = 5_000;

async function words(context) {
  const begun = context.matchBefore(/[\w`.]+$/);
  if (!context.explicit && (!begun || QUIET.has(syntaxTree(context.state).resolveInner(context.pos, -1).name))) return null;
  const start = Math.max(0, context.pos - BEFORE);
  const text = context.state.doc.sliceString(start, context.pos + AFTER);
  const told = await post("/sql/words", { text, place: toCharacters(text, context.pos - start) });
  if (context.aborted) return null;
  return {
    from: start + toUnits(text, told.from),
    options: told.words.map((word, place) => ({ label: word.text, detail: word.detail, type: KINDS[word.kind], boost: 50 - place })),
    // A list that was cut is asked for anew with every letter.
    validFor: told.words.length < MOST_WORDS ? /^[\w`]*$/ : undefined,
  };
}

// Chromium writes over a selection with the look of what stood there, as a style that this page does
// not allow; so the text goes in by CodeMirror's own way.
function overSelection(event, view) {
  const { ranges, main } = view.state.selection;
  if (event.inputType !== "insertText" || event.data === null || view.composing || ranges.length > 1 || main.empty) return false;
  event.preventDefault();
  const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((one) => one(view, main.from, main.to, event.data, insert))) view.dispatch(insert());
  return true;
}

export class Editor {
  constructor(place, { nonce, dialect, changed, moved, run, leave }) {
    this.states = new Map();
    this.shown = null;
    const act = (what) => () => { what(); return true; };
    this.extensions = [
      EditorView.cspNonce.of(nonce),
      Prec.highest(keymap.of([
        { key: "Mod-Enter", run: act(run) },
        { key: "Tab", run: (view) => acceptCompletion(view) || indentMore(view), shift: indentLess },
      ])),
      lineNumbers(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(),
      closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), search(), EditorView.lineWrapping,
      autocompletion({ override: [words], icons: false, activateOnTypingDelay: 60 }),
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
      // Tab indents; Esc leaves to the button below, from where Tab leads on.
      Prec.lowest(keymap.of([{ key: "Escape", run: act(leave) }])),
      sql({ dialect: dialect === "duckdb" ? PostgreSQL : DATABRICKS, upperCaseKeywords: true }),
      syntaxHighlighting(classHighlighter),
      placeholder("SELECT …"),
      EditorView.contentAttributes.of({ "aria-label": "Statements", "aria-describedby": "sql-editor-keys", spellcheck: "false" }),
      EditorView.domEventHandlers({ beforeinput: overSelection }),
      EditorView.updateListener.of((update) => {
        if (this.opening) return;
        if (update.docChanged) changed(update.state.doc.toString());
        else if (update.selectionSet) moved();
      }),
    ];
    this.view = new EditorView({ parent: place, state: this.fresh("") });
    // What Esc closes here is not the page's affair.
    place.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
  }

  fresh(text) {
    return EditorState.create({ doc: text, extensions: this.extensions });
  }

  // Shows the text of a tab; what was undone and chosen in it is there again.
  open(id, text) {
    if (this.shown) this.states.set(this.shown, this.view.state);
    const kept = this.states.get(id);
    this.opening = true;
    if (this.shown !== id || kept?.doc.toString() !== text) {
      this.view.setState(kept && kept.doc.toString() === text ? kept : this.fresh(text));
    }
    this.opening = false;
    this.shown = id;
  }

  forget(id) {
    this.states.delete(id);
    if (this.shown === id) this.shown = null;
  }

  get text() { return this.view.state.doc.toString(); }
  get chosen() { return this.view.state.selection.main; }
  get completing() { return completionStatus(this.view.state) !== null; }
  focus() { this.view.focus(); }

  // Marks a fault from a place to another; none without.
  mark(fault) {
    const length = this.view.state.doc.length;
    const marks = fault && fault.from <= length
      ? [{ from: fault.from, to: Math.min(fault.to, length), severity: "error", message: fault.message }] : [];
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }
}
