// Line charts as SVG, drawn for the width that there is and again when it changes. Colours come from the style sheet, so they follow
// light and dark.

/**
 * @param options {
 *   series: [{ name, color, points: [[x, y or null]], smooth, dots, dashed }]: "smooth" draws the points faintly below their moving
 *     average;
 *   x, y: { label, min, max, log, format } }
 */
function lineChart({ series, x, y }) {
  const hidden = new Set();
  const plot = element("div", { class: "plot" });
  const legend = element("div", { class: "legend" }, series.length < 2 ? [] : series.map((one, i) => {
    const button = element("button", {
      type: "button", "aria-pressed": "true", onclick: () => {
        hidden.has(i) ? hidden.delete(i) : hidden.add(i);
        button.setAttribute("aria-pressed", String(!hidden.has(i)));
        draw();
      },
    }, swatch(one), one.name);
    return button;
  }));
  const draw = () => {
    const width = Math.floor(plot.clientWidth);
    if (width > 0) drawPlot(plot, width, series.filter((_, i) => !hidden.has(i)), x, y);
  };
  new ResizeObserver(draw).observe(plot);
  return element("div", { class: "chart" }, plot, legend);
}

function swatch(one) {
  const line = shape("svg", { width: 18, height: 8, "aria-hidden": "true" },
    shape("line", { x1: 0, x2: 18, y1: 4, y2: 4, "stroke-width": 2.5, "stroke-dasharray": one.dashed ? "4 3" : false }));
  line.style.stroke = one.color;
  return line;
}

function drawPlot(plot, width, series, x, y) {
  const height = 270, margin = { left: 52, right: 14, top: 12, bottom: 40 };
  const points = series.flatMap(one => one.points).filter(([, value]) => value !== null && (!y.log || value > 0));
  const xs = axis(points.map(point => point[0]), x, [margin.left, width - margin.right], width / 80);
  const ys = axis(points.map(point => point[1]), y, [height - margin.bottom, margin.top], 5);
  const chart = shape("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${y.label} by ${x.label}: ${series.map(one => one.name).join(", ")}`,
  });
  for (const tick of ys.ticks) {
    chart.append(
      shape("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: ys.place(tick), y2: ys.place(tick) }),
      shape("text", { class: "tick", x: margin.left - 8, y: ys.place(tick) + 4, "text-anchor": "end" }, ys.format(tick)));
  }
  for (const tick of xs.ticks) {
    chart.append(
      shape("line", { class: "grid", x1: xs.place(tick), x2: xs.place(tick), y1: margin.top, y2: height - margin.bottom }),
      shape("text", { class: "tick", x: xs.place(tick), y: height - margin.bottom + 17, "text-anchor": "middle" }, xs.format(tick)));
  }
  chart.append(
    shape("text", { class: "axis", x: (margin.left + width - margin.right) / 2, y: height - 5, "text-anchor": "middle" }, x.label),
    shape("text", {
      class: "axis", x: 0, y: 0, "text-anchor": "middle",
      transform: `translate(12 ${(margin.top + height - margin.bottom) / 2}) rotate(-90)`,
    }, y.label));
  if (points.length === 0)
    chart.append(shape("text", { class: "axis", x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing to show"));
  for (const one of series) {
    const line = (values, kind) => {
      const path = shape("path", { class: kind, d: pathOf(values, xs, ys, y.log), "stroke-dasharray": one.dashed ? "5 4" : false });
      path.style.stroke = one.color;
      chart.append(path);
    };
    if (one.smooth) line(one.points, "faint");
    line(one.smooth ? smoothed(one.points) : one.points, "line");
    for (const [place, value] of one.dots ? one.points.filter(point => point[1] !== null) : []) {
      const dot = shape("circle", { class: "dot", cx: xs.place(place), cy: ys.place(value), r: 3.5 });
      dot.style.fill = one.color;
      chart.append(dot);
    }
  }
  plot.replaceChildren(chart);
  if (points.length > 0) followPointer(plot, chart, series, xs, ys, x, { top: margin.top, bottom: height - margin.bottom, width });
}

// Gaps stay gaps: a loss that was not finite, an epoch that was not measured.
function pathOf(points, xs, ys, isLog) {
  let path = "", pen = "M";
  for (const [place, value] of points) {
    if (value === null || isLog && value <= 0) {
      pen = "M";
      continue;
    }
    path += `${pen}${xs.place(place).toFixed(1)} ${ys.place(value).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

// The exponential moving average, without the pull to its start; over a fiftieth of the points. After a gap it begins anew.
function smoothed(points) {
  const keep = 1 - 1 / Math.max(1, points.length / 50);
  let sum = 0, weight = 0;
  return points.map(([place, value]) => {
    if (value === null) {
      sum = weight = 0;
      return [place, null];
    }
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return [place, sum / weight];
  });
}

// Where values lie on the page, and round values to write beside them.
function axis(values, { min, max, log, format }, [from, to], ticks) {
  let low = min ?? values.reduce((a, b) => Math.min(a, b), Infinity);
  let high = max ?? values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(low <= high)) [low, high] = log ? [0.1, 1] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - Math.abs(low) / 2, high + (Math.abs(high) / 2 || 1)];
  const scale = log ? Math.log10 : value => value;
  const place = value => from + (to - from) * (scale(value) - scale(low)) / (scale(high) - scale(low));
  const marks = log ? logTicks(low, high) : linearTicks(low, high, Math.max(2, ticks));
  return { ticks: marks, place, format: format ?? (value => String(Number(value.toPrecision(4)))) };
}

function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    ticks.push(...factors.map(factor => factor * 10 ** power));
  return ticks.filter(tick => tick >= low * 0.999 && tick <= high * 1.001);
}

// A line at the nearest point, and what all series have there.
function followPointer(plot, chart, series, xs, ys, x, area) {
  const line = shape("line", { class: "pointer", y1: area.top, y2: area.bottom, visibility: "hidden" });
  chart.append(line);
  const bubble = element("div", { class: "bubble", hidden: true });
  plot.append(bubble);
  const places = [...new Set(series.flatMap(one => one.points.map(point => point[0])))];
  const values = series.map(one => new Map(one.smooth ? smoothed(one.points) : one.points));
  chart.addEventListener("pointermove", event => {
    const at = event.clientX - chart.getBoundingClientRect().left;
    const nearest = places.reduce((a, b) => Math.abs(xs.place(b) - at) < Math.abs(xs.place(a) - at) ? b : a);
    line.setAttribute("x1", xs.place(nearest));
    line.setAttribute("x2", xs.place(nearest));
    line.setAttribute("visibility", "visible");
    bubble.replaceChildren(element("b", {}, `${x.label} ${xs.format(nearest)}`), ...series.map((one, i) => {
      const value = values[i].get(nearest);
      return element("span", {}, swatch(one), `${one.name} ${(value ?? null) === null ? "–" : Number(value.toPrecision(3))}`);
    }));
    bubble.hidden = false;
    const left = xs.place(nearest) + 12;
    bubble.style.left = `${left + bubble.offsetWidth > area.width ? Math.max(0, left - bubble.offsetWidth - 24) : left}px`;
  });
  chart.addEventListener("pointerleave", () => {
    line.setAttribute("visibility", "hidden");
    bubble.hidden = true;
  });
}
