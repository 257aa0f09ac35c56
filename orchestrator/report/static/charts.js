// Draws the figures that the page carries as data, in the colours of the page, light or dark.
"use strict";

(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);

  // Lines that lie on each other, such as equal learning rates, stay visible.
  const DASHES = ["solid", "dash", "dot", "dashdot"];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Plotly reads a few tags in texts, such as <b> and <a>; names from outside are shown as they are written.
  // Characters that turn the direction of what follows are replaced.
  const plain = (text) =>
    text
      .replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;");

  const trace = ({ x, y, name, series }, { legend, sparse, xTitle }) => ({
    type: "scatter",
    mode: x.length < 2 ? "markers" : sparse ? "lines+markers" : "lines",
    x,
    y,
    name,
    line: { color: colour(`--series-${(series % 6) + 1}`), width: 1.75, dash: legend ? DASHES[series % DASHES.length] : "solid" },
    marker: { color: colour(`--series-${(series % 6) + 1}`), size: 7 },
    hovertemplate: `${plain(xTitle)} %{x:,}: %{y:.4~g}<extra>%{fullData.name}</extra>`,
  });

  const axis = (title) => ({
    title: { text: plain(title), standoff: 8 },
    gridcolor: colour("--line"),
    linecolor: colour("--line-strong"),
    zeroline: false,
    automargin: true,
    exponentformat: "power",
    nticks: 6,
  });

  // A few points are ticks themselves: there is no epoch 1.5.
  const ticks = ({ sparse, data }) => (sparse && data[0].x.length <= 10 ? { tickmode: "array", tickvals: data[0].x } : {});

  const layout = (figure) => ({
    height: figure.legend ? 280 : 200,
    margin: { l: 44, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--muted") },
    showlegend: figure.legend,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line-strong"), font: { color: colour("--text") } },
    xaxis: { ...axis(figure.xTitle), ...ticks(figure) },
    yaxis: { ...axis(""), rangemode: figure.sparse ? "normal" : "tozero" },
  });

  const draw = (place) => {
    const figure = figures[place.dataset.figure];
    const traces = figure.data.map((data) => trace({ ...data, name: plain(data.name) }, figure));
    return Plotly.react(place, traces, layout(figure), { displayModeBar: false, responsive: true });
  };

  const drawAll = () => Promise.all(Array.from(document.querySelectorAll("[data-figure]"), draw));

  drawAll().then(() => document.documentElement.setAttribute("data-drawn", ""));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
