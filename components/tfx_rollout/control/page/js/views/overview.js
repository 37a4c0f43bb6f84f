/* All models of the root: what serves how much, and what is being done about it. */
import { path } from "../api.js";
import { h } from "../dom.js";
import { evidenceMeter } from "../parts/meter.js";
import { pill } from "../parts/pill.js";
import { sharesBar } from "../parts/shares.js";
import { age } from "../parts/time.js";
import { progress } from "../parts/timeline.js";
import { link } from "../router.js";
import { plural } from "../words.js";

export function overview(app) {
  let found = null;
  app.follow(path("events"), {
    models: (document) => {
      found = document;
      app.update();
    },
  });
  return { title: () => "Models", crumbs: () => [], show: () => [h("h1", {}, "Models"), found ? root(found) : h("p", { class: "note" }, "Loading …")] };
}

const root = ({ supervisor, models }) => [
  supervisorLine(supervisor),
  models.length
    ? h("ul", { class: "models" }, models.map(modelCard))
    : h("p", {}, "There is no model yet. Push one: ", h("code", {}, "tfx-rollout push MODEL_DIR --root ROOT --model NAME"), "."),
];

export const supervisorLine = (supervisor) =>
  supervisor
    ? h("p", { class: "lead soft" }, "Served on ", h("b", {}, supervisor.gateway_address), ` by process ${supervisor.pid}, started `, age(supervisor.started), ".")
    : h(
        "p",
        { class: "notice bad", role: "alert" },
        "No supervisor serves this root, so nothing that is ordered happens. Start one: ",
        h("code", {}, "tfx-rollout serve ROOT"),
        ".",
      );

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
      h("div", { class: "running-head", key: "rollout" }, h("a", { href: link("models", model.model, "rollouts", rollout.id) }, `Rollout of version ${rollout.version}`), pill(rollout.phase), progress(rollout)),
      evidenceMeter(rollout.e_value, rollout.threshold),
    ],
    experiment &&
      h("div", { class: "running-head", key: "experiment" }, h("a", { href: link("models", model.model, "experiments", experiment.id) }, `A/B test ${experiment.name}`), pill(experiment.phase)),
    h("p", { class: "soft" }, `${plural(model.versions.length, "version")}, generation ${model.generation}`, model.generation > 0 && [" ", age(model.at), ` by ${model.by}`], "."),
  );
}

/* In one word, whether what is in force is what should be. */
export function standing(model) {
  if (model.fault) return pill("fault");
  if (model.generation === 0) return pill("empty", "nothing is live", "plain");
  return model.settled ? pill("settled", "in force") : pill("changing");
}
