/* The page of an A/B test's report: all figures come from the JSON in it, and nothing is ever fetched. */
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const { windows, evidence: found } = report.series;

  document.getElementById("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 1)], { type: "application/json" }));
    link.download = `${report.experiment}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  if (!windows.start.length) return;

  const LEAST = 1e-3;
  const variants = Object.keys(found.better);
  const number = (value) => (value == null ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 3 }));
  const share = (value) => (value == null ? "–" : `${number(100 * value)}\u00a0%`);
  const evidence = (value) => (value != null && (value >= 1e6 || value < LEAST) ? value.toExponential(1) : number(value));

  const charts = {
    evidence: () => {
      const columns = variants.flatMap((track) => [found.better[track], found.worse[track]]);
      const seen = columns.flat().filter((value) => value > 0);
      const floor = Math.max(LEAST, Math.min(0.1, ...seen) / 2);
      return {
        height: 280,
        data: [found.at, ...columns.map((column) => column.map((value) => (value == null ? null : Math.max(value, floor))))],
        series: variants.flatMap((track) => [
          Charts.line(`${track} better`, track, evidence, { width: 2.25 }),
          Charts.line(`${track} worse`, track, evidence, { dash: [6, 4] }),
        ]),
        log: true,
        range: () => [floor, 4 * Math.max(report.threshold, ...seen)],
        axis: evidence,
        bounds: [[report.threshold, `1/α = ${number(report.threshold)}: decided from here on`, "good", "above"]],
      };
    },
    effect: () => {
      const ratio = report.effect === "odds_ratio";
      const drawn = (column) => (ratio ? column.map((value) => (value > 0 ? value : null)) : column);
      return {
        height: 240,
        data: [found.at, ...variants.flatMap((track) => [found.estimate, found.low, found.high].map((column) => drawn(column[track])))],
        series: variants.flatMap((track) => [
          Charts.line(track, track, number, { width: 2.25 }),
          Charts.line(`${track} from`, track, number, { width: 1, dash: [3, 3] }),
          Charts.line(`${track} to`, track, number, { width: 1, dash: [3, 3] }),
        ]),
        log: ratio,
        range: ratio
          ? (u, min, max) => (min > 0 ? [Math.min(0.8, min / 1.1), Math.max(1.25, max * 1.1)] : [0.5, 2])
          : (u, min, max) => [Math.min(-0.01, min ?? 0), Math.max(0.01, max ?? 0)],
        axis: number,
        bounds: [[ratio ? 1 : 0, "no difference", "soft", "above"]],
      };
    },
    value: () => {
      const tracks = Object.keys(found.value);
      const told = report.metric.kind === "number" ? number : share;
      return {
        height: 240,
        data: [found.at, ...tracks.map((track) => found.value[track])],
        series: tracks.map((track) => Charts.line(track, track, told)),
        range: (u, min, max) => (max > min ? [min - 0.05 * (max - min), max + 0.05 * (max - min)] : [0, max || 1]),
        axis: told,
      };
    },
    users: () => {
      const tracks = Object.keys(windows.users);
      return {
        height: 210,
        data: Charts.reached(windows, tracks.map((track) => Charts.cumulated(windows.users[track]))),
        series: tracks.map((track) => Charts.line(track, track, number)),
        range: Charts.upwards(10),
        axis: number,
      };
    },
    failures: () => {
      const tracks = Object.keys(windows.requests);
      return {
        height: 210,
        data: Charts.held(windows, tracks.map((track) => Charts.over(windows.failures[track], windows.requests[track]))),
        series: tracks.map((track) => Charts.line(track, track, share, { paths: Charts.stepped })),
        range: Charts.upwards(0.01),
        axis: share,
      };
    },
  };

  const said = document.getElementById("said");
  const board = new Charts.Board("report", (text) => (said.textContent = text));
  const marks = report.events
    .filter((event) => ["drop", "hold", "restore", "promote"].includes(event.event))
    .map((event) => ({ at: event.at, text: event.event, colour: event.event === "drop" ? "bad" : "mild" }));
  board.set(windows.start[0], windows.end.at(-1), marks);
  for (const place of document.querySelectorAll(".plot")) board.show(place, charts[place.dataset.chart]());
  document.getElementById("reset").addEventListener("click", () => board.wholeTime());

  const PAPER = 680; // CSS pixels across a printed page, which is not laid out yet when printing begins
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.print = "";
    board.redraw(PAPER);
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    board.redraw();
  });
})();
