/* Starting an A/B test: its plan as a text, checked while it is written. */
import { change, path } from "../api.js";
import { h } from "../dom.js";
import { link } from "../router.js";
import { problemNote, whyField } from "./confirm.js";
import { closeDialog, openDialog, redrawDialog } from "./dialog.js";
import { PlanField } from "./plan_field.js";
import { toast } from "./toast.js";

/* A plan to begin from: the newest version that is not live against the live one, half each. */
const template = ({ model, labels, versions }) => ({
  name: `${model}-test`,
  header: "x-user-id",
  variants: [{ version: versions.find((one) => one.version !== labels.stable)?.version ?? 2, share: 0.5 }],
  metric: { name: "conversion", kind: "event", better: "higher", within_seconds: 3600 },
  alpha: 0.05,
  min_units: 100,
  max_days: 14,
  on_decision: "control",
});

export function startExperiment(overview) {
  const form = { why: "", fault: null, busy: false };
  const plan = new PlanField("The plan (JSON; docs/ab-tests.md explains every field)", path("experiments", "check"));
  openDialog({ title: `Start an A/B test of ${overview().model}`, wide: true, show: () => shown(overview, form, plan) });
  plan.set(template(overview()));
}

function shown(overview, form, plan) {
  const { model, labels } = overview();
  const unfit = plan.state !== "good";
  const submit = (event) => {
    event.preventDefault();
    if (!form.busy && !unfit) send(model, form, plan);
  };
  return h(
    "form",
    { on: { submit } },
    h("p", {}, `Users are split for as long as the test lasts, each always with the same version, by a header that tells them apart. Version ${labels.stable}, which is live, is arm A; the plan names the others.`),
    plan.show(),
    whyField((why) => (form.why = why), { autofocus: false }),
    form.fault && problemNote(form.fault, (current) => h("p", {}, current.reason ?? `Generation ${current.generation}.`)),
    h(
      "div",
      { key: "buttons", class: "buttons end" },
      h("button", { type: "button", on: { click: closeDialog } }, "Cancel"),
      h("button", { type: "submit", class: "primary", "aria-disabled": form.busy || unfit ? "true" : null }, form.busy ? "Starting …" : "Start the A/B test"),
    ),
  );
}

async function send(model, form, plan) {
  Object.assign(form, { busy: true, fault: null });
  redrawDialog();
  try {
    const started = await change("POST", path("models", model, "experiments"), { body: { plan: plan.document, why: form.why.trim() } });
    closeDialog();
    toast(`The A/B test ${started.name} was started.`);
    location.hash = link("models", model, "experiments", started.id);
  } catch (problem) {
    form.fault = problem;
    form.busy = false;
    redrawDialog();
  }
}
