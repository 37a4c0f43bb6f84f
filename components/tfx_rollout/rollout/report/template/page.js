/* The charts of the report: all figures come from the JSON in the page, and nothing is ever fetched. */
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const { series, events } = report;
  const count = series.start.length;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "gray";

  const save = document.getElementById("save");
  save.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 1)], { type: "application/json" }));
    link.download = `${report.rollout}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  if (!count) return;

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
  const utc = (seconds, from, to) => new Date(1000 * seconds).toISOString().slice(from, to).replace("T", " ");
  const times = (u, splits, axis, space, step) =>
    splits.map((at, i) => {
      const time = step >= 86400 ? "" : utc(at, 11, step >= 60 ? 16 : 19);
      const day = i === 0 || step >= 86400 || at % 86400 === 0 ? utc(at, 5, 10) : "";
      return day && time ? `${time}\n${day}` : time || day;
    });

  // Columns of the document as columns of a chart. A stretch without windows (void ones, say) is a gap.
  const length = series.start.map((start, i) => series.end[i] - start);
  const gapAfter = (i) => i + 1 < count && series.start[i + 1] > series.end[i] + 0.5;
  function held(columns) {
    // What holds throughout a window: steps from its start to its end.
    const data = [[], ...columns.map(() => [])];
    const put = (at, row) => [at, ...row].forEach((value, k) => data[k].push(value));
    for (let i = 0; i < count; i++) {
      const row = columns.map((column) => column[i]);
      put(series.start[i], row);
      if (gapAfter(i) || i + 1 === count) put(series.end[i], row);
      if (gapAfter(i)) put(series.end[i] + 0.001, columns.map(() => null));
    }
    return data;
  }
  function reached(columns) {
    // What is known after a window: points at its end.
    const data = [[], ...columns.map(() => [])];
    const put = (at, row) => [at, ...row].forEach((value, k) => data[k].push(value));
    for (let i = 0; i < count; i++) {
      put(series.end[i], columns.map((column) => column[i]));
      if (gapAfter(i)) put(series.end[i] + 0.001, columns.map(() => null));
    }
    return data;
  }
  const cumulated = (column) => column.map(((sum) => (value) => (sum += value))(0));
  const over = (part, whole) => part.map((value, i) => (whole[i] ? value / whole[i] : null));

  // Marks in time: stages, and what was decided or ordered.
  const last = series.end[count - 1];
  const marks = events
    .filter((event) => event.event === "stage_in_force" || event.at === report.decided_at || event.event === "ask" || event.by !== "controller")
    .map((event) => ({
      at: event.at,
      text: event.event === "stage_in_force" ? `stage ${event.stage + 1}` : event.event.replaceAll("_", " "),
      colour: event.event === "stage_in_force" ? "soft" : event.to.includes("back") || event.to === "failed" ? "bad" : "mild",
    }))
    .filter((mark) => mark.at <= last + 0.25 * (last - series.start[0]));
  const from = Math.min(series.start[0], ...marks.map((mark) => mark.at));
  const until = Math.max(last, ...marks.map((mark) => mark.at));
  const room = 0.015 * (until - from || 1);
  const whole = { min: from - room, max: until + room };

  function drawMarks(u, named) {
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
      const line = row < 0 ? ends.length : row;
      ends[line] = begin + wide + 4 * devicePixelRatio;
      ctx.fillText(mark.text, begin, top + (2 + 13 * line) * devicePixelRatio);
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
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = side === "above" ? "bottom" : "top";
    ctx.textAlign = "left";
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillText(text, left + 6 * devicePixelRatio, y + (side === "above" ? -2 : 3) * devicePixelRatio);
    ctx.restore();
  }

  const stepped = uPlot.paths.stepped({ align: 1 });
  const crowded = count > 400;
  const line = (label, name, value, more = {}) => ({
    label,
    stroke: () => colour(name),
    points: { show: false },
    value: (u, found) => value(found),
    ...more,
    width: crowded ? 1 : (more.width ?? 1.75),
  });
  const tracks = Object.keys(series.tracks).filter((name) => series.tracks[name].requests.some((n) => n));
  const perTrack = (column, make) => tracks.map((name) => make(series.tracks[name], name)[column]);
  const upwards = (least) => (u, min, max) => [0, Math.max(least, 1.08 * (max ?? 0))];
  const wholeDecades = (u, splits) => {
    const wide = u.scales.y.max / u.scales.y.min > 1000;
    return splits.map((value) => (!wide || Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
  };
  const decades = (u, min, max) => (min > 0 ? [min / 1.25, max * 1.25] : [1, 10]);

  const metrics = Object.keys(series.metrics).filter((name) => series.metrics[name].some((e) => e != null));
  const parts = metrics.map((name) => series.metrics[name].map((e) => (e == null ? null : report.weights[name] * e)));
  const seen = [series.e_value, ...parts].flat().filter((e) => e > 0);
  const floor = Math.max(1e-4, Math.min(0.1, ...seen) / 2);
  const ceiling = 4 * Math.max(report.threshold, ...seen);
  const drawn = (column) => column.map((e) => (e == null ? null : Math.max(e, floor)));

  const charts = {
    share: () => ({
      height: 190,
      data: held([series.share_set, series.share_served]),
      series: [
        line("set", "soft", percent, { paths: stepped, width: 1.5 }),
        line("served", "canary", percent, { paths: stepped }),
      ],
      range: upwards(0.02),
      axis: percent,
      named: true,
    }),
    evidence: () => ({
      height: 300,
      data: reached([drawn(series.e_value), ...(metrics.length > 1 ? parts.map(drawn) : [])]),
      series: [
        line("all together", "total", evidence, { width: 2.75 }),
        ...(metrics.length > 1 ? metrics.map((name) => line(name, name, evidence, { width: 1.5 })) : []),
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
      data: held(tracks.map((name) => over(series.tracks[name].failures, series.tracks[name].requests))),
      series: tracks.map((name) => line(name, name, percent, { paths: stepped })),
      range: upwards(0.01),
      axis: percent,
    }),
    requests: () => ({
      height: 210,
      data: held(tracks.map((name) => series.tracks[name].requests.map((n, i) => (n || name !== "shadow" ? n / length[i] : null)))),
      series: tracks.map((name) => line(name, name, rate, { paths: stepped })),
      range: upwards(1),
      axis: rate,
    }),
    latency: () => ({
      height: 260,
      data: held(tracks.flatMap((name) => ["p50_ms", "p90_ms", "p99_ms"].map((q) => series.tracks[name][q]))),
      series: tracks.flatMap((name) => [
        line(`${name} p50`, name, ms, { paths: stepped, width: 1.25, dash: [2, 3] }),
        line(`${name} p90`, name, ms, { paths: stepped, width: 1.5, dash: [7, 4] }),
        line(`${name} p99`, name, ms, { paths: stepped, width: 2 }),
      ]),
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
        data: reached(right),
        series: [line("stable", "stable", percent), line("candidate", "canary", percent)],
        range: (u, min, max) => [Math.max(0, (min ?? 0) - 0.02), Math.min(1, (max ?? 1) + 0.02)],
        axis: percent,
      };
    },
  };

  const drawnCharts = [];
  const zoom = (min, max) => drawnCharts.forEach((u) => u.setScale("x", { min, max }));

  function draw(place, width) {
    const chart = charts[place.dataset.chart]();
    const axis = { stroke: () => colour("soft"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
    const options = {
      width: width ?? place.clientWidth,
      height: chart.height,
      tzDate: (at) => uPlot.tzDate(new Date(1000 * at), "Etc/UTC"),
      series: [{ label: "UTC", value: (u, at) => (at == null ? "–" : utc(at, 5, 19)) }, ...chart.series],
      scales: {
        x: { time: true, range: (u, min, max) => [min ?? whole.min, max ?? whole.max] },
        y: { distr: chart.log ? 3 : 1, range: chart.range },
      },
      axes: [
        { ...axis, values: times, size: 46, space: 70 },
        { ...axis, size: 62, values: (u, splits) => splits.map((value) => (value == null ? "" : chart.axis(value))) },
      ],
      cursor: { sync: { key: "report", scales: ["x", null] }, y: false, drag: { x: true, y: false, setScale: false } },
      legend: { live: true, markers: { width: 2 } },
      hooks: {
        draw: [
          (u) => {
            drawMarks(u, chart.named);
            (chart.bounds ?? []).forEach((bound) => drawBound(u, ...bound));
          },
        ],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          },
        ],
        setLegend: [(u) => u.legend.idx == null && showLast(u)],
      },
    };
    if (chart.log) options.axes[1].grid = { ...axis.grid, filter: wholeDecades };
    const u = new uPlot(options, chart.data, place);
    u.setScale("x", whole);
    u.over.addEventListener("dblclick", () => zoom(whole.min, whole.max));
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
    drawnCharts.push(u);
  }
  // Without a cursor the legend tells the last figures, on paper too.
  const showLast = (u) => {
    const idx = u.data[0].length - 1;
    queueMicrotask(() => u.legend.idx == null && u.setLegend({ idx }, false));
  };

  const said = document.getElementById("said");
  function onKey(event) {
    const u = drawnCharts.find((chart) => chart.root.parentElement === event.currentTarget);
    if (event.target !== event.currentTarget || !u) return;
    const most = u.data[0].length - 1;
    const now = u.cursor.idx ?? most;
    const stride = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: 0, End: most }[event.key];
    if (to !== undefined) {
      const idx = Math.min(most, Math.max(0, to));
      u.setCursor({ left: u.valToPos(u.data[0][idx], "x"), top: 10 });
      said.textContent = [...event.currentTarget.querySelectorAll(".u-series")]
        .map((row) => `${row.querySelector(".u-label").textContent} ${row.querySelector(".u-value").textContent}`)
        .join(", ");
    } else if (event.key === "+" || event.key === "-") {
      const centre = u.data[0][now];
      const half = ((u.scales.x.max - u.scales.x.min) / 2) * (event.key === "+" ? 0.5 : 2);
      zoom(Math.max(whole.min, centre - half), Math.min(whole.max, centre + half));
    } else if (event.key === "Escape") {
      zoom(whole.min, whole.max);
    } else return;
    event.preventDefault();
  }

  const places = [...document.querySelectorAll(".plot")];
  function drawAll(width) {
    drawnCharts.splice(0).forEach((u) => u.destroy());
    places.forEach((place) => draw(place, width));
  }
  places.forEach((place) => place.addEventListener("keydown", onKey));
  document.getElementById("reset").addEventListener("click", () => zoom(whole.min, whole.max));
  new ResizeObserver(() => {
    for (const u of drawnCharts) {
      const width = u.root.parentElement.clientWidth;
      if (width && width !== u.width) u.setSize({ width, height: u.height });
    }
  }).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
  const PAPER = 680; // CSS pixels across a printed page, which is not laid out yet when printing begins
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not(.long)").forEach((part) => (part.open = true));
    document.documentElement.dataset.print = "";
    drawAll(PAPER);
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    drawAll();
  });
  drawAll();
})();
