/* What should be and is not, what is done about it, and why not yet. */
import { h } from "../../dom.js";
import { section } from "../../parts/section.js";
import { table } from "../../parts/table.js";
import { words } from "../../words.js";

export const differences = ({ differences: found, step, fault }) =>
  (found.length > 0 || (step && !fault)) &&
  section(
    "differences",
    "Not yet as it should be",
    null,
    !fault && step && h("p", { class: "doing", key: "step" }, h("b", {}, "Now: "), step),
    found.length > 0 && table(
      "Differences between what is wanted and what is in force",
      [{ name: "what", kind: "t" }, { name: "wanted", told: "wanted" }, { name: "in force", told: "in force" }, { name: "why", kind: "w" }],
      found.map(({ what, wanted, found: there, why }, i) => ({ key: `${what} ${wanted} ${i}`, cells: [h("b", {}, words(what)), wanted, there, why] })),
      "",
    ),
  );
