/* Asking before anything is changed: what will happen, and why it is wanted. Nothing is sent before that is confirmed. */
import { h } from "../dom.js";
import { closeDialog, openDialog, redrawDialog } from "./dialog.js";
import { toast } from "./toast.js";

/* title, verb   what the dialog and its button are called; `danger` for what takes something away
   what()        what will happen, as parts of the page; asked again while the dialog is open
   preview()     optional: asks the server what would happen; its answer is given to `what`
   impossible()  optional: why it cannot be done as things are now, as a sentence; null where it can
   ask(why)      does it; its answer is given to `done`, which says what came of it
   current(doc)  optional: how things are now, at a conflict
   asksWhy       false where there is no record that would keep the reason */
export function confirm(change) {
  const state = { preview: null, busy: false, fault: null, why: "" };
  openDialog({ title: change.title, show: () => shown(change, state) });
  if (change.preview) look(change, state);
}

async function look(change, state) {
  Object.assign(state, { preview: null, fault: null, busy: true });
  redrawDialog();
  try {
    state.preview = await change.preview();
  } catch (problem) {
    state.fault = problem;
  }
  state.busy = false;
  redrawDialog();
}

async function send(change, state) {
  Object.assign(state, { busy: true, fault: null });
  redrawDialog();
  try {
    const answer = await change.ask(state.why.trim(), state.preview);
    closeDialog();
    toast(change.done(answer));
  } catch (problem) {
    state.fault = problem;
    state.busy = false;
    redrawDialog();
  }
}

function shown(change, state) {
  const { busy, fault, preview } = state;
  const looking = change.preview && !preview && !fault;
  const impossible = change.impossible?.(preview) ?? null;
  const conflict = fault?.status === 409;
  const submit = (event) => {
    event.preventDefault();
    if (!busy && !impossible && !conflict && !looking) send(change, state);
  };
  return h(
    "form",
    { class: "confirm", on: { submit } },
    h("div", { key: "what", class: "what" }, looking ? h("p", { class: "soft" }, "Asking what would happen …") : change.what(preview)),
    impossible && h("p", { key: "impossible", class: "notice mild", role: "status" }, impossible),
    fault && problemNote(fault, change.current),
    change.asksWhy !== false && whyField((why) => (state.why = why)),
    h(
      "div",
      { key: "buttons", class: "buttons end" },
      h("button", { type: "button", on: { click: closeDialog } }, conflict ? "Close" : "Cancel"),
      conflict
        ? h("button", { key: "again", type: "button", on: { click: () => again(change, state) } }, "Look again")
        : h(
            "button",
            { key: "go", type: "submit", class: change.danger ? "danger" : "primary", "aria-disabled": busy || impossible || looking ? "true" : null },
            busy && !looking ? "Sending …" : change.verb,
          ),
    ),
  );
}

function again(change, state) {
  if (change.preview) return look(change, state);
  state.fault = null;
  redrawDialog();
}

/* What went wrong, with every fault that has a field, and what is there now at a conflict. */
export const problemNote = (problem, current) =>
  h(
    "div",
    { key: "problem", class: "notice bad", role: "alert" },
    h("p", {}, problem.status === 409 && h("b", {}, "Nothing was changed. "), problem.message),
    problem.errors.length > 0 && !problem.message.includes(problem.errors[0].reason) &&
      h("ul", {}, problem.errors.map(({ field, reason }) => h("li", {}, h("code", {}, field), " ", reason))),
    problem.current && current && h("div", { class: "current" }, h("p", {}, h("b", {}, "This is how it is now:")), current(problem.current)),
  );

/* The reason, without which nothing is changed. */
export const whyField = (hears, { autofocus = true } = {}) =>
  h(
    "label",
    { key: "why", class: "field" },
    h("span", {}, "Why ", h("span", { class: "soft" }, "(kept in the record, with your name)")),
    h("textarea", { rows: "2", required: true, maxlength: "1000", autofocus, on: { input: (event) => hears(event.target.value), keydown: sendByKey } }),
  );

/* Ctrl+Enter sends from within a field of several lines. */
function sendByKey(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
}
