/* The evidence against a candidate on a logarithmic scale: where it is, and the line that it must not reach. */
import { h } from "../dom.js";
import { digits, evidence } from "../words.js";

const LEAST = 0.1;

/* `heading`: what it is is said above it already. */
export function evidenceMeter(found, threshold, heading = false) {
  const most = threshold * 4;
  const at = (value) => Math.min(1, Math.max(0, Math.log(value / LEAST) / Math.log(most / LEAST)));
  const said = found == null ? (heading ? "None yet" : "No evidence against it yet") : `${heading ? "" : "Evidence against it: "}${evidence(found)}`;
  const limit = `rolled back from ${digits(threshold)} on`;
  const over = found != null && found >= threshold;
  return h(
    "div",
    { class: "meter" },
    h(
      "div",
      { class: "scale", role: "img", "aria-label": `${said}, on a logarithmic scale; ${limit}` },
      h("span", { class: over ? "fill over" : "fill", vars: { at: found == null ? 0 : at(Math.max(found, LEAST)) } }),
      h("span", { class: "even", vars: { at: at(1) } }),
      h("span", { class: "limit", vars: { at: at(threshold) } }),
    ),
    h("p", { class: "soft", "aria-hidden": "true" }, h("span", { class: "ink" }, said), over ? h("b", { class: "bad" }, " ✗ not tolerated") : `; ${limit}`),
  );
}
