/* A rollout that runs, at a glance: where it is, its evidence, what can be ordered. */
import { h } from "../dom.js";
import { link } from "../router.js";
import { words } from "../words.js";
import { evidenceMeter } from "./meter.js";
import { orderButtons } from "./orders.js";
import { pill } from "./pill.js";
import { sentences } from "./sentences.js";
import { until } from "./time.js";
import { progress, stageInWords } from "./timeline.js";

/* `rollout()` gives it as the page shows it at any moment. */
export function rolloutCard(rollout) {
  const now = rollout();
  return h(
    "section",
    { class: "running", key: now.id, "aria-labelledby": "running-rollout" },
    h(
      "div",
      { class: "running-head" },
      h("h2", { id: "running-rollout" }, h("a", { href: link("models", now.model, "rollouts", now.id) }, `Rollout of version ${now.version}`)),
      pill(now.phase),
      progress(now),
      h("span", {}, stageInWords(now)),
    ),
    h("div", { class: "said" }, sentences(now.reason)),
    now.remaining && h("p", { class: "soft" }, now.remaining),
    now.asked.length > 0 && h("p", { class: "notice mild" }, `A person is asked about: ${now.asked.map(words).join(", ")}.`),
    now.deadline != null && h("p", { class: "soft" }, "The plan decides ", until(now.deadline), "."),
    h("div", { class: "running-foot" }, evidenceMeter(now.e_value, now.threshold), orderButtons(rollout)),
  );
}
