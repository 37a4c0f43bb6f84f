/* Asking for a token. It is kept in this tab only. */
import { h } from "../dom.js";
import { session } from "../session.js";

export function signIn(app, why) {
  let token = "";
  const submit = (event) => {
    event.preventDefault();
    session.signIn(token.trim());
    app.open();
  };
  return {
    title: () => "Sign in",
    crumbs: () => [],
    show: () => [
      h(
        "section",
        { class: "sign-in" },
        h("h1", {}, "Sign in"),
        h("p", {}, "This server asks for a token. An administrator makes one with ", h("code", {}, "tfx-rollout token create"), "."),
        why && h("p", { class: "notice bad", role: "alert" }, why),
        h(
          "form",
          { on: { submit } },
          h(
            "label",
            { class: "field" },
            h("span", {}, "Token"),
            h("input", {
              type: "password",
              required: true,
              autocomplete: "off",
              spellcheck: "false",
              made: (field) => queueMicrotask(() => field.focus()),
              on: { input: (event) => (token = event.target.value) },
            }),
          ),
          h("p", { class: "note" }, "It is kept in this tab only, and forgotten when you sign out or close it."),
          h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Sign in")),
        ),
      ),
    ],
  };
}
