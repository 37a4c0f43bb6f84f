/* An A/B test that runs, at a glance. */
import { h } from "../dom.js";
import { link } from "../router.js";
import { plural } from "../words.js";
import { pill } from "./pill.js";
import { sentences } from "./sentences.js";
import { until } from "./time.js";

export const experimentCard = (now) =>
  h(
    "section",
    { class: "running", key: now.id, "aria-labelledby": "running-experiment" },
    h(
      "div",
      { class: "running-head" },
      h("h2", { id: "running-experiment" }, h("a", { href: link("models", now.model, "experiments", now.id) }, `A/B test ${now.name}`)),
      pill(now.phase),
      h("span", { class: "soft" }, `${plural(now.arms.length, "arm")}, judged by ${now.metric}`),
    ),
    h("div", { class: "said" }, sentences(now.reason)),
    now.until != null && h("p", { class: "soft" }, "Without a decision it ends ", until(now.until), "."),
  );
