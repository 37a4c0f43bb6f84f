/* What a change of the configuration would do: the supervisor's steps, as a dry run tells them. */
import { h } from "../dom.js";
import { sentences } from "./sentences.js";

export function plannedSteps(found) {
  if (!found.changed) return h("p", {}, "It is so already; nothing would be changed.");
  return [
    h("p", {}, found.steps.length ? "The supervisor will:" : "No server and no traffic is touched by this."),
    found.steps.length > 0 &&
      h("ol", { class: "steps" }, found.steps.map(({ kind, words }) => h("li", { class: kind === "stuck" ? "bad" : null }, words))),
  ];
}

/* How the configuration is now, at a conflict. */
export const configurationNow = ({ generation, desired }) => [
  h("p", {}, `Generation ${generation}, written by ${desired.cause?.by ?? "nobody"}:`),
  h("div", {}, sentences(desired.cause?.why ?? "")),
  h(
    "p",
    { class: "soft" },
    `Versions ${desired.versions.join(", ") || "none"}; `,
    Object.entries({ ...desired.labels, ...desired.aliases })
      .map(([label, version]) => `${label} is ${version}`)
      .join(", ") || "no labels",
    ".",
  ),
];
