/* Charts over time, drawn by uPlot: what the report's page and the control page have in common. Nothing is ever fetched here. */
"use strict";
const Charts = (() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "gray";

  // Numbers and times as people read them.
  const digits = (value, most = 3) => value.toLocaleString("en", { maximumSignificantDigits: most });
  const percent = (value) => (value == null ? "–" : `${digits(100 * value)}\u00a0%`);
  const ms = (value) => (value == null ? "–" : `${digits(value)}\u00a0ms`);
  const rate = (value) => (value == null ? "–" : `${digits(value)}/s`);
  const evidence = (value) => {
    if (value == null) return "–";
    if (value !== 0 && (value < 1e-3 || value >= 1e6)) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
    return digits(value);
  };
  const utc = (seconds, from = 5, to = 19) => new Date(1000 * seconds).toISOString().slice(from, to).replace("T", " ");
  const times = (u, splits, axis, space, step) =>
    splits.map((at, i) => {
      const time = step >= 86400 ? "" : utc(at, 11, step >= 60 ? 16 : 19);
      const day = i === 0 || step >= 86400 || at % 86400 === 0 ? utc(at, 5, 10) : "";
      return day && time ? `${time}\n${day}` : time || day;
    });

  // Columns over spans of time (`start` and `end`) as columns of a chart. A stretch that no span covers is a gap.
  const gapAfter = ({ start, end }, i) => i + 1 < start.length && start[i + 1] > end[i] + 0.5;
  function held(spans, columns) {
    // What holds throughout a span: steps from its start to its end.
    const { start, end } = spans;
    const data = [[], ...columns.map(() => [])];
    const put = (at, row) => [at, ...row].forEach((value, k) => data[k].push(value));
    for (let i = 0; i < start.length; i++) {
      const row = columns.map((column) => column[i]);
      put(start[i], row);
      if (gapAfter(spans, i) || i + 1 === start.length) put(end[i], row);
      if (gapAfter(spans, i)) put(end[i] + 0.001, columns.map(() => null));
    }
    return data;
  }
  function reached(spans, columns) {
    // What is known after a span: points at its end.
    const { start, end } = spans;
    const data = [[], ...columns.map(() => [])];
    const put = (at, row) => [at, ...row].forEach((value, k) => data[k].push(value));
    for (let i = 0; i < start.length; i++) {
      put(end[i], columns.map((column) => column[i]));
      if (gapAfter(spans, i)) put(end[i] + 0.001, columns.map(() => null));
    }
    return data;
  }
  const cumulated = (column) => column.map(((sum) => (value) => (sum += value))(0));
  const over = (part, whole) => part.map((value, i) => (whole[i] ? value / whole[i] : null));

  // Lines and scales.
  const stepped = uPlot.paths.stepped({ align: 1 });
  const line = (label, name, value, more = {}) => ({
    label,
    stroke: () => colour(name),
    points: { show: false },
    value: (u, found) => value(found),
    width: 1.75,
    ...more,
  });
  const upwards = (least) => (u, min, max) => [0, Math.max(least, 1.08 * (max ?? 0))];
  const decades = (u, min, max) => (min > 0 ? [min / 1.25, max * 1.25] : [1, 10]);
  const wholeDecades = (u, splits) => {
    const wide = u.scales.y.max / u.scales.y.min > 1000;
    return splits.map((value) => (!wide || Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
  };

  function drawMarks(u, marks, named) {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    const ends = [];
    for (const mark of marks) {
      const x = u.valToPos(mark.at, "x", true);
      if (x < left || x > left + width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(mark.colour);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
      if (!named) continue;
      const wide = ctx.measureText(mark.text).width;
      const atRight = x + wide + 6 * devicePixelRatio < left + width;
      const begin = atRight ? x + 4 * devicePixelRatio : x - wide - 4 * devicePixelRatio;
      const row = ends.findIndex((end) => end < begin);
      const level = row < 0 ? ends.length : row;
      ends[level] = begin + wide + 4 * devicePixelRatio;
      ctx.fillText(mark.text, begin, top + (2 + 13 * level) * devicePixelRatio);
    }
    ctx.restore();
  }
  function drawBound(u, value, text, name, side) {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const y = u.valToPos(value, "y", true);
    if (y < top || y > top + height) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour(name);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([]);
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = side === "above" ? "bottom" : "top";
    ctx.textAlign = "left";
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    const short = ctx.measureText(text).width > width - 12 * devicePixelRatio ? text.split(":")[0] : text;
    ctx.fillText(short, left + 6 * devicePixelRatio, y + (side === "above" ? -2 : 3) * devicePixelRatio);
    ctx.restore();
  }

  // Marks in time of a rollout: its stages, and what was decided or ordered.
  function marksOf(events, decidedAt, until) {
    return events
      .filter((event) => event.event === "stage_in_force" || event.at === decidedAt || event.event === "ask" || event.by !== "controller")
      .map((event) => ({
        at: event.at,
        text: event.event === "stage_in_force" ? `stage ${event.stage + 1}` : event.event.replaceAll("_", " "),
        colour: event.event === "stage_in_force" ? "soft" : event.to.includes("back") || event.to === "failed" ? "bad" : "mild",
      }))
      .filter((mark) => mark.at <= until);
  }

  /* The charts of a rollout's report, by name. `lines` of the evidence are capped below, so that a logarithm can be drawn. */
  function ofReport(report) {
    const { series } = report;
    const crowded = series.start.length > 400;
    const stroke = (label, name, value, more = {}) => line(label, name, value, crowded ? { ...more, width: 1 } : more);
    const length = series.start.map((start, i) => series.end[i] - start);
    const tracks = Object.keys(series.tracks).filter((name) => series.tracks[name].requests.some((n) => n));
    const metrics = Object.keys(series.metrics).filter((name) => series.metrics[name].some((e) => e != null));
    const parts = metrics.map((name) => series.metrics[name].map((e) => (e == null ? null : report.weights[name] * e)));
    const seen = [series.e_value, ...parts].flat().filter((e) => e > 0);
    const floor = Math.max(1e-4, Math.min(0.1, ...seen) / 2);
    const ceiling = 4 * Math.max(report.threshold, ...seen);
    const drawn = (column) => column.map((e) => (e == null ? null : Math.max(e, floor)));
    return {
      share: () => ({
        height: 190,
        data: held(series, [series.share_set, series.share_served]),
        series: [
          stroke("set", "soft", percent, { paths: stepped, width: 1.5 }),
          stroke("served", "canary", percent, { paths: stepped }),
        ],
        range: upwards(0.02),
        axis: percent,
        named: true,
      }),
      evidence: () => ({
        height: 300,
        data: reached(series, [drawn(series.e_value), ...(metrics.length > 1 ? parts.map(drawn) : [])]),
        series: [
          stroke("all together", "total", evidence, { width: 2.75 }),
          ...(metrics.length > 1 ? metrics.map((name) => stroke(name, name, evidence, { width: 1.5 })) : []),
        ],
        log: true,
        range: () => [floor, ceiling],
        axis: evidence,
        bounds: [
          [report.threshold, `${2 ** report.attempt}/α = ${digits(report.threshold)}: not tolerated from here on`, "bad", "above"],
        ],
      }),
      failures: () => ({
        height: 210,
        data: held(series, tracks.map((name) => over(series.tracks[name].failures, series.tracks[name].requests))),
        series: tracks.map((name) => stroke(name, name, percent, { paths: stepped })),
        range: upwards(0.01),
        axis: percent,
      }),
      requests: () => ({
        height: 210,
        data: held(series, tracks.map((name) => series.tracks[name].requests.map((n, i) => (n || name !== "shadow" ? n / length[i] : null)))),
        series: tracks.map((name) => stroke(name, name, rate, { paths: stepped })),
        range: upwards(1),
        axis: rate,
      }),
      latency: () => ({
        height: 260,
        data: held(series, tracks.flatMap((name) => ["p50_ms", "p90_ms", "p99_ms"].map((q) => series.tracks[name][q]))),
        series: tracks.flatMap((name) => quantiles(name, name, stroke)),
        log: true,
        range: decades,
        axis: ms,
      }),
      accuracy: () => {
        const right = ["stable", "canary"].map((name) => {
          const wrong = cumulated(series.labels[`${name}_wrong`]);
          return over(wrong, cumulated(series.labels[name])).map((share) => (share == null ? null : 1 - share));
        });
        return {
          height: 210,
          data: reached(series, right),
          series: [stroke("stable", "stable", percent), stroke("candidate", "canary", percent)],
          range: (u, min, max) => [Math.max(0, (min ?? 0) - 0.02), Math.min(1, (max ?? 1) + 0.02)],
          axis: percent,
        };
      },
    };
  }
  const quantiles = (label, name, stroke = line) => [
    stroke(`${label} p50`, name, ms, { paths: stepped, width: 1.25, dash: [2, 3] }),
    stroke(`${label} p90`, name, ms, { paths: stepped, width: 1.5, dash: [7, 4] }),
    stroke(`${label} p99`, name, ms, { paths: stepped, width: 2 }),
  ];

  /* Charts over the same time: zoomed and read together, redrawn in place when there is more to show. */
  class Board {
    #drawn = new Map(); // by place: the chart as it was asked for, and uPlot's
    #name;
    #say;
    #whole = { min: 0, max: 1 };
    #zoomed = null;
    #marks = [];
    #onDark = () => this.redraw();
    #dark = matchMedia("(prefers-color-scheme: dark)");
    #sizes = new ResizeObserver(() => this.#resize());

    /* `name` tells boards apart; `say` is given what the keyboard's cursor is on, as words. */
    constructor(name, say) {
      this.#name = name;
      this.#say = say;
      this.#dark.addEventListener("change", this.#onDark);
    }

    /* The time that all charts show unless zoomed, and the marks in it. */
    set(from, until, marks = []) {
      const least = Math.min(from, ...marks.map((mark) => mark.at));
      const most = Math.max(until, ...marks.map((mark) => mark.at));
      const room = 0.015 * (most - least || 1);
      this.#whole = { min: least - room, max: most + room };
      this.#marks = marks;
    }

    /* Draw a chart in its place, or put what is new into the one that is there. */
    show(place, chart, width) {
      const before = this.#drawn.get(place);
      const labels = (of) => of.series.map((one) => one.label).join("\n");
      if (before && labels(before.chart) === labels(chart) && before.chart.height === chart.height) {
        before.chart = chart;
        before.u.setData(chart.data, false);
        before.u.setScale("x", this.#zoomed ?? this.#whole);
        if (!(before.u.cursor.left >= 0)) before.u.setLegend({ idx: chart.data[0].length - 1 }, false);
        return;
      }
      before?.u.destroy();
      if (!before) this.#sizes.observe(place);
      this.#drawn.set(place, { chart, u: this.#draw(place, chart, width) });
    }

    zoom(min, max) {
      this.#zoomed = { min: Math.max(this.#whole.min, min), max: Math.min(this.#whole.max, max) };
      this.#scale(this.#zoomed);
    }
    wholeTime() {
      this.#zoomed = null;
      this.#scale(this.#whole);
    }
    redraw(width) {
      for (const [place, one] of this.#drawn) {
        one.u.destroy();
        one.u = this.#draw(place, one.chart, width);
      }
    }
    forget(place) {
      this.#drawn.get(place)?.u.destroy();
      this.#drawn.delete(place);
      this.#sizes.unobserve(place);
    }
    destroy() {
      [...this.#drawn.keys()].forEach((place) => this.forget(place));
      this.#dark.removeEventListener("change", this.#onDark);
      this.#sizes.disconnect();
    }

    #scale(x) {
      for (const { u } of this.#drawn.values()) u.setScale("x", x);
    }
    #resize() {
      for (const [place, { u }] of this.#drawn) {
        if (place.clientWidth && place.clientWidth !== u.width) u.setSize({ width: place.clientWidth, height: u.height });
      }
    }
    #draw(place, chart, width) {
      const now = () => this.#drawn.get(place)?.chart ?? chart;
      const axis = { stroke: () => colour("soft"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
      const options = {
        width: width ?? place.clientWidth,
        height: chart.height,
        tzDate: (at) => uPlot.tzDate(new Date(1000 * at), "Etc/UTC"),
        series: [{ label: "UTC", value: (u, at) => (at == null ? "–" : utc(at)) }, ...chart.series],
        scales: {
          x: { time: true, range: (u, min, max) => [min ?? this.#whole.min, max ?? this.#whole.max] },
          y: { distr: chart.log ? 3 : 1, range: (...found) => now().range(...found) },
        },
        axes: [
          { ...axis, values: times, size: 46, space: 70 },
          { ...axis, size: 62, values: (u, splits) => splits.map((value) => (value == null ? "" : chart.axis(value))) },
        ],
        cursor: { sync: { key: this.#name, scales: ["x", null] }, y: false, drag: { x: true, y: false, setScale: false } },
        legend: { live: true, markers: { width: 2 } },
        hooks: {
          draw: [
            (u) => {
              drawMarks(u, this.#marks, chart.named);
              (now().bounds ?? []).forEach((bound) => drawBound(u, ...bound));
            },
          ],
          setSelect: [
            (u) => {
              if (u.select.width < 4) return;
              this.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
              u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
          setLegend: [(u) => u.legend.idx == null && showLast(u)],
        },
      };
      if (chart.log) options.axes[1].grid = { ...axis.grid, filter: wholeDecades };
      const u = new uPlot(options, chart.data, place);
      u.setScale("x", this.#zoomed ?? this.#whole);
      u.over.addEventListener("dblclick", () => this.wholeTime());
      for (const item of place.querySelectorAll(".u-series th")) {
        if (item.closest("tr").matches(":first-child")) continue;
        item.tabIndex = 0;
        item.setAttribute("role", "button");
        item.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          item.click();
        });
      }
      place.onkeydown = (event) => this.#onKey(event, place);
      return u;
    }
    /* Put the cursor on a point and say what is there; the view goes along. */
    #read(u, place, idx) {
      const at = u.data[0][idx];
      const { min, max } = u.scales.x;
      const seen = at >= min && at <= max;
      if (!seen) this.zoom(at < min ? at : at - (max - min), at < min ? at + (max - min) : at);
      // A change of the scale is drawn a little later.
      const read = () => {
        u.setCursor({ left: u.valToPos(at, "x"), top: 10 });
        this.#say(
          [...place.querySelectorAll(".u-series")]
            .map((row) => `${row.querySelector(".u-label").textContent} ${row.querySelector(".u-value").textContent}`)
            .join(", "),
        );
      };
      if (seen) read();
      else queueMicrotask(read);
    }
    #onKey(event, place) {
      const u = this.#drawn.get(place)?.u;
      if (event.target !== place || !u || event.ctrlKey || event.metaKey || event.altKey) return;
      const most = u.data[0].length - 1;
      const now = u.cursor.idx ?? most;
      const stride = event.shiftKey ? 10 : 1;
      const to = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: 0, End: most }[event.key];
      if (to !== undefined) {
        this.#read(u, place, Math.min(most, Math.max(0, to)));
      } else if (event.key === "+" || event.key === "-") {
        const centre = u.data[0][now];
        const half = ((u.scales.x.max - u.scales.x.min) / 2) * (event.key === "+" ? 0.5 : 2);
        this.zoom(centre - half, centre + half);
      } else if (event.key === "Escape") {
        this.wholeTime();
      } else return;
      event.preventDefault();
    }
  }
  // Without a cursor the legend tells the last figures, on paper too.
  const showLast = (u) => {
    const idx = u.data[0].length - 1;
    queueMicrotask(() => u.legend.idx == null && idx >= 0 && u.setLegend({ idx }, false));
  };

  return { Board, cumulated, decades, digits, evidence, held, line, marksOf, ms, ofReport, over, percent, quantiles, rate, reached, stepped, upwards, utc };
})();
