/* A list of the API, a page at a time, newest first. Who reads older entries stays at them while newer ones come. */
import { get } from "../api.js";
import { h } from "../dom.js";
import { integer } from "../words.js";

export class Pages {
  /* As it was read last: the API's document; null before the first time. */
  document = null;
  #app;
  #name;
  #where;
  #size;
  #before;
  #wanted = 0; // the offset that is asked for
  #shown = 0; // that of the document
  #fault = null;
  #asked = 0;

  /* `name`: what it is a list of, in words. `before`: so many entries before the page are read along with it. */
  constructor(app, name, where, size, before = 0) {
    this.#app = app;
    this.#name = name;
    this.#where = where;
    this.#size = size;
    this.#before = before;
  }

  /* Read the page anew, since there may be more. */
  async read() {
    const asked = ++this.#asked;
    try {
      const [document, offset] = await this.#at(this.#wanted, this.document?.total);
      if (asked !== this.#asked) return;
      this.document = document;
      this.#wanted = this.#shown = offset;
      this.#fault = null;
    } catch (problem) {
      if (asked !== this.#asked) return;
      this.#wanted = this.#shown;
      this.#fault = problem;
    }
    this.#app.update();
  }

  /* Entries that came meanwhile have moved the older ones on by so many. */
  async #at(offset, total) {
    const begin = Math.max(0, offset - this.#before);
    const document = await get(this.#where, { limit: this.#size + offset - begin, offset: begin });
    const come = offset && total != null ? document.total - total : 0;
    if (come > 0) return this.#at(offset + come, document.total);
    if (offset && offset >= document.total) return this.#at(this.#last(document.total), document.total);
    return [document, offset];
  }

  #last(total) {
    return Math.max(0, Math.ceil(total / this.#size) - 1) * this.#size;
  }

  async #turn(by) {
    const wanted = Math.max(0, this.#wanted + by);
    if (wanted === this.#wanted || wanted >= this.document.total) return;
    this.#wanted = wanted;
    await this.read();
    document.getElementById("said").textContent = `${this.#name} ${this.#range()}`;
  }

  #range() {
    const { total } = this.document;
    return `${integer(this.#shown + 1)} to ${integer(Math.min(total, this.#shown + this.#size))} of ${integer(total)}`;
  }

  /* How many entries of the document come before the page. */
  get lead() {
    return Math.min(this.#shown, this.#before);
  }

  /* The list: `build(document)` gives it, once there is one. */
  show(build) {
    return [
      this.#fault && h("p", { key: "fault", class: "notice bad", role: "alert" }, this.#fault.message),
      this.document ? build(this.document) : !this.#fault && h("p", { class: "note" }, "Loading …"),
    ];
  }

  /* Where in the list one is, and the way to newer and older entries; nothing where one page has all. */
  turner() {
    if (!this.document || (this.document.total <= this.#size && !this.#shown)) return null;
    const way = (text, by, none) =>
      h("button", { key: text, type: "button", class: "small", "aria-label": `${text} ${this.#name}`, "aria-disabled": none ? "true" : null, on: { click: () => this.#turn(by) } }, text);
    return h(
      "div",
      { class: "turner", role: "group", "aria-label": `Pages of ${this.#name}` },
      h("span", { class: "soft" }, this.#range()),
      way("Newer", -this.#size, this.#shown === 0),
      way("Older", this.#size, this.#shown + this.#size >= this.document.total),
    );
  }
}
