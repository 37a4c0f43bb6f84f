/* How the traffic was: requests, failures and latencies of each track and version over a span of time. */
import { get, path } from "../../api.js";
import { h, memo } from "../../dom.js";
import { chartFigure, chartTools, newBoard } from "../../parts/chart.js";
import { trackName } from "../../parts/shares.js";
import { table } from "../../parts/table.js";
import { integer, ms, now, percent, rate, utc } from "../../words.js";

const SPANS = [
  ["15 min", 900],
  ["1 h", 3600],
  ["6 h", 21_600],
  ["24 h", 86_400],
];
const SOONEST = 5; // seconds between two looks, however short the steps are

export class TrafficSection {
  #app;
  #where;
  #span = SPANS[0][1];
  #found = null;
  #fault = null;
  #timer = 0;
  #asking = null;
  #board;
  #parts = memo((found) => this.#shown(found));

  constructor(app, model) {
    this.#app = app;
    this.#where = path("models", model, "traffic");
    this.#board = newBoard(`traffic ${model}`);
    this.#read();
  }

  close() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#board.destroy();
  }

  async #read() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      const until = now();
      if (!document.hidden) this.#found = inOrder(await get(this.#where, { since: until - this.#span, until }, asking), until);
      this.#fault = null;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#fault = problem;
    }
    this.#app.update();
    this.#timer = setTimeout(() => this.#read(), 1000 * Math.max(SOONEST, this.#found?.step ?? 0));
  }

  show() {
    const choose = (seconds) => () => {
      this.#span = seconds;
      this.#board.wholeTime();
      this.#read();
    };
    return h(
      "section",
      { key: "traffic", "aria-labelledby": "traffic" },
      h("h2", { id: "traffic" }, "Traffic"),
      chartTools(
        this.#board,
        h(
          "fieldset",
          { class: "choice" },
          h("legend", { class: "hidden" }, "Span of time"),
          SPANS.map(([text, seconds]) =>
            h("label", { key: text }, h("input", { type: "radio", name: "span", checked: seconds === this.#span, on: { change: choose(seconds) } }), h("span", {}, text)),
          ),
        ),
      ),
      this.#fault && h("p", { class: "notice bad", role: "alert" }, this.#fault.message),
      this.#found ? this.#parts(this.#found) : h("p", { class: "note" }, "Loading …"),
    );
  }

  #shown(found) {
    const { series, since, until, step } = found;
    if (!series.length) return h("p", { class: "note" }, `No request ended between ${utc(since)} and ${utc(until)} (UTC).`);
    this.#board.set(since, until);
    return h("div", {}, h("div", { class: "charts" }, charts(found, this.#board)), totals(found), h("p", { class: "note" }, `In steps of ${integer(step)} s. What the client chose itself is on the track pinned; copies are on shadow.`));
  }
}

const TRACKS = ["stable", "canary", "variant-b", "variant-c", "variant-d", "variant-e", "variant-f", "shadow", "pinned"];

/* Tracks in their usual order, and without what would mislead: a step that is not over, and the time before the first and
   after the last request of a version. */
function inOrder(found, until) {
  const served = (points) => {
    const first = points.findIndex(({ requests }) => requests);
    const last = points.findLastIndex(({ requests }) => requests);
    return points.filter(({ start }, i) => i >= first && i <= last && start + found.step <= until);
  };
  const rank = ({ track, version }) => 1e6 * TRACKS.indexOf(track) + (version ?? 0) / 1e13;
  const series = found.series.map((one) => ({ ...one, points: served(one.points) })).sort((one, other) => rank(one) - rank(other));
  return { ...found, until, series };
}

const nameOf = ({ track, version }) => `${track}${version == null ? "" : ` ${version}`}`;

function charts(found, board) {
  const { series, step } = found;
  const at = [...new Set(series.flatMap(({ points }) => points.map(({ start }) => start)))].sort((one, other) => one - other);
  const spans = { start: at, end: at.map((start) => start + step) };
  const column = (one, figure) => {
    const known = new Map(one.points.map((point) => [point.start, figure(point)]));
    return at.map((start) => known.get(start) ?? null);
  };
  // Of several versions on one track the newest has the full line.
  const newest = new Map();
  for (const { track, version } of series) newest.set(track, Math.max(newest.get(track) ?? -1, version ?? -1));
  const older = ({ track, version }) => (newest.get(track) === (version ?? -1) ? {} : { dash: [6, 4], width: 1.25 });
  const line = (one, value) => Charts.line(nameOf(one), one.track, value, { paths: Charts.stepped, ...older(one) });
  const figure = (name, title, text, chart, wide) => chartFigure(board, { name, title, text, wide, source: found, chart });
  return [
    figure("traffic-requests", "Requests", "Per second.", () => ({
      height: 210,
      data: Charts.held(spans, series.map((one) => column(one, ({ requests }) => requests / step))),
      series: series.map((one) => line(one, rate)),
      range: Charts.upwards(1),
      axis: rate,
    })),
    figure("traffic-failures", "Failures", "Share of the requests without a good answer.", () => ({
      height: 210,
      data: Charts.held(spans, series.map((one) => column(one, ({ requests, failures }) => (requests ? failures / requests : null)))),
      series: series.map((one) => line(one, percent)),
      range: Charts.upwards(0.01),
      axis: percent,
    })),
    figure(
      "traffic-latency",
      "Latency",
      "Half (p50), 90 % and 99 % of the answers took no longer than this. Logarithmic.",
      () => ({
        height: 260,
        data: Charts.held(spans, series.flatMap((one) => ["p50_ms", "p90_ms", "p99_ms"].map((q) => column(one, (point) => point[q])))),
        series: series.flatMap((one) => Charts.quantiles(nameOf(one), one.track)),
        log: true,
        range: Charts.decades,
        axis: ms,
      }),
      true,
    ),
  ];
}

const totals = ({ series }) =>
  table(
    "The whole span, by track and version",
    [
      { name: "track", kind: "t" },
      { name: "version", kind: "n", told: "version" },
      { name: "requests", kind: "n", told: "requests" },
      { name: "per second", kind: "n" },
      { name: "failed", kind: "n", told: "failed" },
      { name: "p50", kind: "n", told: "p50" },
      { name: "p90", kind: "n", told: "p90" },
      { name: "p99", kind: "n", told: "p99" },
      { name: "right", kind: "n", told: "right" },
      { name: "codes of failures", kind: "w" },
    ],
    series.map((one) => {
      const { totals: all } = one;
      return {
        key: nameOf(one),
        cells: [
          trackName(one.track),
          one.version == null ? "–" : String(one.version),
          h("data", { value: all.requests }, integer(all.requests)),
          rate(all.requests_per_second),
          [h("data", { value: all.failures }, integer(all.failures)), all.error_rate ? h("span", { class: "soft" }, ` ${percent(all.error_rate)}`) : ""],
          ms(all.p50_ms),
          ms(all.p90_ms),
          ms(all.p99_ms),
          all.accuracy == null ? "–" : `${percent(all.accuracy)} of ${integer(all.labelled)}`,
          Object.entries(all.codes)
            .filter(([code]) => code !== "OK")
            .map(([code, count]) => `${code} ${integer(count)}`)
            .join(", "),
        ],
      };
    }),
    "",
  );
