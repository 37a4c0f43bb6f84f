/* One model: its versions and their shares, what is being done about them, its traffic, and what was before. */
import { get, path } from "../api.js";
import { h } from "../dom.js";
import { experimentCard } from "../parts/experiment_card.js";
import { rolloutCard } from "../parts/rollout_card.js";
import { lead } from "../parts/sentences.js";
import { sharesBar } from "../parts/shares.js";
import { startExperiment } from "../parts/start_experiment.js";
import { startRollout } from "../parts/start_rollout.js";
import { age } from "../parts/time.js";
import { rollBackModel } from "../parts/version_dialog.js";
import { session } from "../session.js";
import { percent } from "../words.js";
import { differences } from "./model/differences.js";
import { historyTable } from "./model/history.js";
import { experimentsTable, rolloutsTable } from "./model/lists.js";
import { TrafficSection } from "./model/traffic.js";
import { versionsTable } from "./model/versions.js";
import { standing } from "./overview.js";

const SHOWN = 20; // entries of each list

export function model(app, name) {
  let now = null;
  const lists = { history: null, rollouts: null, experiments: null };
  let read = "";
  const traffic = new TrafficSection(app, name);

  /* The lists change only when something of this changes. */
  function readLists() {
    const sign = JSON.stringify([now.generation, now.observed_generation, now.rollout?.id, now.rollout?.phase, now.experiment?.id, now.experiment?.phase]);
    if (sign === read) return;
    read = sign;
    for (const list of Object.keys(lists)) {
      get(path("models", name, list), { limit: SHOWN }).then(
        (document) => {
          lists[list] = document;
          app.update();
        },
        (problem) => (lists[list] = { problem }),
      );
    }
  }
  const take = (document) => {
    now = document;
    readLists();
    app.update();
  };
  app.follow(`${path("models", name)}/events`, {
    model: take,
    rollout: (document) => now && take({ ...now, rollout: document.finished ? null : document }),
    experiment: (document) => now && take({ ...now, experiment: document.finished ? null : document }),
  });
  get(path("models", name)).then(
    (document) => now ?? take(document),
    (problem) => now ?? app.fail(problem),
  );
  const overview = () => now;
  return {
    title: () => name,
    crumbs: () => [[name]],
    show: () => (now ? parts(overview, lists, traffic) : [h("h1", {}, name), h("p", { class: "note" }, "Loading …")]),
    close: () => traffic.close(),
  };
}

function parts(overview, lists, traffic) {
  const now = overview();
  return [
    head(overview),
    now.rollout && rolloutCard(() => overview().rollout ?? { ...now.rollout, finished: true, possible_orders: [] }),
    now.experiment && experimentCard(now.experiment),
    differences(now),
    section("versions", "Versions", versionsTable(overview)),
    traffic.show(),
    section("rollouts", "Rollouts", rolloutsTable(lists.rollouts)),
    section("experiments", "A/B tests", experimentsTable(lists.experiments)),
    section("history", "History", historyTable(lists.history)),
  ];
}

const section = (id, title, ...inside) => h("section", { key: id, "aria-labelledby": id }, h("h2", { id }, title), ...inside);

function head(overview) {
  const now = overview();
  const routing = [now.mirror > 0 && `${percent(now.mirror)} of the requests are copied to the candidate`, now.sticky_header && `users are told apart by the header ${now.sticky_header}`].filter(Boolean).join("; ");
  return h(
    "div",
    { class: "head", key: "head" },
    h("div", { class: "title" }, h("h1", {}, now.model), standing(now)),
    now.generation > 0 && lead(now.cause),
    now.generation > 0 && h("p", { class: "soft" }, `Generation ${now.generation}, written by ${now.by} `, age(now.at), ".", routing && ` ${routing}.`),
    now.fault && h("p", { class: "notice bad", role: "alert" }, h("b", {}, "It does not get on: "), now.fault),
    !now.fault && now.step && h("p", { class: "notice mild", role: "status" }, h("b", {}, "Now: "), now.step),
    sharesBar(now.shares, now.labels),
    session.may("operate") ? buttons(overview) : h("p", { class: "note" }, `You are signed in as ${session.me.name} (${session.me.role}): you may watch, and not change anything.`),
  );
}

function buttons(overview) {
  const { rollout, experiment, labels, versions } = overview();
  const busy = rollout ? "A rollout is running." : experiment ? "An A/B test is running." : null;
  const noOther = versions.every((one) => one.version === labels.stable) ? "There is no other version to roll out; push one." : null;
  const offer = (text, reason, act, look) =>
    h(
      "button",
      { key: text, type: "button", class: reason ? null : look, "aria-disabled": reason ? "true" : null, title: reason, on: { click: () => !reason && act() } },
      text,
      reason && h("span", { class: "hidden" }, ` (${reason})`),
    );
  return h(
    "div",
    { class: "buttons" },
    offer("Start a rollout …", busy ?? noOther, () => startRollout(overview), "primary"),
    offer("Start an A/B test …", busy ?? (labels.stable == null ? "Nothing is live yet to compare with." : noOther), () => startExperiment(overview)),
    offer("Roll back …", busy ?? (labels.previous == null ? "No previous version is loaded to return to." : null), () => rollBackModel(overview), "danger"),
  );
}
