// Plots a dataset's scores: the distribution of every network, and one network against another; a point opens its picture.
"use strict";

(() => {
  const { axis, colour, draw, layout, plain, series, whenSeen } = window.drawing;
  const section = document.querySelector("[data-plots]");
  const chosen = (name) => section.querySelector(`[data-plot-${name}]`);
  const place = (name) => section.querySelector(`[data-plot=${name}]`);
  const caption = (name, text) => (section.querySelector(`#plot-${name}`).textContent = text);

  const drawn = Array.from(chosen("across").options, (option) => sirr.entrantOf(option.value));
  const metricIndex = () => sirr.metrics.findIndex((metric) => metric.key === chosen("metric").value);
  const mark = (entrant) =>
    sirr.entrants[entrant].control ? { colour: colour("--muted"), symbol: "x-thin" } : series(entrant);

  const points = (metric, entrant) =>
    sirr.pictures.map((picture) => ({ picture, value: sirr.score(metric, entrant, picture) })).filter(({ value }) => Number.isFinite(value));

  const median = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const half = sorted.length / 2;
    return Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)];
  };

  const leftOut = (count) => (count > 0 ? ` ${new Intl.NumberFormat().format(count)} without a finite score not drawn.` : "");

  const drawDistribution = () => {
    const metric = metricIndex();
    const form = sirr.metrics[metric];
    const found = drawn.map((entrant) => ({ entrant, known: points(metric, entrant) }));
    const traces = found.map(({ entrant, known }) => {
      const { colour: line, symbol } = mark(entrant);
      return {
        type: "box",
        name: plain(sirr.entrants[entrant].title),
        y: known.map(({ value }) => value),
        customdata: known.map(({ picture }) => picture.anchor),
        text: known.map(({ picture, value }) => plain(`${picture.name}: ${sirr.write(value, form)}`)),
        hovertemplate: "%{text}<extra></extra>",
        hoveron: "points",
        boxpoints: "all",
        jitter: 0.5,
        pointpos: 0,
        fillcolor: "rgba(0,0,0,0)",
        line: { color: line, width: 1.5 },
        marker: { color: line, symbol, size: known.length > 80 ? 5 : 7, opacity: 0.65, line: { color: line, width: 1.5 } },
      };
    });
    const medians = found.map(({ entrant, known }) => {
      const said = known.length === 0 ? "no score" : sirr.write(median(known.map(({ value }) => value)), form);
      return `${sirr.entrants[entrant].title} ${said}`;
    });
    const lost = found.reduce((sum, { known }) => sum + sirr.pictures.length - known.length, 0);
    caption("distribution", `Medians: ${medians.join(", ")}. Boxes hold the middle half of the pictures.${leftOut(lost)}`);
    return draw(place("distribution"), traces, { ...layout(), height: 360, xaxis: { ...axis(""), nticks: 0 }, yaxis: axis(form.label) });
  };

  const drawPaired = () => {
    const metric = metricIndex();
    const form = sirr.metrics[metric];
    const [across, up] = ["across", "up"].map((name) => sirr.entrantOf(chosen(name).value));
    const both = sirr.pictures
      .map((picture) => ({ picture, x: sirr.score(metric, across, picture), y: sirr.score(metric, up, picture) }))
      .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
    const winner = ({ x, y }) => (sirr.same(x, y) ? null : y > x === form.higher ? up : across);
    const ends = both.length === 0 ? [0, 1] : [Math.min(...both.flatMap(({ x, y }) => [x, y])), Math.max(...both.flatMap(({ x, y }) => [x, y]))];
    const room = (ends[1] - ends[0] || 1) * 0.05;
    const range = [ends[0] - room, ends[1] + room];
    const names = [across, up].map((entrant) => sirr.entrants[entrant].title);
    const trace = (entrant) => {
      const own = both.filter((one) => winner(one) === entrant);
      const { colour: line, symbol } = entrant === null ? { colour: colour("--muted"), symbol: "line-ew" } : mark(entrant);
      return {
        type: "scatter",
        mode: "markers",
        name: plain(entrant === null ? "equal" : `${sirr.entrants[entrant].title} is better`),
        x: own.map(({ x }) => x),
        y: own.map(({ y }) => y),
        customdata: own.map(({ picture }) => picture.anchor),
        text: own.map(({ picture, x, y }) => plain(`${picture.name}: ${names[0]} ${sirr.write(x, form)}, ${names[1]} ${sirr.write(y, form)}`)),
        hovertemplate: "%{text}<extra></extra>",
        marker: { color: line, symbol, size: 9, opacity: 0.8, line: { color: line, width: 1.5 } },
      };
    };
    const winners = [...new Set([across, up]), null].filter((entrant) => entrant !== null || both.some((one) => winner(one) === null));
    const diagonal = { type: "line", x0: range[0], y0: range[0], x1: range[1], y1: range[1], line: { color: colour("--muted"), width: 1, dash: "dot" } };
    const count = (entrant) => new Intl.NumberFormat().format(both.filter((one) => winner(one) === entrant).length);
    const mean = both.reduce((sum, { x, y }) => sum + y - x, 0) / both.length;
    caption(
      "paired",
      both.length === 0
        ? "No picture has a finite score of both."
        : `${names[1]} is better on ${count(up)}, ${names[0]} on ${count(across)} of ${new Intl.NumberFormat().format(both.length)} pictures; mean difference ${sirr.writeDifference(mean, form)}. On the dotted line both are equal.${leftOut(sirr.pictures.length - both.length)}`,
    );
    return draw(place("paired"), winners.map(trace), {
      ...layout(),
      height: 360,
      showlegend: true,
      shapes: [diagonal],
      xaxis: { ...axis(`${names[0]}, ${form.label}`), range, constrain: "domain" },
      yaxis: { ...axis(`${names[1]}, ${form.label}`), range, constrain: "domain", scaleanchor: "x" },
    });
  };

  const openPoint = (layers) => (event) => {
    const anchor = event.points[0].customdata;
    if (typeof anchor !== "string") return;
    sirr.viewer.choose(layers(event.points[0]));
    location.hash = anchor;
  };
  const answer = (entrant) => (sirr.entrants[entrant].label === sirr.unchanged ? sirr.unchanged : `${sirr.entrants[entrant].label}/transmission`);

  const bound = new Set();
  const bind = (name, layers) => {
    if (bound.has(name)) return;
    bound.add(name);
    place(name).on("plotly_click", openPoint(layers));
  };

  const drawAll = async () => {
    await drawDistribution();
    await new Promise((rest) => setTimeout(rest));
    await drawPaired();
    bind("distribution", (point) => ({ left: sirr.unchanged, right: answer(drawn[point.curveNumber]) }));
    bind("paired", () => ({ left: answer(sirr.entrantOf(chosen("across").value)), right: answer(sirr.entrantOf(chosen("up").value)) }));
  };

  const { redraw } = whenSeen(section, drawAll);
  for (const form of section.querySelectorAll("[data-choices]")) form.addEventListener("submit", (event) => event.preventDefault());
  section.addEventListener("change", redraw);
})();
