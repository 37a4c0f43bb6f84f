/* A plan as a text to be written, with the faults that the server finds in it, each at its field. */
import { change } from "../api.js";
import { h } from "../dom.js";
import { redrawDialog } from "./dialog.js";
import { placeOf } from "./json_places.js";

const PAUSE = 400; // ms without a key before it is asked

export class PlanField {
  document = null; // as written, when it is JSON
  faults = [];
  state = "unchecked"; // or "checking", "good", "faulty"
  #label;
  #check;
  #text = "";
  #field = null;
  #timer = 0;
  #asked = 0;

  /* `check`: the address that says what is wrong with a plan. */
  constructor(label, check) {
    this.#label = label;
    this.#check = check;
  }

  /* Put another text there. */
  set(document) {
    this.#text = JSON.stringify(document, null, 2);
    if (this.#field) this.#field.value = this.#text;
    return this.ask();
  }

  async ask() {
    const asked = ++this.#asked;
    this.document = null;
    try {
      this.document = JSON.parse(this.#text);
    } catch (error) {
      this.#found("faulty", [{ field: "", reason: `This is no JSON yet: ${error.message}` }]);
      return;
    }
    this.#found("checking", this.faults);
    try {
      await change("POST", this.#check, { body: this.document });
      if (asked === this.#asked) this.#found("good", []);
    } catch (problem) {
      const faults = problem.errors?.length ? problem.errors : [{ field: "", reason: problem.message }];
      if (asked === this.#asked) this.#found("faulty", faults);
    }
  }

  #found(state, faults) {
    Object.assign(this, { state, faults });
    redrawDialog();
  }

  show() {
    const input = (event) => {
      this.#text = event.target.value;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.ask(), PAUSE);
    };
    const made = (field) => {
      this.#field = field;
      return () => (this.#field = null);
    };
    return h(
      "div",
      { key: "plan-field", class: "field" },
      h("label", { for: "plan-text" }, this.#label),
      h("textarea", {
        id: "plan-text",
        class: "code",
        rows: "14",
        spellcheck: "false",
        autocapitalize: "off",
        "aria-describedby": "plan-faults",
        "aria-invalid": this.state === "faulty" ? "true" : null,
        value: this.#text,
        made,
        on: { input },
      }),
      h(
        "div",
        { id: "plan-faults", class: `check-result ${this.state}`, "aria-live": "polite" },
        this.state === "good" && h("p", { class: "good" }, "✓ The plan is valid."),
        this.state === "checking" && !this.faults.length && h("p", { class: "soft" }, "Checking …"),
        this.faults.length > 0 && h("ul", { class: "faults" }, this.faults.map((fault) => this.#fault(fault))),
      ),
    );
  }

  #fault({ field, reason }) {
    const name = field.replace(/^(body\.)?(plan\.)?/, "");
    const found = name && placeOf(this.#text, name);
    if (!found) return h("li", { key: field + reason }, name && h("code", {}, name), " ", reason);
    const line = this.#text.slice(0, found[0]).split("\n").length;
    return h(
      "li",
      { key: field + reason },
      h("button", { type: "button", class: "as-link", on: { click: () => this.#select(found, line) } }, `line ${line}: `, h("code", {}, name)),
      " ",
      reason,
    );
  }

  #select([from, to], line) {
    const field = this.#field;
    field.focus();
    field.setSelectionRange(from, to);
    const height = parseFloat(getComputedStyle(field).lineHeight);
    field.scrollTop = Math.max(0, (line - 4) * height);
  }
}
