// Draws the figures that the page carries as data.
"use strict";

(() => {
  const { axis, draw, layout, plain, series, themed } = window.drawing;
  const figures = JSON.parse(document.getElementById("figures").textContent);

  const trace = ({ x, y, name, series: index }, { legend, sparse, xTitle }) => {
    const { colour, dash, symbol } = series(index);
    return {
      type: "scatter",
      mode: x.length < 2 ? "markers" : sparse ? "lines+markers" : "lines",
      x,
      y,
      name: plain(name),
      // Lines that lie on each other, such as equal learning rates, stay visible.
      line: { color: colour, width: 1.75, dash: legend ? dash : "solid" },
      marker: { color: colour, size: 7, symbol },
      hovertemplate: `${plain(xTitle)} %{x:,}: %{y:.4~g}<extra>%{fullData.name}</extra>`,
    };
  };

  // A few points are ticks themselves: there is no epoch 1.5.
  const ticks = ({ sparse, data }) => (sparse && data[0].x.length <= 10 ? { tickmode: "array", tickvals: data[0].x } : {});

  const whole = (figure) => ({
    ...layout(),
    height: figure.legend ? 280 : 200,
    showlegend: figure.legend,
    xaxis: { ...axis(figure.xTitle), ...ticks(figure) },
    yaxis: { ...axis(""), rangemode: figure.sparse ? "normal" : "tozero" },
  });

  const drawOne = (place) => {
    const figure = figures[place.dataset.figure];
    return draw(place, figure.data.map((data) => trace(data, figure)), whole(figure));
  };

  const drawAll = () => Promise.all(Array.from(document.querySelectorAll("[data-figure]"), drawOne));

  drawAll().then(() => document.documentElement.setAttribute("data-drawn", ""));
  themed(drawAll);
})();
