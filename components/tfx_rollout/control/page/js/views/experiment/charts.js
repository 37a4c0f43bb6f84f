/* The course of an A/B test: evidence, effect, who came, and failures. */
import { h } from "../../dom.js";
import { chartFigure, chartTools } from "../../parts/chart.js";
import { digits, evidence, integer, percent } from "../../words.js";

const LEAST = 1e-3;

export function experimentCharts(report, board) {
  const { windows, evidence: found } = report.series;
  if (!windows.start.length) return h("p", { class: "note" }, "No window was closed yet, so there is nothing to draw.");
  board.set(windows.start[0], windows.end.at(-1));
  const figure = (name, title, text, chart, wide) => chartFigure(board, { name, title, text, wide, source: report, chart });
  return h(
    "section",
    { key: "over-time", "aria-labelledby": "over-time" },
    h("h2", { id: "over-time" }, "Over time"),
    chartTools(board),
    h(
      "div",
      { class: "charts" },
      figure("ab-evidence", "Evidence", `Logarithmic. That a variant is better, or worse, than the live version. From ${digits(report.threshold)} (1/α) on it is decided.`, () => evidenceChart(report, found), true),
      figure("ab-effect", "Effect", `${report.effect === "difference" ? "Difference of the means" : "Odds ratio"}, variant to live version, with its interval.`, () => effectChart(report, found)),
      figure("ab-value", report.metric.name, "Of each arm, of all outcomes known by then.", () => valueChart(report, found)),
      figure("ab-users", "Users", "All who came, by arm.", () => usersChart(windows)),
      figure("ab-failures", "Failures", "Share of each arm's requests without a good answer.", () => failuresChart(windows)),
    ),
  );
}

const variants = (found) => Object.keys(found.better);

function evidenceChart(report, found) {
  const tracks = variants(found);
  const columns = tracks.flatMap((track) => [found.better[track], found.worse[track]]);
  const seen = columns.flat().filter((value) => value > 0);
  const floor = Math.max(LEAST, Math.min(0.1, ...seen) / 2);
  const drawn = columns.map((column) => column.map((value) => (value == null ? null : Math.max(value, floor))));
  return {
    height: 280,
    data: [found.at, ...drawn],
    series: tracks.flatMap((track) => [Charts.line(`${track} better`, track, evidence, { width: 2.25 }), Charts.line(`${track} worse`, track, evidence, { dash: [6, 4] })]),
    log: true,
    range: () => [floor, 4 * Math.max(report.threshold, ...seen)],
    axis: evidence,
    bounds: [[report.threshold, `1/α = ${digits(report.threshold)}: decided from here on`, "good", "above"]],
  };
}

function effectChart(report, found) {
  const tracks = variants(found);
  const ratio = report.effect !== "difference";
  const told = (value) => (value == null ? "–" : digits(value));
  const positive = (column) => (ratio ? column.map((value) => (value > 0 ? value : null)) : column);
  return {
    height: 240,
    data: [found.at, ...tracks.flatMap((track) => [positive(found.estimate[track]), positive(found.low[track]), positive(found.high[track])])],
    series: tracks.flatMap((track) => [
      Charts.line(track, track, told, { width: 2.25 }),
      Charts.line(`${track} from`, track, told, { width: 1, dash: [3, 3] }),
      Charts.line(`${track} to`, track, told, { width: 1, dash: [3, 3] }),
    ]),
    log: ratio,
    range: ratio ? (u, min, max) => (min > 0 ? [Math.min(0.8, min / 1.1), Math.max(1.25, max * 1.1)] : [0.5, 2]) : (u, min, max) => [Math.min(-0.01, min ?? 0), Math.max(0.01, max ?? 0)],
    axis: told,
    bounds: [[ratio ? 1 : 0, "no difference", "soft", "above"]],
  };
}

function valueChart(report, found) {
  const number = report.metric.kind === "number";
  const told = number ? (value) => (value == null ? "–" : digits(value)) : percent;
  const tracks = Object.keys(found.value);
  return {
    height: 210,
    data: [found.at, ...tracks.map((track) => found.value[track])],
    series: tracks.map((track) => Charts.line(track, track, told)),
    range: number ? (u, min, max) => [min ?? 0, (max ?? 1) === min ? min + 1 : (max ?? 1)] : Charts.upwards(0.05),
    axis: told,
  };
}

function usersChart(windows) {
  const tracks = Object.keys(windows.users);
  return {
    height: 210,
    data: Charts.reached(windows, tracks.map((track) => Charts.cumulated(windows.users[track]))),
    series: tracks.map((track) => Charts.line(track, track, (value) => (value == null ? "–" : integer(value)))),
    range: Charts.upwards(10),
    axis: (value) => integer(value),
  };
}

function failuresChart(windows) {
  const tracks = Object.keys(windows.requests);
  return {
    height: 210,
    data: Charts.held(windows, tracks.map((track) => Charts.over(windows.failures[track], windows.requests[track]))),
    series: tracks.map((track) => Charts.line(track, track, percent, { paths: Charts.stepped })),
    range: Charts.upwards(0.01),
    axis: percent,
  };
}
