/* Changing a model's configuration as a whole: topology, versions held, aliases. What it would do is shown while one chooses. */
import { change, get, path } from "../api.js";
import { h } from "../dom.js";
import { aliasesOf, editsInWords, holdOf, namesOf, noEdits, topologyOf, versionsOf, wantedOf } from "./configuration_edits.js";
import { problemNote, whyField } from "./confirm.js";
import { closeDialog, openDialog, redrawDialog } from "./dialog.js";
import { configurationNow, plannedSteps } from "./steps.js";
import { table } from "./table.js";
import { toast } from "./toast.js";

const PAUSE = 250; // ms without another choice before the server is asked what it would do
const NEWEST = 8; // versions that are offered though nothing holds them
const TOPOLOGIES = {
  dedicated: "a candidate is loaded in a server of its own, so that its crash or slowness never touches the live version",
  shared: "one server has all versions: it takes less memory, and keeps them less apart",
};

/* `overview()` gives the model as the page shows it at any moment. */
export function configureModel(overview) {
  const form = new ConfigurationForm(overview);
  openDialog({ title: `Configure ${overview().model}`, wide: true, show: () => form.show() });
  form.begin();
}

class ConfigurationForm {
  #overview;
  #where;
  #based = null; // the configuration that the edits are made on
  #edits = noEdits();
  #found = null; // what the dry run of these edits said
  #fault = null;
  #sending = false;
  #why = "";
  #alias = { name: "", version: null, made: 0 };
  #timer = 0;
  #asked = 0;

  constructor(overview) {
    this.#overview = overview;
    this.#where = path("models", overview().model, "configuration");
  }

  async begin() {
    try {
      this.#on(await get(this.#where));
    } catch (problem) {
      this.#fault = problem;
      redrawDialog();
    }
  }

  /* Make the edits on this configuration. */
  #on(configuration) {
    this.#based = configuration;
    this.#look();
  }

  #chosen() {
    this.#found = this.#fault = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PAUSE);
    redrawDialog();
  }

  #wanted() {
    return wantedOf(this.#based.desired, this.#edits);
  }

  get #empty() {
    return Object.keys(this.#wanted()).length === 0;
  }

  #patch(why, query) {
    return change("PATCH", this.#where, { body: { ...this.#wanted(), why }, query, match: this.#based.generation });
  }

  async #look() {
    const asked = ++this.#asked;
    const outcome = this.#empty ? { found: null, fault: null } : await this.#patch("a dry run", { dry_run: true }).then((found) => ({ found, fault: null }), (fault) => ({ found: null, fault }));
    if (asked !== this.#asked) return;
    this.#found = outcome.found;
    this.#fault = outcome.fault;
    redrawDialog();
  }

  async #send() {
    this.#sending = true;
    redrawDialog();
    try {
      const { configuration } = await this.#patch(this.#why.trim());
      closeDialog();
      toast(`Written as generation ${configuration.generation}.`);
    } catch (problem) {
      this.#found = null;
      this.#fault = problem;
      this.#sending = false;
      redrawDialog();
    }
  }

  show() {
    if (!this.#based) return this.#fault ? problemNote(this.#fault) : h("p", { class: "soft" }, "Loading …");
    const ready = this.#found?.changed && !this.#sending;
    const submit = (event) => {
      event.preventDefault();
      if (ready) this.#send();
    };
    return h(
      "form",
      { key: "configuration", on: { submit } },
      h("p", {}, "What is held loaded beside what the traffic needs, and your own names for it. Shares, and the labels stable, canary and previous, are moved by rollouts and A/B tests alone."),
      this.#topology(),
      this.#versions(),
      this.#aliases(),
      this.#outcome(),
      whyField((why) => (this.#why = why), { autofocus: false }),
      h(
        "div",
        { key: "buttons", class: "buttons end" },
        h("button", { type: "button", on: { click: closeDialog } }, "Cancel"),
        h("button", { type: "submit", class: "primary", "aria-disabled": ready ? null : "true" }, this.#sending ? "Sending …" : "Change the configuration"),
      ),
    );
  }

  #topology() {
    const now = topologyOf(this.#based.desired, this.#edits);
    const choose = (topology) => () => {
      this.#edits.topology = topology;
      this.#chosen();
    };
    return h(
      "fieldset",
      { key: "topology", class: "field" },
      h("legend", {}, "Topology"),
      Object.entries(TOPOLOGIES).map(([name, says]) =>
        h("label", { key: name, class: "check" }, h("input", { type: "radio", name: "topology", checked: name === now, on: { change: choose(name) } }), ` ${name} `, h("span", { class: "soft" }, says)),
      ),
    );
  }

  #versions() {
    const { desired } = this.#based;
    const there = this.#overview().versions.map(({ version }) => version);
    const shown = [...new Set([...versionsOf(desired, this.#edits), ...there.slice(0, NEWEST)])].sort((one, other) => other - one);
    const others = there.filter((version) => !shown.includes(version));
    const hold = (version, how) => {
      this.#edits.holds.set(version, how);
      this.#chosen();
    };
    return h(
      "div",
      { key: "versions", class: "field" },
      h("h3", {}, "Versions held loaded"),
      table(
        "Versions held loaded",
        [{ name: "version" }, { name: "names" }, { name: "held" }],
        shown.map((version) => ({ key: String(version), cells: [h("b", {}, String(version)), namesOf(desired, this.#edits, version).join(", ") || "–", this.#holdField(version, hold)] })),
        "There is no version yet.",
      ),
      others.length > 0 && h("label", { key: `another ${shown.length}`, class: "field" }, h("span", {}, "Load another version"), picker(others, "which …", (version) => hold(version, "loaded"))),
    );
  }

  #holdField(version, hold) {
    const now = holdOf(this.#based.desired, this.#edits, version);
    const named = namesOf(this.#based.desired, this.#edits, version).length > 0;
    const ways = { no: named ? "as long as it has a name" : "not loaded", ...(named ? {} : { loaded: "until the next promotion" }), pinned: "pinned: whatever comes" };
    return h(
      "select",
      { "aria-label": `How version ${version} is held`, on: { change: (event) => hold(version, event.target.value) } },
      Object.entries(ways).map(([way, words]) => h("option", { key: way, value: way, selected: way === now }, words)),
    );
  }

  #aliases() {
    const there = this.#overview().versions.map(({ version }) => version);
    const set = (name, version) => {
      this.#edits.aliases.set(name, version);
      this.#chosen();
    };
    const rows = Object.entries(aliasesOf(this.#based.desired, this.#edits)).map(([name, version]) => ({
      key: name,
      cells: [
        h("b", {}, name),
        h(
          "select",
          { "aria-label": `Version of alias ${name}`, on: { change: (event) => set(name, Number(event.target.value)) } },
          there.map((one) => h("option", { key: String(one), value: String(one), selected: one === version }, `version ${one}`)),
        ),
        h("button", { type: "button", class: "small", "aria-label": `Remove alias ${name}`, on: { click: () => set(name, null) } }, "Remove"),
      ],
    }));
    return h("div", { key: "aliases", class: "field" }, h("h3", {}, "Aliases"), table("Aliases", [{ name: "alias" }, { name: "version" }, { name: "" }], rows, "None."), this.#newAlias(there, set));
  }

  #newAlias(there, set) {
    const alias = this.#alias;
    const add = () => {
      const name = alias.name.trim();
      if (!name) return;
      set(name, alias.version ?? there[0]);
      this.#alias = { name: "", version: null, made: alias.made + 1 };
      redrawDialog();
    };
    const byKey = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it adds the alias, and does not send the form
      add();
    };
    return h(
      "div",
      { key: `new ${alias.made}`, class: "add" },
      h("input", {
        type: "text",
        placeholder: "another alias",
        "aria-label": "Another alias",
        autocomplete: "off",
        spellcheck: "false",
        made: alias.made > 0 ? (field) => queueMicrotask(() => field.focus()) : null, // who adds one may add another
        on: { input: (event) => (alias.name = event.target.value), keydown: byKey },
      }),
      picker(there, null, (version) => (alias.version = version), "Version of the other alias"),
      h("button", { type: "button", on: { click: add } }, "Add"),
    );
  }

  /* What would happen, or why it cannot. */
  #outcome() {
    const fault = this.#fault;
    if (fault) {
      const moved = fault.current && fault.current.generation !== this.#based.generation;
      const again = () => (moved ? this.#on(fault.current) : this.#look());
      return h(
        "div",
        { key: "fault" },
        problemNote(fault, configurationNow),
        fault.status !== 422 && h("div", { class: "buttons" }, h("button", { type: "button", on: { click: again } }, moved ? "Make my changes on this" : "Look again")),
      );
    }
    return h(
      "div",
      { key: "outcome", class: "outcome", role: "status" },
      this.#empty
        ? h("p", { class: "soft" }, "Nothing is chosen otherwise yet.")
        : [h("h3", {}, "What changes"), h("ul", { class: "steps" }, editsInWords(this.#based.desired, this.#edits).map((text) => h("li", { key: text }, text))), this.#found ? plannedSteps(this.#found) : h("p", { class: "soft" }, "Asking what would happen …")],
    );
  }
}

/* `none`: what is shown while none is chosen. */
const picker = (versions, none, choose, label = null) =>
  h(
    "select",
    { "aria-label": label, on: { change: (event) => event.target.value && choose(Number(event.target.value)) } },
    none && h("option", { value: "" }, none),
    versions.map((version) => h("option", { key: String(version), value: String(version) }, `version ${version}`)),
  );
