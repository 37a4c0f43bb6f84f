/* Moments as `<time>`: UTC on the face, the whole of it for machines and as a tooltip. */
import { h } from "../dom.js";
import { ago, duration, now, utc } from "../words.js";

const iso = (at) => new Date(1000 * at).toISOString();

export const moment = (at) => (at == null ? "–" : h("time", { datetime: iso(at), title: `${iso(at).slice(0, 19).replace("T", " ")} UTC` }, utc(at)));

export const age = (at) => (at == null ? "–" : h("time", { datetime: iso(at), title: `${iso(at).slice(0, 19).replace("T", " ")} UTC` }, ago(at)));

/* "in 4 min", or "since 10 s" where the moment is over. */
export const until = (at) =>
  h("time", { datetime: iso(at), title: `${utc(at)} UTC` }, at >= now() ? `in ${duration(at - now())}` : `since ${duration(now() - at)}`);
