/* A part of a view under its heading; `tools` stand beside that. */
import { h } from "../dom.js";

export const section = (id, title, tools, ...inside) =>
  h("section", { key: id, "aria-labelledby": id }, h("div", { class: "section-head", key: "head" }, h("h2", { id }, title), tools), ...inside);
