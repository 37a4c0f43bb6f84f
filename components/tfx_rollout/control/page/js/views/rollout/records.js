/* What was said, what happened and what was ordered, newest first. */
import { h } from "../../dom.js";
import { call } from "../../parts/pill.js";
import { reasonsOf, sentences } from "../../parts/sentences.js";
import { table } from "../../parts/table.js";
import { moment } from "../../parts/time.js";
import { evidence, integer, words } from "../../words.js";

export function verdictsTable(report) {
  const rows = report.verdicts.map((row) => ({
    key: String(row.from_window),
    cells: [
      row.to_window === row.from_window ? `${row.from_window}` : `${row.from_window}–${row.to_window}`,
      moment(row.end),
      row.stage == null ? "" : `stage ${row.stage}`,
      call(row.call),
      evidence(row.e_value),
      reasonsOf(row.reasons),
    ],
  }));
  return section(
    "verdicts",
    "Verdicts",
    table(
      "Verdicts",
      [{ name: "windows", kind: "t", told: "windows" }, { name: "until (UTC)", kind: "t" }, { name: "stage", kind: "t" }, { name: "verdict" }, { name: "evidence", kind: "n", told: "evidence" }, { name: "because", kind: "w" }],
      rows.reverse(),
      "No window was judged yet.",
    ),
    h("p", { class: "note" }, "Windows in a row with the same verdict are one line, with the reasons of the last.", report.verdicts_left_out > 0 && ` ${integer(report.verdicts_left_out)} lines in the middle are left out.`),
  );
}

export const eventsTable = (report) =>
  section(
    "events",
    "What happened, and by whom",
    table(
      "Events",
      [{ name: "at (UTC)", kind: "t" }, { name: "event", kind: "t" }, { name: "then" }, { name: "by", told: "by" }, { name: "why", kind: "w" }],
      report.events
        .map((event) => ({
          key: String(event.number),
          cells: [moment(event.at), words(event.event), call(event.to), event.by === "controller" ? event.by : h("b", {}, event.by), sentences(event.reason)],
        }))
        .reverse(),
      "Nothing yet.",
    ),
  );

export const ordersTable = (report) =>
  report.orders.length > 0 &&
  section(
    "orders",
    "Orders",
    table(
      "Orders",
      [{ name: "at (UTC)", kind: "t" }, { name: "order", kind: "t" }, { name: "taken up" }, { name: "by", told: "by" }, { name: "why", kind: "w" }],
      report.orders.map((order) => ({ key: String(order.number), cells: [moment(order.at), words(order.kind), order.taken ? "taken up" : "waits", h("b", {}, order.by), order.why] })).reverse(),
      "",
    ),
  );

const section = (id, title, ...parts) => h("section", { key: id, "aria-labelledby": id }, h("h2", { id }, title), ...parts);
