// Draws every [data-chart] with ECharts in our colours; a click on a mark shows its events.
import { openDrawer } from "./overlays.js";

const drawn = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A colour of the style sheets as the browser computes it for this theme. */
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function palette() {
  const names = ["chart-1", "chart-2", "chart-3", "chart-good", "chart-bad", "ink", "ink-2", "ink-3", "line", "raised"];
  return Object.fromEntries(names.map((name) => [name, colour(`--${name}`)]));
}

function short(value, unit, currency) {
  if (value === null || value === undefined) {
    return "–";
  }
  if (unit === "ratio") {
    return `${Math.round(value * 100)}%`;
  }
  const options = { notation: Math.abs(value) >= 10000 ? "compact" : "standard", maximumFractionDigits: Math.abs(value) >= 100 ? (Math.abs(value) >= 10000 ? 1 : 0) : 1 };
  if (unit === "money" && currency) {
    Object.assign(options, { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: 0 });
  }
  return new Intl.NumberFormat("en", options).format(value);
}

function full(value, unit, currency) {
  if (value === null || value === undefined) {
    return "–";
  }
  if (unit === "ratio") {
    return `${(value * 100).toFixed(1)}%`;
  }
  const options = { maximumFractionDigits: unit === "days" ? 1 : 2 };
  if (unit === "money" && currency) {
    Object.assign(options, { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: 0 });
  }
  return new Intl.NumberFormat("en", options).format(value) + (unit === "days" ? " days" : "");
}

function tip(spec) {
  // An element instead of HTML: the page's policy forbids styles inside of markup.
  return (marks) => {
    const box = document.createElement("div");
    box.className = "chart-tip";
    const title = document.createElement("strong");
    title.textContent = marks[0]?.name ?? "";
    box.append(title);
    for (const mark of marks) {
      const one = spec.series[mark.seriesIndex];
      const line = document.createElement("div");
      const name = document.createElement("span");
      name.textContent = one.name;
      const value = document.createElement("b");
      value.textContent = full(one.values[mark.dataIndex], one.unit, spec.currency);
      line.append(name, value);
      box.append(line);
    }
    return box;
  };
}

function axisOf(unit, spec, c, extra) {
  return {
    type: "value",
    axisLabel: { color: c["ink-3"], fontSize: 11, formatter: (value) => short(value, unit, spec.currency) },
    splitLine: { lineStyle: { color: c.line } },
    splitNumber: 4,
    ...extra,
  };
}

function option(spec, c) {
  const units = [...new Set(spec.series.map((s) => s.unit))];
  const labels = {
    type: "category",
    data: spec.labels,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: c.line } },
    axisLabel: { color: c["ink-2"], fontSize: 11, hideOverlap: true, ...(spec.sideways ? { width: 118, overflow: "truncate" } : {}) },
    ...(spec.sideways ? { inverse: true } : {}),
  };
  const values = units.map((unit, n) => axisOf(unit, spec, c, n ? { position: "right", splitLine: { show: false }, ...(unit === "ratio" ? { max: 1, interval: 0.25 } : {}) } : {}));
  const colours = spec.series.some((s) => s.mark === "stack") ? [c["chart-good"], c["chart-bad"]] : [c["chart-1"], c["chart-2"], c["chart-3"]];
  return {
    animation: !still,
    animationDuration: 350,
    color: colours,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: spec.sideways ? 48 : 8, top: spec.series.length > 1 ? 34 : 12, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: spec.series.length > 1 ? { top: 0, left: 0, itemWidth: 10, itemHeight: 10, icon: "roundRect", textStyle: { color: c["ink-2"] } } : { show: false },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: c.line, opacity: 0.45 } }, backgroundColor: c.raised, borderColor: c.line, textStyle: { color: c.ink }, padding: [8, 12], formatter: tip(spec), confine: true },
    xAxis: spec.sideways ? { ...values[0], axisLabel: { show: false }, splitLine: { show: false } } : labels,
    yAxis: spec.sideways ? labels : values,
    series: spec.series.map((one) => ({
      name: one.name,
      type: one.mark === "line" ? "line" : "bar",
      stack: one.mark === "stack" ? "all" : undefined,
      ...(spec.sideways ? {} : { yAxisIndex: units.indexOf(one.unit) }),
      data: one.values,
      barMaxWidth: spec.sideways ? 18 : 34,
      itemStyle: { borderRadius: one.mark === "stack" ? 0 : spec.sideways ? [0, 4, 4, 0] : [4, 4, 0, 0] },
      lineStyle: { width: 2.25 },
      symbolSize: 6,
      showSymbol: spec.labels.length < 25,
      connectNulls: true,
      label: spec.sideways ? { show: true, position: "right", color: c["ink-2"], fontSize: 11, formatter: (m) => short(m.value, one.unit, spec.currency) } : undefined,
      cursor: one.links.some(Boolean) ? "pointer" : "default",
    })),
  };
}

function draw(element) {
  const spec = JSON.parse(element.dataset.chart);
  if (spec.sideways) {
    element.classList.toggle("low", spec.labels.length <= 5);
  }
  const chart = drawn.get(element) ?? window.echarts.init(element, null, { renderer: "canvas" });
  chart.setOption(option(spec, palette()), true);
  if (!drawn.has(element)) {
    chart.on("click", (mark) => {
      const link = spec.series[mark.seriesIndex].links[mark.dataIndex];
      if (link) {
        openDrawer(link);
      }
    });
    new ResizeObserver(() => chart.resize()).observe(element);
    drawn.set(element, chart);
  }
}

function drawAll() {
  for (const [element, chart] of drawn) {
    if (!element.isConnected) {
      chart.dispose();
      drawn.delete(element);
    }
  }
  for (const element of document.querySelectorAll("[data-chart]")) {
    draw(element);
  }
}

drawAll();
document.addEventListener("everlog:theme", drawAll);
document.addEventListener("htmx:after:swap", drawAll);
