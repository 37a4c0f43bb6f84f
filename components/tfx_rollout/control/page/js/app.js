/* The frame of the page: one view at a time, its live connection, and the moment of every redraw. */
import { get } from "./api.js";
import { h, render } from "./dom.js";
import { closeDialog, redrawDialog } from "./parts/dialog.js";
import { frame } from "./frame.js";
import { route } from "./router.js";
import { session } from "./session.js";
import { Stream } from "./stream.js";
import { access } from "./views/access.js";
import { experiment } from "./views/experiment.js";
import { missing } from "./views/missing.js";
import { model } from "./views/model.js";
import { overview } from "./views/overview.js";
import { rollout } from "./views/rollout.js";
import { signIn } from "./views/sign_in.js";

const VIEWS = { access, experiment, missing, model, overview, rollout };

/* A view is `view(app, ...names)` and gives `title()`, `crumbs()`, `show()` (the parts of the page) and, where it holds on to
   something, `close()`. It calls `app.update()` when it has something new. */
class App {
  /* "live", "reconnecting", "asleep", "ended"; null where the view follows nothing. */
  connection = null;
  fault = null;
  #view = null;
  #stream = null;
  #asked = false;
  #opened = 0;

  /* Show what the address names. `why`: what a person who was signed out is told. */
  async open(why = "") {
    const opened = ++this.#opened;
    this.#close();
    if (!session.me) {
      const known = await this.#whoami();
      if (opened !== this.#opened) return;
      if (!known) {
        this.#show(signIn(this, why));
        return;
      }
    }
    const [name, ...names] = route();
    this.#show(VIEWS[name](this, ...names));
  }

  /* Follow server-sent events while this view is shown. `hears` has a function for each type of event; `opened` is called
     whenever the connection is there (again), since what happened meanwhile may not be told. */
  follow(where, hears, opened = () => {}) {
    this.#stream?.close();
    this.connection = { state: "connecting" };
    this.#stream = new Stream(
      where,
      (type, document) => hears[type]?.(document),
      (state, detail) => {
        if (state === "refused") this.fault = detail;
        if (state === "live") opened();
        this.connection = { state, detail };
        this.update();
      },
    );
  }

  /* What is followed has ended. */
  unfollow() {
    this.#stream?.finish();
  }

  /* The view cannot be shown, for this reason. */
  fail(problem) {
    this.fault = problem;
    this.update();
  }

  /* Redraw before the next frame, once however often it is asked for. */
  update() {
    if (this.#asked) return;
    this.#asked = true;
    queueMicrotask(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #close() {
    closeDialog();
    this.#stream?.close();
    this.#stream = null;
    this.#view?.close?.();
    this.#view = null;
    this.connection = null;
    this.fault = null;
  }

  async #whoami() {
    try {
      session.me = await get("/v1/me");
    } catch (problem) {
      this.fault = problem.status === 401 ? null : problem;
    }
    return session.me !== null;
  }

  #show(view) {
    const before = document.activeElement;
    this.#view = view;
    render(document.getElementById("content")); // nothing of the view before may be taken for the new one's
    this.#draw();
    scrollTo(0, 0);
    // Whoever followed a link goes on reading at the new view's heading, not at a link that is gone.
    if (before && before !== document.body && !before.isConnected) document.getElementById("content").focus({ preventScroll: true });
  }

  #draw() {
    if (!this.#view) return;
    const title = this.#view.title();
    document.title = title ? `${title} · tfx-rollout` : "tfx-rollout";
    frame(this, this.#view.crumbs());
    const shown = this.fault ? [h("h1", { tabindex: "-1" }, title || "tfx-rollout"), faultNote(this.fault)] : this.#view.show();
    render(document.getElementById("content"), ...shown);
    redrawDialog();
  }
}

const faultNote = (problem) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, problem.message),
    h("button", { type: "button", on: { click: () => app.open() } }, "Try again"),
  );

export const app = new App();
