/* One rollout, live to its end: stages, evidence, traffic, reasons, and what can be ordered. */
import { get, path } from "../api.js";
import { h, memo } from "../dom.js";
import { newBoard } from "../parts/chart.js";
import { evidenceMeter } from "../parts/meter.js";
import { orderButtons } from "../parts/orders.js";
import { pill } from "../parts/pill.js";
import { reportOf } from "../parts/report.js";
import { saveReport } from "../parts/save_report.js";
import { section } from "../parts/section.js";
import { lead } from "../parts/sentences.js";
import { sharesBar } from "../parts/shares.js";
import { moment, until } from "../parts/time.js";
import { timeline } from "../parts/timeline.js";
import { link } from "../router.js";
import { duration, integer, percent, words } from "../words.js";
import { reportCharts } from "./rollout/charts.js";
import { evidenceTable } from "./rollout/evidence.js";
import { eventsTable, ordersTable, verdictsTable } from "./rollout/records.js";
import { checks, reasons } from "./rollout/verdict.js";

export function rollout(app, model, id) {
  const where = path("models", model, "rollouts", id);
  let now = null;
  let traffic = null; // the model's shares and labels, while this rollout moves them
  const board = newBoard(`rollout ${id}`);

  const report = reportOf(app, where);
  const take = (document) => {
    now = document;
    report.read();
    if (now.finished) app.unfollow();
    app.update();
  };
  const read = () => get(where).then(take, (problem) => now ?? app.fail(problem));
  app.follow(
    `${path("models", model)}/events`,
    {
      rollout: (document) => document.id === id && take(document),
      // The last word on a rollout may have been said while nobody listened.
      model: (document) => {
        traffic = document.rollout?.id === id ? document : null;
        app.update();
        if (now && !now.finished && !traffic) read();
      },
    },
    read,
  );

  const parts = memo((document) => reportParts(document, board));
  return {
    title: () => `${model}: rollout ${id}`,
    crumbs: () => [[model, link("models", model)], ["Rollout"]],
    show: () => {
      if (!now) return [h("h1", {}, `Rollout ${id}`), h("p", { class: "note" }, "Loading …")];
      const document = report.document;
      return [head(() => now, traffic, document), document && [timelineSection(now, document), parts(document), foot(where, document)]];
    },
    close() {
      report.close();
      board.destroy();
    },
  };
}

function head(rollout, traffic, report) {
  const now = rollout();
  const word = now.outcome ?? (now.passed && now.phase === "holding" ? "holding" : now.phase);
  return h(
    "div",
    { class: "head", key: "head" },
    h("p", { class: "eyebrow" }, `Rollout ${now.id} · plan ${now.plan} · asked for by ${now.by}: ${now.why}`),
    h("div", { class: "title" }, h("h1", {}, `${now.model}: version ${now.version}${now.stable == null ? "" : ` after version ${now.stable}`}`), pill(word)),
    lead(now.reason),
    traffic && !now.finished && sharesBar(traffic.shares, traffic.labels),
    now.asked.length > 0 && h("p", { class: "notice mild" }, `A person is asked about: ${now.asked.map(words).join(", ")}.`),
    now.orders.map((order) => h("p", { key: String(order.number), class: "notice mild", role: "status" }, `${order.by} ordered to ${order.kind} (${order.why}); the supervisor takes it up in a moment.`)),
    orderButtons(rollout),
    cards(now, report),
  );
}

function cards(now, report) {
  const served = report?.series.share_served.at(-1);
  const card = (name, figure, ...more) => h("div", { class: "card", key: name }, h("dt", {}, name), h("dd", { class: "figure" }, figure), more.map((text) => text && h("dd", { class: "soft" }, text)));
  return h(
    "dl",
    { class: "cards" },
    card("Stage", now.finished ? "ended" : `${now.stage} of ${now.stages}`, now.finished ? moment(now.finished_at) : `${words(now.phase)} ${duration(Date.now() / 1000 - now.phase_since)}`),
    card("Share set", percent(now.share), served == null ? "nothing served yet" : `${percent(served)} served in the last window`),
    h("div", { class: "card span", key: "evidence" }, h("dt", {}, "Evidence against it"), h("dd", {}, evidenceMeter(now.e_value, now.threshold, true))),
    report && card("Candidate served", integer(report.tracks.canary.requests), `requests, ${integer(report.tracks.canary.failures)} failed`),
    card("Windows", integer(now.windows), now.attempt ? `attempt ${now.attempt + 1} of this version: α is halved` : "judged so far"),
    now.deadline != null && card("Decision by the plan", until(now.deadline), "without a word from a person"),
  );
}

const timelineSection = (now, report) => section("stages", "Stages", null, timeline(now, report), now.remaining && h("p", { class: "note" }, now.remaining));

const reportParts = (report, board) => h("div", { key: "report" }, reasons(report), checks(report), reportCharts(report, board), evidenceTable(report), verdictsTable(report), eventsTable(report), ordersTable(report));

const foot = (where, report) =>
  section(
    "plan",
    "Plan and report",
    null,
    h("details", {}, h("summary", {}, `The whole plan ${report.plan}`), h("pre", { tabindex: "0" }, JSON.stringify(report.plan_document, null, 2))),
    saveReport(where, report.rollout),
    h("p", { class: "note" }, `Model digest ${report.digest}.`),
  );
