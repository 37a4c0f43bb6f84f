/* How something stands, in a word: its tone by colour and by sign. */
import { h } from "../dom.js";
import { words } from "../words.js";

const TONES = {
  good: ["promoted", "first_version", "passed", "pass", "advance", "holding", "settled", "AVAILABLE", "winner", "better"],
  bad: ["rolled_back", "rolling_back", "stepping_back", "failed", "rollback", "fault", "worse", "harmful"],
  busy: ["queued", "submitted", "loading", "going_live", "running", "promoting", "ending"],
  mild: ["ask", "inconclusive", "awaiting_approval", "paused", "changing", "stopped"],
};
const SIGNS = { good: "✓", bad: "✗", busy: "●", mild: "!", plain: "·" };

export const tone = (word) => Object.keys(TONES).find((name) => TONES[name].includes(word)) ?? "plain";

export const pill = (word, text = words(word), kind = tone(word)) =>
  h("span", { class: `pill ${kind}` }, h("span", { "aria-hidden": "true" }, `${SIGNS[kind]} `), text);

/* The same within a table: no frame. */
export const call = (word, text = words(word)) => h("span", { class: `call ${tone(word)}` }, text);
