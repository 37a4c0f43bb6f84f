/* Saving a report. It is asked for with the token, so it cannot be a plain link. */
import { headers, problemOf } from "../api.js";
import { h } from "../dom.js";
import { toast } from "./toast.js";

export const saveReport = (where, name) =>
  h(
    "div",
    { class: "buttons" },
    h("button", { type: "button", on: { click: () => save(`${where}/report?format=html`, `${name}.html`) } }, "Save the report (page)"),
    h("button", { type: "button", on: { click: () => save(`${where}/report`, `${name}.json`) } }, "Save the data (JSON)"),
  );

async function save(where, name) {
  try {
    const answer = await fetch(where, { headers: headers() });
    if (!answer.ok) throw await problemOf(answer);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    toast(error.message, "bad");
  }
}
