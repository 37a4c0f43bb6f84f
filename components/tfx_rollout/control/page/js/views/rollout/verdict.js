/* What the judge says now, and how the gates and guards of the stage stand. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { table } from "../../parts/table.js";
import { words } from "../../words.js";

export function reasons(report) {
  const { evidence } = report;
  if (!evidence) return null;
  return h(
    "section",
    { key: "verdict", "aria-labelledby": "verdict" },
    h("h2", { id: "verdict" }, report.decided_at ? "What decided" : "What the judge says"),
    h("div", { class: "verdict" }, call(evidence.call), h("ul", {}, evidence.reasons.map((reason, i) => h("li", { key: String(i), class: i ? "soft" : "first" }, reason)))),
  );
}

const SHOWN = ["good", "✓ shown"];
const NOT_YET = ["plain", "… not yet"];
const NOT_SHOWN = ["mild", "✗ not shown"];
const QUIET = ["good", "✓ quiet"];
const RAISED = ["bad", "✗ raised"];

export function checks(report) {
  const stage = report.stages.findLast((row) => row.evidence);
  if (!stage) return null;
  const { gates, guards = {} } = stage.evidence;
  const rows = [
    ...Object.entries(gates).map(([name, gate]) => ({ name, kind: "gate", stands: gate.passed ? SHOWN : report.decided_at ? NOT_SHOWN : NOT_YET, sentence: gate.sentence })),
    ...Object.entries(guards).map(([name, guard]) => ({ name, kind: "guard", stands: guard.raised ? RAISED : QUIET, sentence: guard.sentence })),
  ];
  return h(
    "section",
    { key: "checks", "aria-labelledby": "checks" },
    h("h2", { id: "checks" }, `Gates and guards of stage ${stage.stage}`),
    table(
      "Gates and guards",
      [{ name: "stands" }, { name: "gate or guard", kind: "t" }, { name: "how it stood after the last window", kind: "w" }],
      rows.map(({ name, kind, stands: [tone, told], sentence }) => ({
        key: `${kind} ${name}`,
        cells: [h("span", { class: `call ${tone}` }, told), `${words(name)} (${kind})`, sentence],
      })),
      "No gate was judged yet.",
    ),
  );
}
