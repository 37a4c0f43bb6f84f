/* Who may do what, and who did: tokens and the audit trail, for administrators. */
import { change, get, path } from "../api.js";
import { h } from "../dom.js";
import { confirm, problemNote } from "../parts/confirm.js";
import { closeDialog, openDialog, redrawDialog } from "../parts/dialog.js";
import { Pages } from "../parts/pages.js";
import { section } from "../parts/section.js";
import { table } from "../parts/table.js";
import { moment } from "../parts/time.js";
import { link } from "../router.js";

const SHOWN = 50; // entries of the audit trail at once
const ROLES = [
  ["read", "see everything but tokens and the audit trail"],
  ["operate", "and start, steer and change"],
  ["admin", "and remove versions for good, make tokens, read the audit trail"],
];

export function access(app) {
  let tokens = null;
  const audit = new Pages(app, "entries of the audit trail", path("audit"), SHOWN);
  async function read() {
    audit.read();
    try {
      tokens = await get(path("tokens"));
      app.update();
    } catch (problem) {
      app.fail(problem);
    }
  }
  read();
  return {
    title: () => "Access",
    crumbs: () => [["Access"]],
    show: () => [
      h("h1", {}, "Access"),
      tokens && section("tokens", "Tokens", h("button", { type: "button", class: "primary", on: { click: () => create(read) } }, "Make a token …"), tokensTable(tokens, read)),
      section("audit", "Audit trail", audit.turner(), audit.show(auditTable)),
    ],
  };
}

const tokensTable = ({ tokens }, read) =>
  table(
    "Tokens",
    [{ name: "name" }, { name: "role" }, { name: "made (UTC)", kind: "t", told: "made" }, { name: "by", told: "by" }, { name: "until (UTC)", kind: "t", told: "until" }, { name: "" }],
    tokens.map((token) => ({
      key: token.name,
      cells: [
        h("b", {}, token.name),
        token.role,
        moment(token.created_at),
        token.created_by,
        token.expires_at == null ? "for ever" : moment(token.expires_at),
        h("button", { type: "button", class: "danger", "aria-label": `Revoke the token ${token.name}`, on: { click: () => revoke(token, read) } }, "Revoke"),
      ],
    })),
    "No token was ever made: everybody on this machine may do everything. The first one ends that.",
  );

const auditTable = ({ entries }) =>
  table(
    "Changes that were asked for",
    [{ name: "at (UTC)", kind: "t" }, { name: "by", told: "by" }, { name: "model", told: "model" }, { name: "asked for" }, { name: "status", kind: "n", told: "status" }, { name: "what came of it", kind: "w" }],
    entries.map((entry, i) => ({
      key: `${entry.at} ${i}`,
      cells: [
        moment(entry.at),
        [h("b", {}, entry.by), h("span", { class: "soft" }, ` (${entry.role})`)],
        entry.model ? h("a", { href: link("models", entry.model) }, entry.model) : "–",
        entry.action,
        h("span", { class: entry.status < 400 ? null : "bad" }, String(entry.status)),
        entry.detail,
      ],
    })),
    "No change was asked for yet.",
  );

function revoke(token, read) {
  confirm({
    title: `Revoke the token ${token.name}`,
    verb: "Revoke",
    danger: true,
    what: () => h("p", {}, `Whoever uses this token (${token.role}) is refused from then on. It cannot be given back; a new one can be made.`),
    asksWhy: false,
    ask: async () => {
      await change("DELETE", path("tokens", token.name));
      await read();
    },
    done: () => `The token ${token.name} is revoked.`,
  });
}

function create(read) {
  const form = { name: "", role: "read", days: "", fault: null, made: null };
  const submit = async (event) => {
    event.preventDefault();
    try {
      const body = { name: form.name, role: form.role, ...(form.days ? { days: Number(form.days) } : {}) };
      form.made = await change("POST", path("tokens"), { body });
      form.fault = null;
      read();
    } catch (problem) {
      form.fault = problem;
    }
    redrawDialog();
  };
  openDialog({ title: "Make a token", show: () => (form.made ? secret(form.made) : fields(form, submit)) });
}

const secret = (made) => [
  h("p", {}, `The token of ${made.name} (${made.role}). It is shown this once, and only its hash is kept.`),
  h("pre", { class: "secret", tabindex: "0", "aria-label": "The token" }, made.secret),
  h("div", { class: "buttons end" }, h("button", { type: "button", class: "primary", on: { click: closeDialog } }, "I have it")),
];

const fields = (form, submit) =>
  h(
    "form",
    { on: { submit } },
    h("label", { class: "field" }, h("span", {}, "Name ", h("span", { class: "soft" }, "(who uses it)")), h("input", { type: "text", required: true, autocomplete: "off", autofocus: true, on: { input: (event) => (form.name = event.target.value) } })),
    h(
      "fieldset",
      { class: "field" },
      h("legend", {}, "Role"),
      ROLES.map(([role, says]) => h("label", { key: role, class: "check" }, h("input", { type: "radio", name: "role", checked: role === form.role, on: { change: () => (form.role = role) } }), ` ${role} `, h("span", { class: "soft" }, says))),
    ),
    h("label", { class: "field" }, h("span", {}, "Days ", h("span", { class: "soft" }, "(for ever where left out)")), h("input", { type: "number", min: "0.01", max: "3650", step: "any", on: { input: (event) => (form.days = event.target.value) } })),
    form.fault && problemNote(form.fault),
    h("div", { class: "buttons end" }, h("button", { type: "button", on: { click: closeDialog } }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Make it")),
  );
