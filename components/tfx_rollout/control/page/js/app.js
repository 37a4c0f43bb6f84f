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

/* A view is `view(app, ...names)`, where `app` is what it may ask of the frame (see `#handle`). It gives `title()`, `crumbs()`, `show()` (the parts of the page) and, where it holds on to
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
      const refused = await this.#whoami();
      if (opened !== this.#opened) return;
      if (!session.me) {
        this.#show(signIn(this, why || refused));
        return;
      }
    }
    const [name, ...names] = route();
    this.#show(VIEWS[name](this.#handle(opened), ...names));
  }

  /* What a view may ask for; nothing any more when another one is shown, since answers can come late. */
  #handle(number) {
    const ifShown = (act) => (...given) => (number === this.#opened ? act(...given) : undefined);
    return {
      update: ifShown(() => this.update()),
      /* Follow server-sent events while this view is shown. `hears` has a function for each type of event; `opened` is called
         whenever the connection is there (again), since what happened meanwhile may not be told. */
      follow: ifShown((where, hears, opened) => this.#follow(where, hears, opened)),
      /* What is followed has ended. */
      unfollow: ifShown(() => this.#stream?.finish()),
      /* The view cannot be shown, for this reason. */
      fail: ifShown((problem) => {
        this.fault = problem;
        this.update();
      }),
    };
  }

  #follow(where, hears, opened = () => {}) {
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

  /* Finds out who is signed in. Gives why the token that is there was refused, if it was. */
  async #whoami() {
    const { token } = session;
    try {
      session.me = await get("/v1/me");
    } catch (problem) {
      if (problem.status === 401) session.signOut();
      else this.fault = problem;
      return problem.status === 401 && token ? problem.message : "";
    }
    return "";
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
