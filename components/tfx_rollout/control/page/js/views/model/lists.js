/* The rollouts and A/B tests of a model, newest first. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { sentences } from "../../parts/sentences.js";
import { table } from "../../parts/table.js";
import { moment } from "../../parts/time.js";
import { link } from "../../router.js";
import { evidence, digits } from "../../words.js";

export const rolloutsTable = (found) =>
  table(
    "Rollouts",
    [{ name: "begun (UTC)", kind: "t" }, { name: "version", kind: "t" }, { name: "outcome" }, { name: "evidence", kind: "n", told: "evidence" }, { name: "plan", told: "plan" }, { name: "by", told: "by" }, { name: "reason", kind: "w" }],
    found.rollouts.map((one) => ({
      key: one.id,
      cells: [
        h("a", { href: link("models", one.model, "rollouts", one.id) }, moment(one.created_at)),
        `version ${one.version}`,
        call(one.outcome ?? one.phase),
        one.e_value == null ? "–" : `${evidence(one.e_value)} of ${digits(one.threshold)}`,
        one.plan,
        one.by,
        sentences(one.reason),
      ],
    })),
    "No rollout yet.",
  );

export const experimentsTable = (found) =>
  table(
    "A/B tests",
    [{ name: "begun (UTC)", kind: "t" }, { name: "test" }, { name: "outcome" }, { name: "metric", told: "metric" }, { name: "by", told: "by" }, { name: "reason", kind: "w" }],
    found.experiments.map((one) => ({
      key: one.id,
      cells: [h("a", { href: link("models", one.model, "experiments", one.id) }, moment(one.created_at)), one.name, call(one.outcome ?? one.phase), one.metric, one.by, sentences(one.reason)],
    })),
    "No A/B test yet.",
  );
