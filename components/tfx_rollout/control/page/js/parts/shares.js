/* Which track has which share: one bar for all, and the same in words. */
import { h } from "../dom.js";
import { listed, percent } from "../words.js";

const ORDER = ["stable", "canary", "variant-b", "variant-c", "variant-d", "variant-e", "variant-f"];

export const dot = (track) => h("span", { class: `dot ${track}`, "aria-hidden": "true" });
export const trackName = (track) => h("span", { class: "track" }, dot(track), track);

const inOrder = (shares) =>
  Object.entries(shares)
    .filter(([, share]) => share > 0)
    .sort(([one], [other]) => ORDER.indexOf(one) - ORDER.indexOf(other));

/* `shares` by track; `versions` by track says which version that is. The figures below it are what one looks for first. */
export function sharesBar(shares, versions) {
  const parts = inOrder(shares);
  if (!parts.length) return h("p", { class: "soft" }, "No traffic is served.");
  const version = (track) => (versions[track] == null ? "" : ` (version ${versions[track]})`);
  return h(
    "div",
    { class: "shares" },
    h(
      "div",
      { class: "bar whole", role: "img", "aria-label": listed(parts.map(([track, share]) => `${track}${version(track)} ${percent(share)}`)) },
      parts.map(([track, share]) => h("span", { key: track, class: `part ${track}`, vars: { share } })),
    ),
    h(
      "ul",
      { class: "legend", "aria-hidden": "true" },
      parts.map(([track, share]) =>
        h("li", { key: track }, dot(track), h("b", {}, percent(share)), versions[track] != null && ` version ${versions[track]}`, h("span", { class: "soft" }, ` ${track}`)),
      ),
    ),
  );
}

/* Wanted and in force of one version, as two bars over each other. */
export const sharePair = (wanted, found, track) =>
  h(
    "div",
    { class: "pair" },
    h("span", { class: "bar", "aria-hidden": "true" }, h("span", { class: `part ${track}`, vars: { share: found } }), wanted !== found && h("span", { class: "wanted", vars: { share: wanted } })),
    h("span", { class: "figure" }, h("b", {}, percent(found)), wanted !== found && h("span", { class: "mild" }, ` of ${percent(wanted)} wanted`)),
  );
