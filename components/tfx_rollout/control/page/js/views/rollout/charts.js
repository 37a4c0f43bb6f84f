/* The course of a rollout: the charts of its report, drawn on as it goes. */
import { h } from "../../dom.js";
import { chartFigure, chartTools } from "../../parts/chart.js";
import { percent } from "../../words.js";

const TITLES = {
  share: ["Share of the traffic on the candidate", "What it was to get, and what it got of the requests in each window.", true],
  evidence: ["Evidence against the candidate", "", true],
  failures: ["Failures", "Share of each track's requests without a good answer."],
  requests: ["Requests", "Per second and track."],
  latency: ["Latency", "Half (p50), 90 % and 99 % of a track's answers took no longer than this. Logarithmic.", true],
  accuracy: ["Right predictions", "Of all predictions that had got their label by then.", true],
};

export function reportCharts(report, board) {
  const { series } = report;
  if (!series.start.length) return h("p", { class: "note" }, "No window of traffic has been judged yet, so there is nothing to draw.");
  const [first, last] = [series.start[0], series.end.at(-1)];
  board.set(first, last, Charts.marksOf(report.events, report.decided_at, last + 0.25 * (last - first)));
  const charts = Charts.ofReport(report);
  const odds = `Logarithmic. The evidence of all metrics together decides; a metric's line is its part of that. Were the candidate sound, it would reach the upper line in at most ${percent(1 / report.threshold)} of rollouts.`;
  const names = Object.keys(TITLES).filter((name) => name !== "accuracy" || series.labels);
  return h(
    "section",
    { key: "over-time", "aria-labelledby": "over-time" },
    h("h2", { id: "over-time" }, "Over time"),
    chartTools(board),
    h(
      "div",
      { class: "charts" },
      names.map((name) => {
        const [title, text, wide] = TITLES[name];
        return chartFigure(board, { name, title, text: text || odds, wide, source: report, chart: charts[name] });
      }),
    ),
    series.thinned && h("p", { class: "note" }, `The charts have one point for each ${series.windows_per_point} windows; figures in tables are of all windows.`),
  );
}
