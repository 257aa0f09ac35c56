// Chooses what the sliders show, and says it: for all pictures by the toolbar, for one picture by its thumbnails.
"use strict";

(() => {
  const cards = Array.from(document.querySelectorAll("[data-card]"));
  const toolbar = document.querySelector("[data-toolbar]");

  const layerOf = (card, key) =>
    Array.from(card.querySelectorAll("[data-layer]")).find((button) => button.dataset.layer === key);

  const show = (card, side, button) => {
    const image = card.querySelector(`[data-image="${side}"]`);
    const link = card.querySelector(`[data-link="${side}"]`);
    const name = card.querySelector("h3").textContent;
    image.src = button.dataset.href;
    image.alt = `${name}: ${button.dataset.title}`;
    link.href = button.dataset.href;
    link.textContent = button.dataset.title;
    if (side !== "right") return;
    for (const other of card.querySelectorAll("[data-layer]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };

  const showMissing = (card, side, title) => {
    const link = card.querySelector(`[data-link="${side}"]`);
    link.textContent = `${link.textContent.split(" (")[0]} (no ${title} here)`;
  };

  const bindSlider = (slider) => {
    slider.parentElement.style.setProperty("--ratio", slider.dataset.width / slider.dataset.height);
    const told = () => slider.setAttribute("aria-valuenow", String(Math.round(slider.value)));
    slider.addEventListener("slide", told);
    slider.addEventListener("keydown", (event) => {
      const end = { Home: 0, End: 100 }[event.key];
      if (end === undefined) return;
      event.preventDefault();
      slider.value = end;
      told();
    });
  };

  for (const card of cards) {
    bindSlider(card.querySelector("[data-slider]"));
    for (const button of card.querySelectorAll("[data-layer]")) {
      button.addEventListener("click", () => show(card, "right", button));
    }
  }

  if (toolbar === null) return;
  toolbar.hidden = false;
  for (const select of toolbar.querySelectorAll("select")) {
    const side = select.dataset.side;
    const showAll = () => {
      const title = select.selectedOptions[0].textContent;
      for (const card of cards) {
        const button = layerOf(card, select.value);
        if (button === undefined) showMissing(card, side, title);
        else show(card, side, button);
      }
    };
    select.addEventListener("change", showAll);
  }
  toolbar.addEventListener("submit", (event) => event.preventDefault());
})();
