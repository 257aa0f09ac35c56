// What all charts share: the colours of the page, light or dark, texts shown as they are written, axes, and when to draw.
"use strict";

window.drawing = (() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // One colour, one symbol and one dash per network, everywhere: they can be told apart without colour.
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const series = (index) => ({
    colour: colour(`--series-${(index % 6) + 1}`),
    symbol: SYMBOLS[index % SYMBOLS.length],
    dash: DASHES[index % DASHES.length],
  });

  // Plotly reads a few tags in texts, such as <b> and <a>; names from outside are shown as they are written.
  // Characters that turn the direction of what follows are replaced.
  const plain = (text) =>
    text
      .replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;");

  // Plotly breaks no lines of its own, and cuts what is longer than its plot or lays it over what stands beside.
  const lines = (text, most) => {
    const found = [];
    for (const word of text.split(" ")) {
      if (found.length > 0 && found.at(-1).length + word.length < most) found.push(`${found.pop()} ${word}`);
      else found.push(word);
    }
    return found.map((line) => plain(line.length > most ? `${line.slice(0, most - 1)}\u2026` : line)).join("<br>");
  };

  const AXIS_LETTERS = 32;
  const axis = (title) => ({
    title: { text: lines(title, AXIS_LETTERS), standoff: 8 },
    gridcolor: colour("--line"),
    linecolor: colour("--line-strong"),
    zeroline: false,
    automargin: true,
    exponentformat: "power",
    nticks: 6,
  });

  const layout = () => ({
    margin: { l: 44, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--muted") },
    separators: separators(),
    showlegend: false,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line-strong"), font: { color: colour("--text") } },
  });

  // The reader's decimal and thousands separators, as Plotly wants them.
  const separators = () => {
    const parts = new Intl.NumberFormat().formatToParts(12345.6);
    const found = (type, otherwise) => parts.find((part) => part.type === type)?.value ?? otherwise;
    return found("decimal", ".") + found("group", "");
  };

  // Paper is light, whatever the screen is.
  const themed = (draw) => {
    for (const query of ["(prefers-color-scheme: dark)", "print"]) window.matchMedia(query).addEventListener("change", draw);
  };

  let fetched = null;
  const fetchLibrary = (address) => {
    fetched ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error("the library that draws cannot be read")));
      script.src = address;
      document.head.append(script);
    });
    return fetched;
  };

  // Draws when the section comes near the reader's sight, or is printed; a page with many pictures opens without waiting.
  const IDLE_MS = 3000;
  const whenSeen = (section, draw) => {
    let begun = false;
    const finish = () => {
      section.setAttribute("data-drawn", "");
      themed(draw);
    };
    const begin = async () => {
      if (begun) return;
      begun = true;
      seen.disconnect();
      await fetchLibrary(section.dataset.href);
      await draw();
      finish();
    };
    const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin(), { rootMargin: "300px" });
    seen.observe(section);
    // Printing waits for nothing: what is not there by then is not drawn.
    window.addEventListener("load", () => setTimeout(() => fetchLibrary(section.dataset.href), IDLE_MS));
    window.addEventListener("beforeprint", () => {
      if (begun || window.Plotly === undefined) return;
      begun = true;
      seen.disconnect();
      draw();
      finish();
    });
    return { redraw: () => begun && draw() };
  };

  const CONFIGURATION = { displayModeBar: false, responsive: true };
  const draw = (place, traces, figure) => Plotly.react(place, traces, figure, CONFIGURATION);

  return { colour, series, plain, lines, axis, layout, themed, whenSeen, draw };
})();
