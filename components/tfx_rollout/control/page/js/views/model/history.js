/* What was desired when, by whom, and when it came in force. */
import { h } from "../../dom.js";
import { sentences } from "../../parts/sentences.js";
import { table } from "../../parts/table.js";
import { moment } from "../../parts/time.js";
import { percent, short } from "../../words.js";

export function historyTable(found) {
  if (!found) return h("p", { class: "note" }, "Loading …");
  if (found.problem) return h("p", { class: "notice bad" }, found.problem.message);
  return [
    table(
      "Generations of the configuration",
      [{ name: "generation", kind: "t" }, { name: "wanted at (UTC)", kind: "t" }, { name: "in force at", kind: "t", told: "in force" }, { name: "what", kind: "m" }, { name: "by", told: "by" }, { name: "why", kind: "w" }],
      rows(found.events),
      "Nothing was asked for yet.",
    ),
    found.total > found.events.length && h("p", { class: "note" }, `From the newest ${found.events.length} of ${found.total} entries; the command tfx-rollout history tells all.`),
  ];
}

function rows(events) {
  const applied = new Map(events.filter(({ event }) => event === "applied").map(({ generation, at }) => [generation, at]));
  return events
    .filter(({ event }) => event !== "applied")
    .map((event) =>
      event.event === "removed"
        ? { key: `removed ${event.version}`, cells: ["–", moment(event.at), "–", `version ${event.version} was removed for good`, "", event.digest ? `digest ${short(event.digest)}` : ""] }
        : { key: String(event.generation), cells: [h("b", {}, String(event.generation)), moment(event.at), moment(applied.get(event.generation)), what(event), event.cause?.by ?? "", sentences(event.cause?.why ?? "")] },
    );
}

function what({ labels = {}, aliases = {}, pinned = [], split = {} }) {
  const names = Object.entries({ ...labels, ...aliases }).map(([label, version]) => `${label} ${version}`);
  const shares = Object.entries(split).filter(([, units]) => typeof units === "number" && units > 0);
  return [
    names.join(", ") || "no labels",
    pinned.length > 0 && `, pinned ${pinned.join(", ")}`,
    shares.length > 0 && h("p", { class: "soft" }, shares.map(([track, units]) => `${track} ${percent(units / 10_000)}`).join(", ")),
  ];
}
