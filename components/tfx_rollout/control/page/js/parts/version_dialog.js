/* One version in full, and what can be done with it. */
import { change, get, path } from "../api.js";
import { h } from "../dom.js";
import { session } from "../session.js";
import { bytes, listed, percent, plural } from "../words.js";
import { confirm } from "./confirm.js";
import { closeDialog, openDialog, redrawDialog } from "./dialog.js";
import { offer } from "./offer.js";
import { startRollout } from "./start_rollout.js";
import { configurationNow, plannedSteps } from "./steps.js";
import { moment } from "./time.js";

/* `overview()` gives the model as the page shows it at any moment. */
export function versionDialog(overview, number) {
  const { model } = overview();
  let whole = null;
  let fault = null;
  const version = () => overview().versions.find((one) => one.version === number);
  get(path("models", model, "versions", number))
    .then((found) => (whole = found), (problem) => (fault = problem))
    .then(redrawDialog);
  openDialog({
    title: `${model} version ${number}`,
    show: () => {
      const found = version();
      if (!found) return h("p", {}, "This version is not there any more.");
      return [manifest(found, whole), fault && h("p", { class: "notice bad" }, fault.message), actions(overview, found), closing()];
    },
  });
}

const closing = () => h("div", { class: "buttons end" }, h("button", { type: "button", on: { click: closeDialog } }, "Close"));

function manifest(version, whole) {
  const facts = [
    ["Published", version.published_at == null ? "–" : moment(version.published_at)],
    ["Size", version.bytes == null ? "–" : `${bytes(version.bytes)}${whole?.files == null ? "" : ` in ${plural(whole.files, "file")}`}`],
    ["Digest", version.digest ? h("code", {}, version.digest) : "not taken yet: it was there before this program"],
    ["Source", version.source ?? (version.adopted ? "adopted as it was found" : "–")],
    ["Share", `${percent(version.share)} in force, ${percent(version.desired_share)} wanted`],
    ["Servers", listed(version.servers.map(({ server, state, error }) => `${server}: ${state}${error ? ` (${error})` : ""}`)) || "on none"],
    ...Object.entries(version.provenance).map(([name, value]) => [name, value]),
  ];
  return [
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", { key: name }, name), h("dd", { key: `${name}=` }, value)])),
    whole?.signatures && h("details", { key: "signatures" }, h("summary", {}, "Signatures"), h("pre", { tabindex: "0" }, JSON.stringify(whole.signatures, null, 2))),
  ];
}

function actions(overview, version) {
  if (!session.may("operate")) return h("p", { class: "soft" }, `You are signed in with the role ${session.me.role}, which may look and not change.`);
  const { labels, rollout, experiment } = overview();
  // What is held may be changed beside a rollout or an A/B test, which have the traffic for themselves.
  const running = rollout ? "A rollout is running." : experiment ? "An A/B test is running." : null;
  const needed = [...version.labels, ...version.aliases];
  const held = needed.length ? `It has ${listed(needed.map((name) => `the name ${name}`))}.` : null;
  const used = held ?? (version.pinned ? "It is pinned." : null);
  const simple = (verb, word, what) => () => ask(overview, version, { verb, word, what });
  return h(
    "div",
    { class: "buttons", role: "group", "aria-label": "What can be done with this version" },
    offer("Roll out …", labels.stable === version.version ? "It is live already." : running, () => startRollout(overview, version.version), "primary"),
    version.held
      ? offer("Unload", used, simple("Unload", "unload", "It is held loaded no more. No traffic moves."))
      : offer("Load", null, simple("Load", "load", "It is held loaded until the next promotion. No traffic moves.")),
    version.pinned
      ? offer("Unpin", null, simple("Unpin", "unpin", "It may be unloaded again, when nothing else needs it."))
      : offer("Pin", null, simple("Pin", "pin", "It stays loaded whatever rollouts do, until it is unpinned.")),
    offer("Set an alias …", null, () => alias(overview, version)),
    version.aliases.map((name) => offer(`Remove alias ${name}`, null, () => unalias(overview, version, name))),
    session.may("admin") &&
      offer("Retire", used ?? (version.held ? "It is loaded; unload it first." : null), () => retire(version, overview().model), "danger"),
  );
}

/* A change of the configuration: dry run first, then for good, on the generation that was looked at. */
function configure({ overview, title, verb, danger, intro, method, where, body, query = () => ({}), done }) {
  let seen = overview().generation;
  confirm({
    title,
    verb,
    danger,
    preview: () => {
      seen = overview().generation;
      return change(method, where(), { body: body?.("a dry run"), query: { ...query("a dry run"), dry_run: true }, match: seen });
    },
    what: (found) => [h("p", {}, intro()), found && plannedSteps(found)],
    impossible: (found) => (found && !found.changed ? "There is nothing to change." : null),
    ask: (why) => change(method, where(), { body: body?.(why), query: query(why), match: seen }),
    done,
    current: configurationNow,
  });
}

function ask(overview, version, { verb, word, what }) {
  const { model } = overview();
  configure({
    overview,
    title: `${verb} ${model} version ${version.version}`,
    verb,
    intro: () => what,
    method: "POST",
    where: () => path("models", model, "versions", version.version, word),
    body: (why) => ({ why }),
    done: ({ configuration }) => `${verb}: written as generation ${configuration.generation}.`,
  });
}

function alias(overview, version) {
  const { model, aliases } = overview();
  let name = "";
  const choose = (event) => {
    event.preventDefault();
    const moved = aliases[name] != null && aliases[name] !== version.version;
    configure({
      overview,
      title: `Alias ${name} for ${model} version ${version.version}`,
      verb: "Set the alias",
      intro: () =>
        `Clients that ask for the label ${name} get version ${version.version}` + (moved ? `, and version ${aliases[name]} no more.` : "."),
      method: "PUT",
      where: () => path("models", model, "aliases", name),
      body: (why) => ({ version: version.version, why }),
      done: ({ configuration }) => `Alias ${name}: written as generation ${configuration.generation}.`,
    });
  };
  openDialog({
    title: `An alias for ${model} version ${version.version}`,
    show: () =>
      h(
        "form",
        { on: { submit: choose } },
        h("p", {}, "A label of your own, that clients can ask for. No share of the traffic goes by it."),
        h(
          "label",
          { class: "field" },
          h("span", {}, "Alias ", h("span", { class: "soft" }, "(small letters, digits, . _ -)")),
          h("input", { type: "text", required: true, pattern: "[a-z0-9][a-z0-9_.\\-]{0,62}", autocomplete: "off", autofocus: true, on: { input: (event) => (name = event.target.value) } }),
        ),
        h("div", { class: "buttons end" }, h("button", { type: "button", on: { click: closeDialog } }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Go on …")),
      ),
  });
}

function unalias(overview, version, name) {
  const { model } = overview();
  configure({
    overview,
    title: `Remove alias ${name} of ${model}`,
    verb: "Remove the alias",
    danger: true,
    intro: () => `Requests that ask for the label ${name} fail from then on. It names version ${version.version} now.`,
    method: "DELETE",
    where: () => path("models", model, "aliases", name),
    query: (why) => ({ why }),
    done: ({ configuration }) => `Alias ${name} is gone: generation ${configuration.generation}.`,
  });
}

/* Return at once to the version that was live before. */
export function rollBackModel(overview) {
  const { model, labels } = overview();
  configure({
    overview,
    title: `Roll back ${model}`,
    verb: "Roll back",
    danger: true,
    intro: () => `Version ${labels.previous} becomes live again for everybody, at once; version ${labels.stable} gets no traffic any more.`,
    method: "POST",
    where: () => path("models", model, "rollback"),
    body: (why) => ({ why }),
    done: ({ configuration }) => `Version ${labels.previous} is to be live again: generation ${configuration.generation}.`,
  });
}

function retire(version, model) {
  confirm({
    title: `Retire ${model} version ${version.version}`,
    verb: "Remove for good",
    danger: true,
    what: () =>
      h("p", {}, `The files of version ${version.version}${version.bytes == null ? "" : ` (${bytes(version.bytes)})`} are removed for good. Its number is never used again. This cannot be undone.`),
    ask: (why) => change("DELETE", path("models", model, "versions", version.version), { query: { why } }),
    done: () => `Version ${version.version} was removed for good.`,
    current: () => null,
  });
}
