/* The evidence, metric by metric and test by test. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { table } from "../../parts/table.js";
import { digits, evidence, integer, ms, percent, words } from "../../words.js";

const STRONGEST = 4; // so many tests of a metric are shown, those with the most evidence

export function evidenceTable(report) {
  const found = report.evidence;
  if (!found) return null;
  const rows = Object.entries(found.metrics).flatMap(([name, metric]) => [
    {
      key: name,
      cells: [
        [h("b", {}, words(name)), found.flagged.includes(name) && [" ", call("failed", "to blame")]],
        h("data", { value: metric.e_value }, evidence(metric.e_value)),
        percent(metric.weight),
        evidence(metric.weight * metric.e_value),
        `${integer(metric.raised_in)} of ${integer(metric.windows)} windows raised it`,
      ],
    },
    ...[...metric.tests]
      .sort((one, other) => other.e_value - one.e_value)
      .slice(0, STRONGEST)
      .map((test) => ({ key: `${name} ${test.name}`, cells: [h("span", { class: "indent" }, words(test.name)), evidence(test.e_value), "", "", compared(test)] })),
  ]);
  rows.push({
    key: "all",
    cells: [h("b", {}, "all together"), "", "", h("data", { value: found.e_value }, h("b", {}, evidence(found.e_value))), `${found.e_value >= report.threshold ? "at or above" : "below"} the ${digits(report.threshold)} from which on it is not tolerated`],
  });
  return h(
    "section",
    { key: "evidence", "aria-labelledby": "evidence" },
    h("h2", { id: "evidence" }, report.decided_at ? "Evidence at the decision" : "Evidence so far"),
    table(
      "Evidence by metric and test",
      [{ name: "metric, test", kind: "t" }, { name: "evidence", kind: "n", told: "evidence" }, { name: "weight", kind: "n", told: "weight" }, { name: "part of all", kind: "n", told: "part" }, { name: "what was compared", kind: "w" }],
      rows,
      "",
    ),
  );
}

/* What one test compared: bad events of the two tracks, and from which latency on an answer was slow. */
function compared(test) {
  const [canaryBad, canary, stableBad, stable] = test.counts;
  const side = (name, bad, total) => {
    const limit = test[`${name}_limit_ms`];
    return total ? `${name} ${integer(bad)} of ${integer(total)}${limit ? ` slower than ${ms(limit)}` : ""} (${percent(bad / total)})` : null;
  };
  const odds = test.odds_ratio && `odds ratio ${digits(test.odds_ratio[0])} ${test.odds_ratio[1] == null ? "or more" : `to ${digits(test.odds_ratio[1])}`}`;
  return [side("stable", stableBad, stable), side("canary", canaryBad, canary), odds].filter(Boolean).join(", ") || "nothing to compare";
}
