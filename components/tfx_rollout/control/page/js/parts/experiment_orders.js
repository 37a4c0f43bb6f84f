/* Ending an A/B test: back to the live version, or a variant goes live. */
import { change, path } from "../api.js";
import { h } from "../dom.js";
import { session } from "../session.js";
import { percent, words } from "../words.js";
import { confirm } from "./confirm.js";
import { pill } from "./pill.js";
import { sentences } from "./sentences.js";

export function experimentButtons(experiment) {
  const now = experiment();
  if (now.finished || !session.may("operate")) return null;
  const variants = now.arms.filter(({ track, state }) => track !== "stable" && state !== "worse" && state !== "harmful"); // those are out of the test
  const reason = (kind) => (now.possible_orders.includes(kind) ? null : `This cannot be ordered while it is ${words(now.phase)}, or an order waits to be taken up.`);
  const button = (key, text, kind, look, variant) =>
    h(
      "button",
      { key, type: "button", class: reason(kind) ? null : look, "aria-disabled": reason(kind) ? "true" : null, title: reason(kind), on: { click: () => reason(kind) ?? ask(experiment, kind, variant) } },
      text,
      reason(kind) && h("span", { class: "hidden" }, ` (${reason(kind)})`),
    );
  return h(
    "div",
    { class: "buttons", role: "group", "aria-label": "What can be ordered" },
    variants.map((arm) => button(arm.track, `Promote ${arm.track} (version ${arm.version})`, "promote", "primary", arm)),
    button("stop", "Stop the test", "stop", "danger"),
  );
}

function ask(experiment, kind, variant) {
  const began = experiment();
  const control = began.arms.find(({ track }) => track === "stable");
  const impossible = () => (experiment().possible_orders.includes(kind) ? null : `It is ${words(experiment().phase)} now.`);
  const others = began.arms.filter(({ track }) => track !== "stable" && track !== variant?.track).map(({ version }) => version);
  confirm({
    title: kind === "stop" ? `Stop the A/B test ${began.name}` : `Promote ${variant.track} of ${began.name}`,
    verb: kind === "stop" ? "Stop the test" : "Promote",
    danger: kind === "stop",
    what: () => [
      h(
        "p",
        {},
        kind === "stop"
          ? `Version ${control.version} gets all traffic back; the test ends without a winner, and its users see one version again.`
          : `Version ${variant.version} becomes live for everybody in place of version ${control.version}${others.length ? `; version ${others.join(", ")} gets no traffic any more` : ""}. The test ends.`,
      ),
      kind === "promote" && variant.state !== "better" && h("p", { class: "notice mild" }, `It is not proven that ${variant.track} is better: it is ${words(variant.state)}.`),
      h("div", { class: "standing" }, "Now: ", standing(experiment())),
    ],
    impossible,
    ask: (why) => {
      const { model, id, revision } = experiment();
      const body = { kind, why, ...(variant ? { variant: variant.track } : {}) };
      return change("POST", path("models", model, "experiments", id, "orders"), { body, match: revision });
    },
    done: () => `Ordered to ${kind}; the supervisor takes it up within a second.`,
    current: (document) => h("div", {}, standing(document)),
  });
}

const standing = (now) => [
  pill(now.outcome ?? now.phase),
  ` ${now.arms.map((arm) => `${arm.track} ${percent(arm.share_now ?? arm.share)}: ${words(arm.state)}`).join(", ")}.`,
  h("div", { class: "said" }, sentences(now.reason)),
];
