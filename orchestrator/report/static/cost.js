// Plots the quality of every network against what its answers cost.
"use strict";

(() => {
  const { axis, colour, draw, layout, lines, plain, series, whenSeen } = window.drawing;
  const data = JSON.parse(document.getElementById("costs").textContent);
  const section = document.querySelector("[data-cost]");
  const chosen = (name) => section.querySelector(`[data-cost-${name}]`);
  const number = (value, decimals) =>
    new Intl.NumberFormat(undefined, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);
  const LABEL_LETTERS = 24;
  const significant = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

  const fillMetrics = () => {
    const before = chosen("metric").value;
    const { metrics } = data.datasets[chosen("dataset").value];
    const options = metrics.map(({ key, title }) => new Option(title, key, false, key === before));
    chosen("metric").replaceChildren(...options);
  };

  const drawCost = () => {
    const { costs, metrics } = data.datasets[chosen("dataset").value];
    const metric = metrics.find(({ key }) => key === chosen("metric").value) ?? metrics[0];
    const kind = chosen("kind").value;
    const known = data.networks
      .map((title, index) => ({ title, index, x: costs[kind][index], y: metric.means[index] }))
      .filter(({ x, y }) => x !== null && y !== null);
    const write = (value) => number(value, metric.decimals) + (metric.unit ? ` ${metric.unit}` : "");
    const said = known.map(({ title, x, y }) => `${title} ${write(y)} at ${significant.format(x)} ${data.costs[kind]}`);
    const widest = Math.max(...known.map(({ x }) => x), 0) * 1.15 || 1;
    // Towards the middle, so that a narrow plot cuts none.
    const side = (x) => ["right", "center", "left"][Math.min(2, Math.floor((3 * x) / widest))];
    const traces = known.map(({ title, index, x, y }, place) => ({
      type: "scatter",
      mode: "markers+text",
      name: plain(title),
      x: [x],
      y: [y],
      text: [lines(title, LABEL_LETTERS)],
      textposition: `top ${side(x)}`,
      cliponaxis: false,
      hovertemplate: `${plain(said[place])}<extra></extra>`,
      marker: { color: series(index).colour, symbol: series(index).symbol, size: 13 },
    }));
    const missing = data.networks.filter((_title, index) => !known.some((one) => one.index === index));
    const input = metric.unchanged === null ? "" : ` The unchanged input has ${write(metric.unchanged)}.`;
    const lost = missing.length > 0 ? ` Not measured on every picture: ${missing.join(", ")}.` : "";
    section.querySelector("#plot-cost").textContent = `${metric.title}, ${metric.higher ? "higher" : "lower"} is better: ${said.join("; ") || "nothing"}.${input}${lost}`;
    const line = { type: "line", xref: "paper", x0: 0, x1: 1, y0: metric.unchanged, y1: metric.unchanged, line: { color: colour("--muted"), width: 1.5, dash: "dash" } };
    const heights = [...known.map(({ y }) => y), ...(metric.unchanged === null ? [] : [metric.unchanged])];
    if (heights.length === 0) heights.push(0, 1);
    const room = (Math.max(...heights) - Math.min(...heights) || 1) * 0.15;
    return draw(section.querySelector("[data-plot=cost]"), traces, {
      ...layout(),
      height: 360,
      margin: { l: 44, r: 24, t: 24, b: 40 },
      shapes: metric.unchanged === null ? [] : [line],
      xaxis: { ...axis(data.costs[kind]), range: [0, widest] },
      yaxis: { ...axis(metric.label), range: [Math.min(...heights) - room, Math.max(...heights) + room] },
    });
  };

  fillMetrics();
  const { redraw } = whenSeen(section, drawCost);
  section.querySelector("[data-choices]").addEventListener("submit", (event) => event.preventDefault());
  section.addEventListener("change", () => {
    fillMetrics();
    redraw();
  });
})();
