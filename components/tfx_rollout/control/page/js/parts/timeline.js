/* The stages of a rollout: where it has been, where it is, what is left. */
import { h } from "../dom.js";
import { duration, now, percent, plural, words } from "../words.js";
import { stageName } from "./stage_name.js";
import { until } from "./time.js";

const SIGN = { done: "✓", now: "●", left: "", stopped: "✗" };
const SAID = { done: "passed", now: "now", left: "to come", stopped: "turned back here" };

/* `report` has the plan and the stages so far; `rollout` how it stands. */
export function timeline(rollout, report) {
  const stages = report.plan_document.stages;
  const opened = new Map(report.stages.map((row) => [row.stage, row]));
  const back = rollout.outcome === "rolled_back" || rollout.outcome === "failed" || rollout.phase.endsWith("_back");
  return h(
    "ol",
    { class: "timeline", "aria-label": "Stages" },
    stages.map((stage, i) => {
      const number = i + 1;
      const row = opened.get(number);
      const state = stateOf(rollout, number, row, back);
      return h(
        "li",
        { key: String(number), class: state, "aria-current": state === "now" ? "step" : null },
        h("span", { class: "node", "aria-hidden": "true" }, SIGN[state] || String(number)),
        h("div", {}, h("b", {}, stageName(stage)), h("span", { class: "hidden" }, ` ${SAID[state]}`), h("p", { class: "soft" }, told(rollout, stage, row, state))),
      );
    }),
    end(rollout, back),
  );
}

function stateOf(rollout, number, row, back) {
  if (number < rollout.stage || rollout.phase === "promoting" || rollout.outcome === "promoted") return "done";
  if (number > rollout.stage) return "left";
  if (back) return row ? "stopped" : "left";
  return rollout.passed ? "done" : "now";
}

function told(rollout, stage, row, state) {
  if (!row) {
    if (state === "done") return "skipped";
    if (state === "now") return "comes in force";
    return `at least ${duration(stage.min_seconds)}`;
  }
  const windows = plural(row.windows, "window");
  if (row.seconds != null) return `${duration(row.seconds)}, ${windows}`;
  if (state !== "now") return windows;
  const lasted = now() - row.in_force_at;
  const left = stage.min_seconds - lasted;
  return [
    `${duration(lasted)}, ${windows}; `,
    rollout.phase === "paused"
      ? "paused"
      : left > 0
        ? ["passes no sooner than ", until(row.in_force_at + stage.min_seconds)]
        : ["undecided ", until(row.in_force_at + stage.max_seconds), `: ${words(stage.on_inconclusive)}`],
  ];
}

function end(rollout, back) {
  const won = rollout.outcome === "promoted" || rollout.outcome === "first_version";
  const state = won ? "done" : back ? "left" : rollout.passed ? "now" : "left";
  return h(
    "li",
    { key: "end", class: `${state} end`, "aria-current": state === "now" ? "step" : null },
    h("span", { class: "node", "aria-hidden": "true" }, won ? "✓" : "⚑"),
    h(
      "div",
      {},
      h("b", {}, back ? "not live" : "live"),
      h("p", { class: "soft" }, won ? "for everybody" : back ? "it was turned back" : rollout.deadline != null ? ["the plan decides ", until(rollout.deadline)] : rollout.passed ? "all stages have passed" : "when all stages have passed"),
    ),
  );
}

/* Where it is, in words. */
export const stageInWords = ({ stage, stages, share }) => (stage ? `stage ${stage} of ${stages}, ${percent(share)} of the traffic` : stages ? `before the first of ${plural(stages, "stage")}` : "");

/* The same in one line, from how it stands alone. */
export const progress = (rollout) =>
  h(
    "ol",
    { class: "dots", "aria-label": `Stage ${rollout.stage} of ${rollout.stages}` },
    Array.from({ length: rollout.stages }, (_, i) =>
      h("li", { key: String(i), class: i + 1 < rollout.stage || rollout.passed ? "done" : i + 1 === rollout.stage ? "now" : "left", "aria-hidden": "true" }),
    ),
  );
