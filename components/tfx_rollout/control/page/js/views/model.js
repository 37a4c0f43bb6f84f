/* One model: its versions and their shares, what is being done about them, its traffic, and what was before. */
import { get, path } from "../api.js";
import { h } from "../dom.js";
import { configureModel } from "../parts/configure.js";
import { experimentCard } from "../parts/experiment_card.js";
import { offer } from "../parts/offer.js";
import { Pages } from "../parts/pages.js";
import { rolloutCard } from "../parts/rollout_card.js";
import { section } from "../parts/section.js";
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
import { VersionsSection } from "./model/versions.js";
import { standing } from "./overview.js";

const SHOWN = 10; // rollouts and A/B tests at once
const ENTRIES = 20; // of the history, two for most generations
const APPLIED = 40; // entries within which a generation mostly came in force

export function model(app, name) {
  let now = null;
  let read = "";
  const traffic = new TrafficSection(app, name);
  const versions = new VersionsSection(app);
  const list = (what, words, ...more) => new Pages(app, words, path("models", name, what), ...more);
  const lists = { rollouts: list("rollouts", "rollouts", SHOWN), experiments: list("experiments", "A/B tests", SHOWN), history: list("history", "entries of the history", ENTRIES, APPLIED) };

  /* The lists change only when something of this changes. */
  function readLists() {
    const sign = JSON.stringify([now.generation, now.observed_generation, now.rollout?.id, now.rollout?.phase, now.experiment?.id, now.experiment?.phase]);
    if (sign === read) return;
    read = sign;
    Object.values(lists).forEach((one) => one.read());
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
    show: () => (now ? parts(overview, lists, versions, traffic) : [h("h1", {}, name), h("p", { class: "note" }, "Loading …")]),
    close: () => traffic.close(),
  };
}

function parts(overview, { rollouts, experiments, history }, versions, traffic) {
  const now = overview();
  return [
    head(overview),
    now.rollout && rolloutCard(() => overview().rollout ?? { ...now.rollout, finished: true, possible_orders: [] }),
    now.experiment && experimentCard(now.experiment),
    differences(now),
    versions.show(overview),
    traffic.show(),
    section("rollouts", "Rollouts", rollouts.turner(), rollouts.show(rolloutsTable)),
    section("experiments", "A/B tests", experiments.turner(), experiments.show(experimentsTable)),
    section("history", "History", history.turner(), history.show((found) => historyTable(found, history.lead))),
  ];
}

function head(overview) {
  const now = overview();
  const runs = now.rollout ?? now.experiment;
  const routing = [now.mirror > 0 && `${percent(now.mirror)} of the requests are copied to the candidate`, now.sticky_header && `users are told apart by the header ${now.sticky_header}`].filter(Boolean).join("; ");
  return h(
    "div",
    { class: "head", key: "head" },
    h("div", { class: "title" }, h("h1", {}, now.model), standing(now), session.may("operate") && buttons(overview)),
    sharesBar(now.shares, now.labels),
    now.fault && h("p", { class: "notice bad", role: "alert" }, h("b", {}, "It does not get on: "), now.fault),
    now.generation > 0 && !runs && lead(now.cause), // what runs tells its own reason
    now.generation > 0 && h("p", { class: "soft written" }, `Generation ${now.generation}, written by ${now.by} `, age(now.at), ".", routing && ` ${routing}.`),
    !session.may("operate") && h("p", { class: "note" }, `You are signed in as ${session.me.name} (${session.me.role}): you may watch, and not change anything.`),
  );
}

function buttons(overview) {
  const { rollout, experiment, labels, versions } = overview();
  const busy = rollout ? "A rollout is running." : experiment ? "An A/B test is running." : null;
  const noOther = versions.every((one) => one.version === labels.stable) ? "There is no other version to roll out; push one." : null;
  return h(
    "div",
    { class: "buttons", role: "group", "aria-label": "What can be done with this model" },
    offer("Start a rollout …", busy ?? noOther, () => startRollout(overview), "primary"),
    offer("Start an A/B test …", busy ?? (labels.stable == null ? "Nothing is live yet to compare with." : noOther), () => startExperiment(overview)),
    offer("Configure …", versions.length ? null : "There is no version yet; push one.", () => configureModel(overview)),
    offer("Roll back …", busy ?? (labels.previous == null ? "No previous version is loaded to return to." : null), () => rollBackModel(overview), "danger"),
  );
}
