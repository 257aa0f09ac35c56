// Opens what a number was made of: formula, pictures, stages, the command to make it again, paper and program.
// The page's data: cells by key, each with the numbers of its metric and of its stages; see `views/making.py`.
"use strict";

(() => {
  const dialog = document.querySelector("[data-making-dialog]");
  if (dialog === null) return;
  const visible = (_key, value) =>
    typeof value === "string" ? value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd") : value;
  const data = JSON.parse(document.getElementById("making").textContent, visible);
  const body = dialog.querySelector("[data-making-body]");
  const title = dialog.querySelector("[data-making-title]");

  const element = (name, { text, className, ...rest } = {}, ...children) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className !== undefined) made.className = className;
    for (const [key, value] of Object.entries(rest)) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };

  const facts = (pairs) =>
    element(
      "dl",
      { className: "facts" },
      ...pairs.filter(([, value]) => value).map(([name, value]) => element("div", {}, element("dt", { text: name }), element("dd", { text: value }))),
    );

  const copyButton = (words, text) => {
    const button = element("button", { type: "button", text: words });
    button.addEventListener("click", () => window.copying.copy(text, words));
    return button;
  };

  const stage = ({ name, key, facts: told, busy }) =>
    element(
      "details",
      { className: busy ? "busy" : "" },
      element("summary", {}, element("code", { text: name }), element("span", { className: "muted", text: ` ${key.slice(0, 12)}` })),
      facts([["key", key], ...told]),
    );

  const network = (name) => {
    const known = Object.hasOwn(data.networks, name) ? data.networks[name] : null;
    if (known === null || !known.paper) return null;
    const links = known.links.map(([text, href]) => element("a", { text, href, rel: "noreferrer noopener", target: "_blank" }));
    const cite = known.bibtex === "" ? null : element("details", {}, element("summary", { text: "BibTeX" }), element("pre", { className: "code", text: known.bibtex, tabindex: "0" }), copyButton("Copy BibTeX", known.bibtex));
    return element("section", {}, element("h3", { text: known.title }), element("p", { text: [known.paper, known.venue].filter(Boolean).join(". ") }), element("p", { className: "making-links" }, ...links), cite);
  };

  const fill = (cell) => {
    const metric = data.metrics[cell.metric];
    const write = `${cell.value}${metric.unit && !cell.value.startsWith("∞") ? ` ${metric.unit}` : ""}`;
    title.textContent = cell.title;
    body.replaceChildren(
      ...[
        element("p", { className: "making-value" }, element("strong", { text: write }), element("span", { className: "muted", text: ` ${metric.title}, ${metric.protocol}` }), copyButton("Copy the number", cell.exact)),
        metric.fault ? element("p", { className: "warnings", text: `Faulty, never ranked: ${metric.fault}.` }) : null,
        facts([
          ["what it is", `the mean over pictures. ${metric.formula}`],
          ["defined by", metric.source],
          ["95 % interval", cell.interval],
          ["pictures", cell.n],
          ["left out", cell.left.join("; ") || "none"],
          ["seeds", cell.runs],
          ["unrounded", cell.exact],
        ]),
        element("h3", { text: "Made by these stages, the last one first" }),
        ...(cell.stages.length > 0 ? cell.stages.map((place) => stage(data.stages[place])) : [element("p", { className: "muted", text: "Which stages made it was not recorded." })]),
        element("h3", { text: "Make it again" }),
        element("pre", { className: "code", text: data.commands.join("\n"), tabindex: "0" }),
        element("p", { className: "muted", text: `${data.program}. What is in the store already is not made again; the experiment's file is in this report.` }),
        network(cell.network),
      ].filter((child) => child !== null),
    );
  };

  // A link where there are no scripts; a click with a key held, or by another button, follows it as any link.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-making]");
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const key = link.dataset.making;
    if (!Object.hasOwn(data.cells, key)) return;
    event.preventDefault();
    fill(data.cells[key]);
    dialog.showModal();
    dialog.scrollTop = 0;
    title.focus();
  });
  dialog.querySelector("[data-making-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
})();
