/* One dialog at a time, above everything else. The browser keeps the focus in it, and gives it back where it was. */
import { h, render } from "../dom.js";

const place = document.getElementById("dialog");
let current = null;
let touched = false; // whether somebody wrote or chose something in it

/* `show()` gives what is in it, and is asked again whenever the page is redrawn. `wide`: for texts with many lines. */
export function openDialog({ title, show, wide = false }) {
  current = { title, show, wide };
  touched = false;
  redrawDialog();
  if (!place.open) place.showModal();
  place.scrollTop = 0;
  (place.querySelector("[autofocus]") ?? place.querySelector("h2")).focus();
}

export function closeDialog() {
  place.close();
}

export function redrawDialog() {
  if (!current) return;
  const { title, show, wide } = current;
  place.className = wide ? "wide" : "";
  render(place, h("h2", { key: title, id: "dialog-title", tabindex: "-1" }, title), h("div", { key: `in ${title}`, class: "dialog-body" }, show()));
}

place.addEventListener("close", () => {
  current = null;
  render(place);
});
place.addEventListener("input", () => (touched = true));
// A press beside it closes it, unless what was written or chosen would be lost.
place.addEventListener("mousedown", (event) => {
  if (event.target === place && !touched) place.close();
});
