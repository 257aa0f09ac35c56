// Sorts a table by the column whose heading is clicked: best first, then worst first. What was not measured stays last.
"use strict";

(() => {
  const sortValue = (row, column) => {
    const cell = row.querySelector(`[data-column="${column}"][data-value]`);
    if (cell === null) return null;
    return cell.dataset.value === "inf" ? Infinity : Number(cell.dataset.value);
  };

  const sortRows = (table, column, direction) => {
    const body = table.querySelector("tbody[data-sorted]");
    const rows = Array.from(body.rows);
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((first, second) => {
      const [a, b] = [sortValue(first, column), sortValue(second, column)];
      if (a === null || b === null) return (a === null) - (b === null);
      return a === b ? 0 : sign * (a < b ? -1 : 1);
    });
    body.append(...rows);
  };

  const bind = (table) => {
    for (const heading of table.querySelectorAll("th[data-sort]")) {
      heading.querySelector("button").addEventListener("click", () => {
        const bestFirst = heading.dataset.better === "higher" ? "descending" : "ascending";
        const worstFirst = bestFirst === "descending" ? "ascending" : "descending";
        const direction = heading.getAttribute("aria-sort") === bestFirst ? worstFirst : bestFirst;
        for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", direction);
        sortRows(table, heading.dataset.sort, direction);
      });
    }
  };

  document.querySelectorAll("table[data-sortable]").forEach(bind);
})();
