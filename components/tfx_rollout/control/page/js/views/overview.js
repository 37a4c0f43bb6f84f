/* All models of the root: what serves how much, and what is being done about it. */
import { path } from "../api.js";
import { h } from "../dom.js";
import { evidenceMeter } from "../parts/meter.js";
import { pill } from "../parts/pill.js";
import { sentences } from "../parts/sentences.js";
import { sharesBar } from "../parts/shares.js";
import { age, until } from "../parts/time.js";
import { progress, stageInWords } from "../parts/timeline.js";
import { link } from "../router.js";
import { plural } from "../words.js";

const MANY = 8; // models from which on one is looked for by name

export function overview(app) {
  let found = null;
  let wanted = "";
  const search = (event) => {
    wanted = event.target.value.trim().toLowerCase();
    app.update();
  };
  app.follow(path("events"), {
    models: (document) => {
      found = document;
      app.update();
    },
  });
  return { title: () => "Models", crumbs: () => [], show: () => [h("h1", {}, "Models"), found ? root(found, wanted, search) : h("p", { class: "note" }, "Loading …")] };
}

function root({ supervisor, models }, wanted, search) {
  const shown = models.filter(({ model }) => model.toLowerCase().includes(wanted));
  return [
    supervisorLine(supervisor),
    asked(models),
    models.length >= MANY &&
      h("label", { key: "search", class: "field search" }, h("span", {}, "Find a model"), h("input", { type: "search", autocomplete: "off", spellcheck: "false", on: { input: search } })),
    models.length === 0 && h("p", {}, "There is no model yet. Push one: ", h("code", {}, "tfx-rollout push MODEL_DIR --root ROOT --model NAME"), "."),
    models.length > 0 && (shown.length ? h("ul", { key: "models", class: "models" }, shown.map(modelCard)) : h("p", { key: "none" }, "No model is called so.")),
  ];
}

export const supervisorLine = (supervisor) =>
  supervisor
    ? h("p", { key: "supervisor", class: "lead soft" }, "Served on ", h("b", {}, supervisor.gateway_address), ` by process ${supervisor.pid}, started `, age(supervisor.started), ".")
    : h(
        "p",
        { key: "no-supervisor", class: "notice bad", role: "alert" },
        "No supervisor serves this root, so nothing that is ordered happens. Start one: ",
        h("code", {}, "tfx-rollout serve ROOT"),
        ".",
      );

/* What waits for a word from a person comes before everything else. */
function asked(models) {
  const waiting = models.filter(({ rollout }) => rollout && (rollout.asked.length || rollout.phase === "awaiting_approval" || rollout.deadline != null));
  if (!waiting.length) return null;
  return h(
    "div",
    { key: "asked", class: "notice mild", role: "status" },
    h("b", {}, "A person is asked:"),
    h(
      "ul",
      {},
      waiting.map(({ model, rollout }) =>
        h("li", { key: model }, h("a", { href: link("models", model, "rollouts", rollout.id) }, `${model} version ${rollout.version}`), rollout.deadline != null && ["; without a word the plan decides ", until(rollout.deadline)], "."),
      ),
    ),
  );
}

function modelCard(model) {
  const { labels, rollout, experiment } = model;
  const href = link("models", model.model);
  return h(
    "li",
    { key: model.model, class: "model-card" },
    h("div", { class: "running-head" }, h("h2", {}, h("a", { href }, model.model)), standing(model)),
    sharesBar(model.shares, labels),
    model.fault && h("p", { class: "bad" }, model.fault),
    rollout && [
      h("div", { class: "running-head", key: "rollout" }, h("a", { href: link("models", model.model, "rollouts", rollout.id) }, `Rollout of version ${rollout.version}`), pill(rollout.phase), progress(rollout), h("span", { class: "stage soft" }, stageInWords(rollout))),
      evidenceMeter(rollout.e_value, rollout.threshold),
    ],
    experiment &&
      h("div", { class: "running-head", key: "experiment" }, h("a", { href: link("models", model.model, "experiments", experiment.id) }, `A/B test ${experiment.name}`), pill(experiment.phase)),
    model.generation > 0 && !rollout && !experiment && h("div", { class: "said", key: "cause" }, sentences(model.cause)),
    h("p", { class: "soft" }, plural(model.versions.length, "version"), model.generation > 0 && [`; generation ${model.generation}, written by ${model.by} `, age(model.at)], "."),
  );
}

/* In one word, whether what is in force is what should be. */
export function standing(model) {
  if (model.fault) return pill("fault");
  if (model.generation === 0) return pill("empty", "nothing is live", "plain");
  return model.settled ? pill("settled", "in force") : pill("changing");
}
