// Shows the tables of one protocol, or of all, by the choice above them. Without scripts all are shown.
"use strict";

(() => {
  const chooser = document.querySelector("[data-chooser]");
  if (chooser === null) return;
  const select = chooser.querySelector("select");
  const sections = Array.from(document.querySelectorAll("[data-chosen-by]"));

  const show = () => {
    for (const section of sections) section.hidden = select.value !== "" && section.dataset.chosenBy !== select.value;
  };

  // A link to a table leads to it, whatever was chosen before.
  const follow = () => {
    const anchor = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = anchor === null ? null : anchor.closest("[data-chosen-by]");
    if (section === null) return;
    select.value = section.dataset.chosenBy;
    show();
    section.scrollIntoView();
  };

  chooser.hidden = false;
  select.addEventListener("change", show);
  window.addEventListener("hashchange", follow);
  show();
  follow();
})();
