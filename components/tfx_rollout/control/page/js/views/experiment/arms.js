/* The arms of an A/B test side by side: who came, what became of it, and what is proven. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { trackName } from "../../parts/shares.js";
import { table } from "../../parts/table.js";
import { digits, evidence, integer, percent } from "../../words.js";

export function armsTable(report) {
  const number = report.metric.kind === "number";
  const value = (found) => (found == null ? "–" : number ? digits(found) : percent(found));
  const bound = (found) => (found == null ? "∞" : digits(found));
  const interval = (arm) => (arm.estimate == null ? "–" : `${digits(arm.estimate)} (${arm.low == null ? (number ? "−∞" : "0") : digits(arm.low)} to ${bound(arm.high)})`);
  return h(
    "section",
    { key: "arms", "aria-labelledby": "arms" },
    h("h2", { id: "arms" }, "Arms"),
    table(
      "Arms",
      [
        { name: "arm", kind: "t" },
        { name: "version", kind: "n", told: "version" },
        { name: "state" },
        { name: "share", kind: "n", told: "share" },
        { name: "users", kind: "n", told: "users" },
        { name: "outcomes", kind: "n", told: "outcomes" },
        { name: report.metric.name, kind: "n", told: report.metric.name },
        { name: report.effect === "difference" ? "difference" : "odds ratio", kind: "n", told: report.effect === "difference" ? "difference" : "odds ratio" },
        { name: "better", kind: "n", told: "evidence better" },
        { name: "worse", kind: "n", told: "evidence worse" },
        { name: "harm", kind: "n", told: "harm" },
      ],
      report.arms.map((arm) => ({
        key: arm.track,
        cells: [
          trackName(arm.track),
          arm.version == null ? "–" : String(arm.version),
          call(arm.state),
          [h("data", { value: arm.share_now }, percent(arm.share_now)), arm.share_now !== arm.share && h("span", { class: "soft" }, ` (planned ${percent(arm.share)})`)],
          h("data", { value: arm.users }, integer(arm.users)),
          h("data", { value: arm.outcomes }, integer(arm.outcomes)),
          value(arm.value),
          interval(arm),
          evidence(arm.evidence_better),
          evidence(arm.evidence_worse),
          evidence(arm.harm),
        ],
      })),
      "",
    ),
    h(
      "p",
      { class: "note" },
      `Better or worse is decided from evidence ${digits(report.threshold)} (1/α) on, harm from ${digits(report.harm_threshold)} on, and by the metric not before ${integer(report.min_units)} outcomes an arm. `,
      "The interval compares with the live version and holds at every look.",
    ),
  );
}
