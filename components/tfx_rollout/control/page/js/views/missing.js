/* An address that names nothing. */
import { h } from "../dom.js";

export const missing = () => ({
  title: () => "Not found",
  crumbs: () => [["Not found"]],
  show: () => [h("h1", {}, "There is nothing here"), h("p", {}, "The address names no part of this page. ", h("a", { href: "#/" }, "See all models"), ".")],
});
