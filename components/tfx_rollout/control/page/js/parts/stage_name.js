/* What a stage does with the traffic, in a word. */
import { percent } from "../words.js";

export function stageName(stage) {
  if (stage.kind === "shadow") return `shadow, copies of ${percent(stage.mirror ?? 1)}`;
  if (stage.kind === "header") return "by header only";
  if (stage.kind === "bake") return `bake at ${percent(1 - (stage.hold_back ?? 0.05))}`;
  return percent(stage.share);
}
