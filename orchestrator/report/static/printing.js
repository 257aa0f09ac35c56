// Before a page is printed: what is folded is opened, and pictures that were not scrolled to are fetched. Afterwards as before.
"use strict";

(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open], .table-tools)"));
    for (const one of opened) one.open = true;
    for (const image of document.images) image.loading = "eager";
  });
  window.addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened = [];
  });
})();
