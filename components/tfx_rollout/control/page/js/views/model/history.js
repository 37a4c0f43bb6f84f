/* What was desired when, by whom, and when it was in force. */
import { h } from "../../dom.js";
import { table } from "../../parts/table.js";
import { moment } from "../../parts/time.js";
import { percent, short } from "../../words.js";

export function historyTable(found) {
  if (!found) return h("p", { class: "note" }, "Loading …");
  if (found.problem) return h("p", { class: "notice bad" }, found.problem.message);
  return [
    table(
      "Generations of the configuration",
      [{ name: "at (UTC)", kind: "t" }, { name: "event", kind: "t" }, { name: "what", kind: "t" }, { name: "by", told: "by" }, { name: "why", kind: "w" }],
      found.events.map((event, i) => ({ key: `${event.event} ${event.generation ?? event.version} ${event.at} ${i}`, cells: cells(event) })),
      "Nothing was asked for yet.",
    ),
    found.total > found.events.length && h("p", { class: "note" }, `The newest ${found.events.length} of ${found.total}; the command tfx-rollout history tells all.`),
  ];
}

function cells(event) {
  if (event.event === "applied") return [moment(event.at), "in force", `generation ${event.generation}`, "", ""];
  if (event.event === "removed") return [moment(event.at), "removed", `version ${event.version}`, "", event.digest ? `digest ${short(event.digest)}` : ""];
  const labels = Object.entries(event.labels ?? {}).map(([label, version]) => `${label} ${version}`);
  return [moment(event.at), event.event, [h("b", {}, `generation ${event.generation}`), labels.length > 0 && h("span", { class: "soft" }, ` ${labels.join(", ")}${share(event)}`)], event.cause?.by ?? "", event.cause?.why ?? ""];
}

function share({ split }) {
  const parts = Object.entries(split ?? {}).filter(([, units]) => typeof units === "number" && units > 0);
  return parts.length ? `; ${parts.map(([track, units]) => `${track} ${percent(units / 10_000)}`).join(", ")}` : "";
}
