/* One A/B test, live to its end: arms, evidence, who came, what was decided and why. */
import { path } from "../api.js";
import { h, memo } from "../dom.js";
import { newBoard } from "../parts/chart.js";
import { experimentButtons } from "../parts/experiment_orders.js";
import { pill } from "../parts/pill.js";
import { reportOf } from "../parts/report.js";
import { lead } from "../parts/sentences.js";
import { saveReport } from "../parts/save_report.js";
import { moment, until } from "../parts/time.js";
import { link } from "../router.js";
import { digits, integer, percent, words } from "../words.js";
import { armsTable } from "./experiment/arms.js";
import { experimentCharts } from "./experiment/charts.js";
import { guards, reasons } from "./experiment/verdict.js";
import { eventsTable, ordersTable } from "./rollout/records.js";

export function experiment(app, model, id) {
  const where = path("models", model, "experiments", id);
  let now = null;
  const report = reportOf(app, where);
  const board = newBoard(`experiment ${id}`);
  app.follow(`${where}/events`, {
    state: (document) => {
      now = document;
      report.read();
      app.update();
    },
    // It is said last, and of a test that had ended before, too.
    report: () => {
      report.read();
      app.unfollow();
    },
  });
  const parts = memo((document) =>
    h("div", { key: "report" }, armsTable(document), reasons(document), experimentCharts(document, board), guards(document), eventsTable(document), ordersTable(document)),
  );
  return {
    title: () => `${model}: A/B test ${now?.name ?? id}`,
    crumbs: () => [[model, link("models", model)], ["A/B test"]],
    show: () => {
      if (!now) return [h("h1", {}, `A/B test ${id}`), h("p", { class: "note" }, "Loading …")];
      const document = report.document;
      return [head(() => now, document), document && [parts(document), foot(where, document)]];
    },
    close() {
      report.close();
      board.destroy();
    },
  };
}

function head(experiment, report) {
  const now = experiment();
  const card = (name, figure, ...more) => h("div", { class: "card", key: name }, h("dt", {}, name), h("dd", { class: "figure" }, figure), more.map((text) => h("dd", { class: "soft" }, text)));
  return h(
    "div",
    { class: "head", key: "head" },
    h("p", { class: "eyebrow" }, `A/B test ${now.id} · asked for by ${now.by}: ${now.why}`),
    h("div", { class: "title" }, h("h1", {}, `${now.model}: ${now.name}`), pill(now.outcome ?? now.phase)),
    lead(now.reason),
    experimentButtons(experiment),
    h(
      "dl",
      { class: "cards" },
      card("Judged by", now.metric, report ? `${report.metric.kind}, ${report.metric.better} is better` : null),
      card("Users told apart by", now.header, report && report.unassigned > 0 ? `${integer(report.unassigned)} requests came without it` : "each always gets the same version"),
      card(now.finished ? "Ended" : "Ends at the latest", now.finished ? moment(now.finished_at) : now.until == null ? "–" : until(now.until), now.finished ? "" : "without a decision"),
      card("May be wrong", percent(now.alpha), `any false decision (α); decided from evidence ${report ? digits(report.threshold) : digits(1 / now.alpha)} on`),
      report && card("Windows", integer(report.windows), `of ${integer(report.matured)} the outcomes are known`),
      report?.winner && card("Winner", words(report.winner), report.promoted == null ? "" : `version ${report.promoted} becomes live`),
    ),
  );
}

const foot = (where, report) =>
  h(
    "section",
    { key: "plan", "aria-labelledby": "plan" },
    h("h2", { id: "plan" }, "Plan and report"),
    h("details", {}, h("summary", {}, "The whole plan"), h("pre", { tabindex: "0" }, JSON.stringify(report.plan_document, null, 2))),
    saveReport(where, report.experiment),
  );
