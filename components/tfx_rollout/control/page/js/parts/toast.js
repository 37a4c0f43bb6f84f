/* What came of something a person did, said once and told to screen readers. */
import { h, render } from "../dom.js";

const STAYS = 8000;
let shown = [];
let number = 0;

export function toast(text, kind = "good") {
  const one = { key: ++number, text, kind };
  shown = [...shown.slice(-2), one];
  draw();
  if (kind === "good") setTimeout(() => dismiss(one.key), STAYS);
}

function dismiss(key) {
  shown = shown.filter((one) => one.key !== key);
  draw();
}

function draw() {
  // A dialog is above everything else, and so must be what is said about it.
  const place = document.getElementById("toasts");
  render(
    place,
    shown.map(({ key, text, kind }) =>
      h(
        "div",
        { key, class: `toast ${kind}` },
        h("p", {}, text),
        h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", on: { click: () => dismiss(key) } }, "✕"),
      ),
    ),
  );
}
