// Shows one of several alternatives, or all, by the choice above them. Without scripts those are shown that are not hidden.
"use strict";

for (const chooser of document.querySelectorAll("[data-chooser]")) {
  const select = chooser.querySelector("select");
  const keys = new Set(Array.from(select.options, (option) => option.value));
  const sections = Array.from(document.querySelectorAll("[data-chosen-by]")).filter((section) => keys.has(section.dataset.chosenBy));

  const show = () => {
    for (const section of sections) section.hidden = select.value !== "" && section.dataset.chosenBy !== select.value;
  };

  // A link to an alternative leads to it, whatever was chosen before, and whatever is folded around it.
  const follow = () => {
    const anchor = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = anchor === null ? null : anchor.closest("[data-chosen-by]");
    if (section === null || !sections.includes(section)) return;
    select.value = section.dataset.chosenBy;
    show();
    for (let around = section.closest("details"); around !== null; around = around.parentElement.closest("details")) around.open = true;
    section.scrollIntoView();
  };

  chooser.hidden = false;
  select.addEventListener("change", show);
  window.addEventListener("hashchange", follow);
  show();
  follow();
}
