// One thing that was said, drawn as it comes. A model's text is Markdown; HTML in it stays text, and
// pictures are not fetched.
import { MarkdownIt } from "../vendor/markdown.js";
import { make } from "../make.js";

const markdown = new MarkdownIt({ html: false, linkify: false }).disable("image");
markdown.renderer.rules.link_open = (tokens, at, options, _env, self) => {
  tokens[at].attrSet("rel", "noopener noreferrer");
  tokens[at].attrSet("target", "_blank");
  return self.renderToken(tokens, at, options);
};

// Where a column stands is told in styles of elements, which pages may not have.
for (const rule of ["th_open", "td_open"]) {
  markdown.renderer.rules[rule] = (tokens, at, options, _env, self) => {
    tokens[at].attrs = null;
    return self.renderToken(tokens, at, options);
  };
}

export function drawMarkdown(element, text) {
  element.dataset.source = text;
  element.innerHTML = markdown.render(text);
}

// What stands on the page already: the server writes texts as they are.
export function drawAll(inside) {
  for (const one of inside.querySelectorAll("[data-markdown]")) drawMarkdown(one, one.textContent);
}

export class Saying {
  constructor(role, number, text = "") {
    this.text = text;
    this.thought = "";
    this.waiting = false;
    this.shown = make("div", { class: "chat-text" }, text);
    this.thoughtShown = make("div", { class: "chat-text mute" });
    this.thinking = make("details", { class: "chat-thought", hidden: true, open: true },
      make("summary", { class: "small mute" }, "What it thought"), this.thoughtShown);
    this.notes = make("div", { class: "small" });
    this.facts = make("span", { "data-facts": true });
    this.acts = make("span", { class: "chat-acts" });
    this.element = make("article", { class: `chat-said ${role}`, "data-number": number, "aria-label": role === "user" ? "You" : "The model" },
      this.thinking, this.shown, this.notes, make("footer", { class: "chat-foot small mute" }, this.facts, this.acts));
  }

  come(text, thought, drawn) {
    this.text += text;
    this.thought += thought;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.draw(); drawn(); });
  }

  draw() {
    this.waiting = false;
    if (this.thought) {
      this.thinking.hidden = false;
      this.thoughtShown.textContent = this.thought.trim();
    }
    if (this.text && this.thinking.open) this.thinking.open = false;
    drawMarkdown(this.shown, this.text);
  }

  note(text, kind) {
    if (text) this.notes.append(make("p", { class: kind }, text));
  }
}
