/* A button for what can be done; grey, and with the reason, where it cannot be done now. */
import { h } from "../dom.js";

/* `reason`: why not, as a sentence; null where it can be done. */
export const offer = (text, reason, act, look) =>
  h(
    "button",
    { key: text, type: "button", class: reason ? null : look, "aria-disabled": reason ? "true" : null, title: reason, on: { click: () => !reason && act() } },
    text,
    reason && h("span", { class: "hidden" }, ` (${reason})`),
  );
