/* The report's page: all figures come from the JSON in it, and nothing is ever fetched. */
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const { series, events } = report;
  const count = series.start.length;

  document.getElementById("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 1)], { type: "application/json" }));
    link.download = `${report.rollout}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  if (!count) return;

  const said = document.getElementById("said");
  const board = new Charts.Board("report", (text) => (said.textContent = text));
  const [first, last] = [series.start[0], series.end[count - 1]];
  board.set(first, last, Charts.marksOf(events, report.decided_at, last + 0.25 * (last - first)));
  const charts = Charts.ofReport(report);
  for (const place of document.querySelectorAll(".plot")) board.show(place, charts[place.dataset.chart]());
  document.getElementById("reset").addEventListener("click", () => board.wholeTime());

  const PAPER = 680; // CSS pixels across a printed page, which is not laid out yet when printing begins
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not(.long)").forEach((part) => (part.open = true));
    document.documentElement.dataset.print = "";
    board.redraw(PAPER);
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    board.redraw();
  });
})();
