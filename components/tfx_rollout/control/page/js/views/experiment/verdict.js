/* What the judge of an A/B test says, and how its guards stand. */
import { h } from "../../dom.js";
import { table } from "../../parts/table.js";
import { evidence, digits, words } from "../../words.js";

export const reasons = (report) =>
  report.reasons.length > 0 &&
  h(
    "section",
    { key: "verdict", "aria-labelledby": "verdict" },
    h("h2", { id: "verdict" }, report.decided_at ? "What decided" : "What the judge says"),
    report.withheld && h("p", { class: "notice mild" }, "A guard is raised, so the metric decides nothing."),
    h("div", { class: "verdict" }, h("ul", {}, report.reasons.map((reason, i) => h("li", { key: String(i), class: i ? "soft" : "first" }, reason)))),
  );

export const guards = (report) =>
  report.guards.length > 0 &&
  h(
    "section",
    { key: "checks", "aria-labelledby": "checks" },
    h("h2", { id: "checks" }, "Guards"),
    table(
      "Guards",
      [{ name: "stands" }, { name: "guard", kind: "t" }, { name: "evidence", kind: "n", told: "evidence" }, { name: "how it stands", kind: "w" }],
      report.guards.map((guard) => ({
        key: guard.name,
        cells: [h("span", { class: `call ${guard.raised ? "mild" : "good"}` }, guard.raised ? "✗ raised" : "✓ quiet"), words(guard.name), `${evidence(guard.e_value)} of ${digits(guard.threshold)}`, guard.sentence],
      })),
      "",
    ),
  );
