/* Starting a rollout: which version, by which plan, and why. */
import { change, get, path } from "../api.js";
import { h } from "../dom.js";
import { link } from "../router.js";
import { percent, words } from "../words.js";
import { problemNote, whyField } from "./confirm.js";
import { closeDialog, openDialog, redrawDialog } from "./dialog.js";
import { PlanField } from "./plan_field.js";
import { stageName } from "./stage_name.js";
import { toast } from "./toast.js";

const OWN = "own";

/* `overview()` gives the model as the page shows it; `version`: the candidate to begin with. */
export function startRollout(overview, version) {
  const { model, labels, versions } = overview();
  const candidates = versions.filter((one) => one.version !== labels.stable);
  const form = { version: version ?? candidates[0]?.version, plan: "default", why: "", plans: [], fault: null, busy: false };
  const own = new PlanField("The plan", path("plans", "check"));
  get(path("plans")).then(
    ({ plans }) => {
      form.plans = plans;
      redrawDialog();
    },
    (problem) => {
      form.fault = problem;
      redrawDialog();
    },
  );
  openDialog({ title: `Start a rollout of ${model}`, wide: true, show: () => shown(overview, form, own, candidates) });
}

function shown(overview, form, own, candidates) {
  const { labels } = overview();
  const chosen = form.plans.find(({ name }) => name === form.plan);
  const choosePlan = (event) => {
    const before = form.plans.find(({ name }) => name === form.plan);
    form.plan = event.target.value;
    if (form.plan === OWN) own.set({ ...(before?.document ?? {}), name: "my-plan" });
    redrawDialog();
  };
  const unfit = form.plan === OWN && own.state !== "good";
  const submit = (event) => {
    event.preventDefault();
    if (!form.busy && !unfit) send(overview().model, form, own);
  };
  return h(
    "form",
    { on: { submit } },
    h(
      "p",
      {},
      labels.stable == null
        ? "Nothing is live yet: the version becomes live when it is loaded and you promote it."
        : `The version is loaded beside version ${labels.stable} and gets traffic in the stages of the plan. A worse one is rolled back by itself.`,
    ),
    h(
      "div",
      { class: "fields" },
      h(
        "label",
        { class: "field" },
        h("span", {}, "Version"),
        h(
          "select",
          { on: { change: (event) => (form.version = Number(event.target.value)) }, required: true },
          candidates.map((one) => h("option", { value: String(one.version), selected: one.version === form.version }, `${one.version}${one.labels.length ? ` (${one.labels.join(", ")})` : ""}`)),
        ),
      ),
      h(
        "label",
        { class: "field" },
        h("span", {}, "Plan"),
        h(
          "select",
          { on: { change: choosePlan } },
          form.plans.map(({ name }) => h("option", { key: name, value: name, selected: name === form.plan }, name)),
          h("option", { key: "own plan", value: OWN, selected: form.plan === OWN }, "a plan of my own …"),
        ),
      ),
    ),
    form.plan === OWN ? own.show() : chosen && stagesInWords(chosen.document),
    whyField((why) => (form.why = why), { autofocus: false }),
    form.fault && problemNote(form.fault, (current) => h("p", {}, current.reason ?? `Generation ${current.generation}.`)),
    h(
      "div",
      { key: "buttons", class: "buttons end" },
      h("button", { type: "button", on: { click: closeDialog } }, "Cancel"),
      h("button", { type: "submit", class: "primary", "aria-disabled": form.busy || unfit ? "true" : null }, form.busy ? "Starting …" : "Start the rollout"),
    ),
  );
}

async function send(model, form, own) {
  Object.assign(form, { busy: true, fault: null });
  redrawDialog();
  try {
    const body = { version: form.version, plan: form.plan === OWN ? own.document : form.plan, why: form.why.trim() };
    const rollout = await change("POST", path("models", model, "rollouts"), { body });
    closeDialog();
    toast(`Rollout ${rollout.id} of version ${rollout.version} was started.`);
    location.hash = link("models", model, "rollouts", rollout.id);
  } catch (problem) {
    form.fault = problem;
    form.busy = false;
    redrawDialog();
  }
}

const stagesInWords = (plan) =>
  h(
    "p",
    { class: "note", key: "stages" },
    `Stages: ${plan.stages.map(stageName).join(" → ")}. `,
    `False rollback at most ${percent(plan.alpha)} (α), a bad version passes a stage in at most ${percent(plan.beta)} (β). `,
    `At the end: ${words(plan.promotion)}.`,
  );
