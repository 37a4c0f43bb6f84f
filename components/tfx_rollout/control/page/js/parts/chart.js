/* A chart in its frame: title, what it shows, the drawing, and its last figures in words for those who cannot see it. */
import { h } from "../dom.js";
import { listed } from "../words.js";

const drawn = new WeakMap(); // place → the source of what is drawn there

/* `chart()` describes it as `Charts.Board` wants it; it is drawn anew only for another `source`. `wide`: over the whole width. */
export function chartFigure(board, { name, title, text, wide = false, source, chart }) {
  const id = `chart-${name}`;
  return h(
    "figure",
    { key: id, class: wide ? "chart wide" : "chart" },
    h("figcaption", {}, h("h3", { id }, title), h("p", {}, text)),
    h("div", {
      class: "plot",
      "data-chart": name,
      tabindex: "0",
      role: "group",
      "aria-labelledby": id,
      "aria-describedby": `${id}-words`,
      own: true,
      made: (place) => () => board.forget(place),
      shown: (place) => {
        if (drawn.get(place) === source) return;
        drawn.set(place, source);
        board.show(place, chart());
      },
    }),
    h("p", { id: `${id}-words`, class: "hidden" }, lastInWords(chart())),
  );
}

function lastInWords({ series, data }) {
  const last = (column) => column.findLast((value) => value != null);
  const told = series.map((one, i) => [one.label, last(data[i + 1])]).filter(([, value]) => value != null);
  return told.length ? `Last: ${listed(told.map(([label, value], i) => `${label} ${series[i].value(null, value)}`))}.` : "Nothing to show yet.";
}

/* How charts are read and zoomed, and where the keyboard's cursor is told. */
export const chartTools = (board, ...more) =>
  h(
    "div",
    { class: "tools", key: "chart-tools" },
    ...more,
    h("button", { type: "button", on: { click: () => board.wholeTime() } }, "Whole time"),
    h("span", { class: "how" }, "Drag to look closer. With a chart focused: ", h("kbd", {}, "←"), " ", h("kbd", {}, "→"), " read, ", h("kbd", {}, "+"), " ", h("kbd", {}, "−"), " zoom, ", h("kbd", {}, "Esc"), " back. Times are UTC."),
  );

export const newBoard = (name) => new Charts.Board(name, (text) => (document.getElementById("said").textContent = text));
