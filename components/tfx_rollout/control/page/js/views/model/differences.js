/* What should be and is not, and why not. */
import { h } from "../../dom.js";
import { table } from "../../parts/table.js";
import { words } from "../../words.js";

export const differences = (model) =>
  model.differences.length > 0 &&
  h(
    "section",
    { key: "differences", "aria-labelledby": "differences" },
    h("h2", { id: "differences" }, "Not yet as it should be"),
    table(
      "Differences between what is wanted and what is in force",
      [{ name: "what", kind: "t" }, { name: "wanted", told: "wanted" }, { name: "in force", told: "in force" }, { name: "why", kind: "w" }],
      model.differences.map(({ what, wanted, found, why }, i) => ({ key: `${what} ${wanted} ${i}`, cells: [h("b", {}, words(what)), wanted, found, why] })),
      "",
    ),
  );
