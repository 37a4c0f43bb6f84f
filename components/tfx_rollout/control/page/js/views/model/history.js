/* What was desired when, by whom, and when it came in force. */
import { h } from "../../dom.js";
import { sentences } from "../../parts/sentences.js";
import { table } from "../../parts/table.js";
import { moment } from "../../parts/time.js";
import { percent, short } from "../../words.js";

/* `lead`: so many entries, the newest, only tell when older ones came in force. */
export const historyTable = (found, lead) =>
  table(
    "Generations of the configuration",
    [{ name: "generation", kind: "t" }, { name: "wanted at (UTC)", kind: "t" }, { name: "in force at", kind: "t", told: "in force" }, { name: "what", kind: "m" }, { name: "by", told: "by" }, { name: "why", kind: "w" }],
    rows(found.events, lead),
    found.total ? "Nothing else was asked for among these entries." : "Nothing was asked for yet.",
  );

function rows(events, lead) {
  const applied = new Map(events.filter(({ event }) => event === "applied").map(({ generation, at }) => [generation, at]));
  return events
    .slice(lead)
    .filter(({ event }) => event !== "applied")
    .map((event) =>
      event.event === "removed"
        ? { key: `removed ${event.version}`, cells: ["–", moment(event.at), "–", `version ${event.version} was removed for good`, "", event.digest ? `digest ${short(event.digest)}` : ""] }
        : { key: String(event.generation), cells: [h("b", {}, String(event.generation)), moment(event.at), moment(applied.get(event.generation)), what(event), event.cause?.by ?? "", sentences(event.cause?.why ?? "")] },
    );
}

function what({ labels = {}, aliases = {}, pinned = [], split = {}, topology }) {
  const names = Object.entries({ ...labels, ...aliases }).map(([label, version]) => `${label}\u00a0${version}`);
  const shares = Object.entries(split).filter(([, units]) => typeof units === "number" && units > 0);
  return [
    names.join(", ") || "no labels",
    pinned.length > 0 && `, pinned ${pinned.join(", ")}`,
    topology === "shared" && ", one server for all",
    shares.length > 0 && h("p", { class: "soft" }, shares.map(([track, units]) => `${track} ${percent(units / 10_000)}`).join(", ")),
  ];
}
