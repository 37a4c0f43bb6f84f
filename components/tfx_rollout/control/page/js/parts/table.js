/* Tables that become a list on a phone: each column has its name, and says it there. The roles are spelt out since a table
   that is laid out as a list would lose them. */
import { h } from "../dom.js";

/* `columns`: { name, kind } with kind "n" (a figure), "t" (short, one line), "m" (some words), "w" (sentences) or none.
   `rows`: { key, cells, current } with a cell for each column. `none`: what is said where there are no rows. */
export function table(caption, columns, rows, none) {
  if (!rows.length) return h("p", { class: "note" }, none);
  return h(
    "div",
    { class: "table rows", shown: reachable },
    h(
      "table",
      { role: "table" },
      h("caption", { class: "hidden" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(({ name, kind }) => h("th", { scope: "col", role: "columnheader", class: kind }, name || h("span", { class: "hidden" }, "Actions"))))),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map(({ key, cells, current }) =>
          h(
            "tr",
            { key, role: "row", class: current ? "current" : null },
            cells.map((cell, i) => h("td", { role: "cell", class: columns[i].kind, "data-th": columns[i].told ?? null }, cell)),
          ),
        ),
      ),
    ),
  );
}

/* What is wider than the page must be reached by keyboard, too, to be moved. */
function reachable(place) {
  if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
  else place.removeAttribute("tabindex");
}
