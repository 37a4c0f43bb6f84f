/* What is around every view: where one is, whether it is live, who is signed in. */
import { h, render } from "./dom.js";
import { session } from "./session.js";
import { link } from "./router.js";

const STATES = {
  connecting: ["mild", "connecting …", "Connecting to the server."],
  live: ["good", "live", "Live: what is shown changes by itself."],
  reconnecting: ["bad", "reconnecting …", "The connection is lost; what is shown may be old. Trying again."],
  asleep: ["plain", "asleep", "Not followed while the tab is hidden."],
  ended: ["plain", "ended", "It has ended; nothing more will come."],
  refused: ["bad", "refused", "The server refused to tell."],
};

export function frame(app, crumbs) {
  render(
    document.getElementById("top"),
    h(
      "header",
      { class: "frame" },
      h(
        "nav",
        { "aria-label": "Where you are" },
        h(
          "ol",
          { class: "crumbs" },
          h("li", {}, h("a", { class: "brand", href: "#/" }, mark(), "tfx-rollout")),
          crumbs.map(([text, href], i) =>
            h("li", { key: `${i} ${text}` }, href ? h("a", { href }, text) : h("span", { "aria-current": "page" }, text)),
          ),
        ),
      ),
      h("div", { class: "frame-end" }, live(app.connection), who(app)),
    ),
  );
}

function live(connection) {
  const [tone, text, explained] = STATES[connection?.state] ?? ["plain", "", ""];
  return h("p", { class: `live ${tone}`, role: "status", title: explained }, text && h("span", { class: "pulse", "aria-hidden": "true" }), text);
}

function who(app) {
  if (!session.me) return null;
  const { name, role } = session.me;
  return h(
    "div",
    { class: "who" },
    h("span", {}, name, " ", h("span", { class: "soft" }, `(${role})`)),
    session.may("admin") && h("a", { href: link("access") }, "Access"),
    session.token && h("button", { type: "button", class: "quiet", on: { click: () => signOut(app) } }, "Sign out"),
  );
}

function signOut(app) {
  session.signOut();
  app.open();
}

const mark = () =>
  h(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true" },
    h("path", { class: "mark-new", d: "M4 24c8 0 9-3 11-8s4-8 13-8" }),
    h("path", { class: "mark-old", d: "M4 24h24" }),
  );
