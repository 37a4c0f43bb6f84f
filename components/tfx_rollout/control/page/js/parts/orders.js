/* The buttons of a rollout: what may be ordered in its phase, each with what it will do. */
import { change, path } from "../api.js";
import { h } from "../dom.js";
import { session } from "../session.js";
import { capital, percent, words } from "../words.js";
import { confirm } from "./confirm.js";
import { pill } from "./pill.js";
import { sentences } from "./sentences.js";

const version = (rollout) => `version ${rollout.version}`;
const back = (rollout) => (rollout.stable == null ? "" : `All traffic goes back to version ${rollout.stable}. `);

const ORDERS = {
  approve: {
    verb: "Approve",
    kind: "primary",
    what: (r) =>
      r.asked.length
        ? `What is asked about (${r.asked.map(words).join(", ")}) is accepted, and not asked again in this rollout. It goes on.`
        : r.phase === "holding" || r.stage >= r.stages
          ? `All stages have passed: ${version(r)} becomes live for everybody.`
          : `It goes on to stage ${r.stage + 1} of ${r.stages}.`,
    otherwise: "It does not wait for an approval.",
  },
  promote: {
    verb: "Promote",
    kind: "primary",
    what: (r) =>
      `${capital(version(r))} becomes live for everybody now${r.stable == null ? "" : `, in place of version ${r.stable}`}.` +
      (r.passed ? "" : ` Not all stages have passed (it is in stage ${r.stage} of ${r.stages}), so there is no evidence for the rest.`),
    otherwise: "It cannot be promoted in this phase.",
  },
  pause: {
    verb: "Pause",
    what: (r) => `Traffic stays as it is, ${percent(r.share)} on ${version(r)}, and is still watched: a regression is rolled back. The time does not count.`,
    otherwise: "There is nothing to pause in this phase.",
  },
  resume: {
    verb: "Resume",
    what: (r) => `Stage ${r.stage} of ${r.stages} goes on with the time that was left.`,
    otherwise: "It is not paused.",
  },
  skip: {
    verb: "Skip the stage",
    what: (r) => `Stage ${r.stage + 1} of ${r.stages} begins at once, without the evidence that stage ${r.stage} was to give.`,
    otherwise: "There is no next stage to skip to.",
  },
  abort: {
    verb: "Abort",
    kind: "danger",
    what: (r) => `${back(r)}${capital(version(r))} gets no traffic any more, by the steps of the plan, and this rollout ends.`,
    otherwise: "There is nothing to abort any more.",
  },
  rollback: {
    verb: "Roll back",
    kind: "danger",
    what: (r) => `${back(r)}${capital(version(r))} gets no traffic any more, and this rollout ends as rolled back.`,
    otherwise: "There is nothing to roll back any more.",
  },
};

/* `rollout()` gives the rollout as the page shows it at any moment. */
export function orderButtons(rollout) {
  const now = rollout();
  if (now.finished || !session.may("operate")) return null;
  const possible = new Set(now.possible_orders);
  const waits = now.orders.length > 0;
  // Pause and resume are one place; so are going back before and after all stages have passed.
  const pausing = possible.has("resume") ? "resume" : "pause";
  const ending = possible.has("rollback") && (now.passed || !possible.has("abort")) ? "rollback" : "abort";
  const kinds = [...(possible.has("approve") ? ["approve"] : []), "promote", pausing, "skip", ending];
  return h(
    "div",
    { class: "buttons", role: "group", "aria-label": "What can be ordered" },
    kinds.map((kind) => {
      const { verb, otherwise } = ORDERS[kind];
      const look = kind === "promote" && !now.passed ? null : ORDERS[kind].kind; // what no evidence asks for is not put forward
      const reason = waits ? `An order to ${now.orders[0].kind} waits to be taken up.` : possible.has(kind) ? null : otherwise;
      const id = `no-${kind}-${now.id}`;
      return h(
        "span",
        { key: kind, class: "offer" },
        h(
          "button",
          {
            type: "button",
            class: reason ? null : look,
            "aria-disabled": reason ? "true" : null,
            "aria-describedby": reason ? id : null,
            title: reason,
            on: { click: () => ask(rollout, kind) },
          },
          verb,
        ),
        reason && h("span", { id, class: "hidden" }, reason),
      );
    }),
  );
}

function ask(rollout, kind) {
  const { verb, what, otherwise, kind: look } = ORDERS[kind];
  const began = rollout();
  if (!began.possible_orders.includes(kind) || began.orders.length) return;
  let now = false;
  const at = (r) => `${r.phase} ${r.stage}`;
  confirm({
    title: `${verb}: ${began.model} version ${began.version}`,
    verb,
    danger: look === "danger",
    what: () => [
      h("p", {}, what(rollout())),
      h("div", { class: "standing" }, "Now: ", standing(rollout())),
      at(rollout()) !== at(began) && h("p", { class: "notice mild", role: "status" }, `This changed while you were reading: it was ${words(began.phase)}, stage ${began.stage}.`),
      look === "danger" &&
        began.possible_orders.includes("rollback") &&
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", on: { change: (event) => (now = event.target.checked) } }),
          " At once, without the plan's steps on the way back",
        ),
    ],
    impossible: () => (rollout().possible_orders.includes(kind) ? null : `${otherwise} It is ${words(rollout().phase)} now.`),
    ask: (why) => {
      const { model, id, revision } = rollout();
      const body = now ? { kind: "rollback", why, now } : { kind, why };
      return change("POST", path("models", model, "rollouts", id, "orders"), { body, match: revision });
    },
    done: (order) => `Ordered to ${order.kind} (order ${order.number}); the supervisor takes it up within a second.`,
    current: (document) => h("div", {}, standing(document)),
  });
}

const standing = (r) => [pill(r.outcome ?? r.phase), ` stage ${r.stage} of ${r.stages}, ${percent(r.share)} on version ${r.version}.`, h("div", { class: "said" }, sentences(r.reason))];
