/* All versions: what each one is called, where it is loaded, and its share. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { section } from "../../parts/section.js";
import { sharePair } from "../../parts/shares.js";
import { table } from "../../parts/table.js";
import { age } from "../../parts/time.js";
import { versionDialog } from "../../parts/version_dialog.js";
import { short } from "../../words.js";

const COLUMNS = [
  { name: "version" },
  { name: "labels" },
  { name: "share in force" },
  { name: "servers" },
  { name: "published", kind: "t", told: "published" },
  { name: "digest", kind: "t", told: "digest" },
];

const SHOWN = 12; // versions that are not held, at first

export class VersionsSection {
  #app;
  #all = false;

  constructor(app) {
    this.#app = app;
  }

  /* `overview()` gives the model as the page shows it at any moment. */
  show(overview) {
    const { versions } = overview();
    const newest = versions.filter((one, i) => i < SHOWN || one.held);
    const turn = () => {
      this.#all = !this.#all;
      this.#app.update();
    };
    const more = newest.length < versions.length && h("button", { type: "button", class: "small", "aria-expanded": String(this.#all), on: { click: turn } }, this.#all ? "Only the newest" : `All ${versions.length} versions`);
    return section("versions", "Versions", more, versionsTable(overview, this.#all ? versions : newest));
  }
}

const versionsTable = (overview, versions) =>
  table(
    "Versions",
    COLUMNS,
    versions.map((version) => ({
      key: String(version.version),
      current: version.labels.includes("stable"),
      cells: [
        h("button", { type: "button", class: "version", "aria-label": `Version ${version.version}: details and actions`, on: { click: () => versionDialog(overview, version.version) } }, String(version.version)),
        names(version),
        sharePair(version.desired_share, version.share, trackOf(version)),
        servers(version),
        age(version.published_at),
        version.digest ? h("code", { title: version.digest }, short(version.digest)) : "–",
      ],
    })),
    "There is no version yet.",
  );

const trackOf = ({ labels }) => labels.find((label) => label !== "previous") ?? "pinned";

function names({ labels, aliases, pinned }) {
  const found = [
    ...labels.map((label) => h("span", { key: label, class: `label ${label}` }, label)),
    ...aliases.map((alias) => h("span", { key: `alias ${alias}`, class: "label alias" }, h("span", { class: "hidden" }, "alias "), alias)),
    pinned && h("span", { key: "pinned", class: "label pin" }, "pinned"),
  ].filter(Boolean);
  return found.length ? h("div", { class: "labels" }, found) : h("span", { class: "soft" }, "–");
}

function servers({ servers: found, held }) {
  if (!found.length) return h("span", { class: held ? "mild" : "soft" }, held ? "not loaded yet" : "not loaded");
  return h("ul", { class: "plain-list" }, found.map(({ server, state, error }) => h("li", { key: server }, call(error ? "fault" : state), " ", h("span", { class: "soft" }, server), error && h("p", { class: "bad" }, error))));
}
