// Every table can be sorted and filtered, and taken away as CSV or LaTeX; a double click copies a cell.
"use strict";

(() => {
  const ROWS_TO_FILTER = 8;
  const ROWS_TO_SORT = 3;

  // What a cell says, without what is said beside its number, and without what only readers of screens need.
  const textOf = (cell, { beside = false } = {}) => {
    const copy = cell.cloneNode(true);
    for (const hidden of copy.querySelectorAll(`.hidden, .bars-inner, svg${beside ? "" : ", small, .beside"}`)) hidden.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };

  const UNITS = { h: 3600, min: 60, s: 1, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, "%": 1 };
  // A number, an amount of time or memory; null for words.
  const amount = (text) => {
    const plain = text.replace(/[<>≈,]/g, "").replace("−", "-");
    if (plain.startsWith("∞")) return Infinity;
    const parts = Array.from(plain.matchAll(/(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*(h|min|s|GiB|MiB|KiB|%)?(?=\s|$)/g));
    if (parts.length === 0 || parts[0].index !== 0) return null;
    return parts[0][2] === undefined ? Number(parts[0][1]) : parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
  };

  const valueOf = (cell) => {
    if (cell === undefined) return null;
    if (cell.dataset.value !== undefined) return amount(cell.dataset.value) ?? cell.dataset.value;
    const text = textOf(cell);
    return amount(text) ?? (text === "" || text === "—" ? null : text);
  };

  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  };

  const sortable = (table) => {
    const heads = table.tHead?.rows ?? [];
    const plain = heads.length === 1 && Array.from(heads[0].cells).every((cell) => cell.colSpan === 1 && cell.rowSpan === 1);
    return plain && table.tBodies.length === 1 && table.tBodies[0].rows.length >= ROWS_TO_SORT && !table.hasAttribute("data-sortable");
  };

  const bindSorting = (table) => {
    Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
      if (heading.textContent.trim() === "" || heading.querySelector("a, button") !== null) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
        for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", direction);
        const sign = direction === "ascending" ? 1 : -1;
        const rows = Array.from(table.tBodies[0].rows, (row) => [row, valueOf(row.cells[column])]);
        // What has no value stays last, whichever way it is sorted.
        rows.sort(([, a], [, b]) => (a === null || b === null ? compare(a, b) : sign * compare(a, b)));
        table.tBodies[0].append(...rows.map(([row]) => row));
      });
    });
  };

  const shownRows = (table) => Array.from(table.rows).filter((row) => !row.hidden);

  const csvCell = (cell) => {
    const text = cell.dataset.value ?? textOf(cell, { beside: true });
    const safe = /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const csv = (table) =>
    `${shownRows(table)
      .map((row) => Array.from(row.cells, (cell) => [csvCell(cell), ...Array(cell.colSpan - 1).fill("")].join(",")).join(","))
      .join("\r\n")}\r\n`;

  const TEX = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", $: "\\$", "#": "\\#", _: "\\_", "{": "\\{", "}": "\\}",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
    "[": "{[}", "]": "{]}", "∞": "$\\infty$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "—": "---", "–": "--", "×": "$\\times$",
    "▲": "$\\blacktriangle$", "▼": "$\\blacktriangledown$", "△": "$\\vartriangle$", "▽": "$\\triangledown$", "≈": "$\\approx$",
  };
  const tex = (text) => Array.from(text, (letter) => TEX[letter] ?? letter).join("");

  const texCell = (cell, intervals) => {
    const symbol = cell.querySelector(".beside [aria-hidden]")?.textContent ?? "";
    const interval = intervals ? cell.querySelector(".interval") : null;
    const text = tex(textOf(cell));
    const shown = cell.classList.contains("best") ? `\\textbf{${text}}` : text;
    const whole = [shown, tex(symbol), interval === null ? "" : `{\\footnotesize ${tex(textOf(interval).replace(/^(.*) to (.*)$/, "[$1, $2]"))}}`].filter(Boolean).join("\\,");
    return cell.colSpan > 1 ? `\\multicolumn{${cell.colSpan}}{c}{${whole}}` : whole;
  };

  const MARKS = [
    [".best", "Bold: best, with all that cannot be told apart from it."],
    [".beside.better, .beside.worse", "$\\blacktriangle$, $\\blacktriangledown$: better, worse than the unchanged input."],
    [".beside.alike", "$\\approx$: not told apart from the unchanged input."],
    [".beside.ahead, .beside.behind", "$\\vartriangle$, $\\triangledown$: ahead of, behind the unchanged input so far, on too few pictures to tell."],
    [".partial", "Some means leave out pictures that were not measured."],
  ];

  const latex = (table, intervals) => {
    const lines = (section) => shownRows(section).map((row) => `${Array.from(row.cells, (cell) => texCell(cell, intervals)).join(" & ")} \\\\`);
    const head = table.tHead === null ? [] : lines(table.tHead);
    const bodies = Array.from(table.tBodies, (body) => lines(body)).filter((found) => found.length > 0);
    const widest = Math.max(...Array.from(table.rows, (row) => Array.from(row.cells).reduce((sum, cell) => sum + cell.colSpan, 0)));
    const marks = MARKS.filter(([selector]) => table.querySelector(selector) !== null).map(([, words]) => words);
    return [
      "% needs \\usepackage{booktabs,amssymb}",
      `\\begin{tabular}{l${"r".repeat(widest - 1)}}`,
      "\\toprule",
      ...head,
      ...bodies.flatMap((found) => ["\\midrule", ...found]),
      "\\bottomrule",
      "\\end{tabular}",
      ...(marks.length > 0 ? [`\\par\\footnotesize ${marks.join(" ")}`] : []),
      "",
    ].join("\n");
  };

  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  };

  const labelled = (words, input) => {
    const label = document.createElement("label");
    label.append(...(input.type === "checkbox" ? [input, ` ${words}`] : [`${words} `, input]));
    return label;
  };

  const filter = (table) => {
    const input = document.createElement("input");
    input.type = "search";
    input.autocomplete = "off";
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const body of table.tBodies) for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    return labelled("Filter rows", input);
  };

  const tools = (table) => {
    const name = (table.closest("[aria-label]")?.getAttribute("aria-label") ?? table.caption?.textContent ?? document.title).trim();
    const file = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "table"}.csv`;
    const made = document.createElement("details");
    made.className = "table-tools";
    const summary = document.createElement("summary");
    summary.textContent = "Table";
    const hidden = document.createElement("span");
    hidden.className = "hidden";
    hidden.textContent = `: filter and copy ${name}`;
    summary.append(hidden);
    const intervals = document.createElement("input");
    intervals.type = "checkbox";
    const rows = Array.from(table.tBodies).reduce((sum, body) => sum + body.rows.length, 0);
    made.append(
      summary,
      ...(rows >= ROWS_TO_FILTER ? [filter(table)] : []),
      button("Copy CSV", () => window.copying.copy(csv(table), "Copy CSV")),
      button("Save CSV", () => window.copying.save(csv(table), file, "text/csv")),
      button("Copy LaTeX", () => window.copying.copy(latex(table, intervals.checked), "Copy LaTeX")),
      ...(table.querySelector(".interval") === null ? [] : [labelled("with intervals", intervals)]),
    );
    return made;
  };

  for (const table of document.querySelectorAll("main table:not([data-plain], [data-viewer-scores])")) {
    if (sortable(table)) bindSorting(table);
    (table.closest(".scroll") ?? table).before(tools(table));
  }

  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("main td, main tbody th");
    if (cell === null || event.target.closest("button, a[href]:not([data-making]), summary, input, dialog") !== null) return;
    window.copying.copy(cell.dataset.value ?? textOf(cell, { beside: true }), "Copied the cell");
  });
})();
