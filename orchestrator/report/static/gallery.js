// Sorts and filters the gallery, and shows on each card the answer that the order is about.
"use strict";

(() => {
  const tools = document.querySelector("[data-gallery-tools]");
  if (tools === null) return;
  const gallery = document.querySelector("[data-gallery]");
  const tiles = new Map(Array.from(gallery.querySelectorAll("[data-tile]"), (tile) => [tile.id, tile]));
  const field = (name) => tools.querySelector(`[data-${name}]`);
  const value = (name) => field(name)?.value ?? "";
  const scored = sirr.metrics.length > 0;
  const input = sirr.entrantOf(sirr.unchanged);

  const FIRST = {
    score: ["worst", "best"],
    gain: ["least gain", "most gain"],
    spread: ["most apart", "least apart"],
    order: ["first", "last"],
  };

  const metricIndex = () => sirr.metrics.findIndex((metric) => metric.key === value("sort-metric"));
  const answering = () => sirr.networks.filter((entrant) => sirr.layer(`${sirr.entrants[entrant].label}/transmission`) !== undefined);

  // The networks that the order regards: the chosen one, or all that were scored anywhere.
  const regarded = (metric) => {
    if (value("sort-network") !== "") return [sirr.entrantOf(value("sort-network"))];
    return sirr.networks.filter((entrant) => sirr.pictures.some((picture) => sirr.score(metric, entrant, picture) !== null));
  };

  const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

  // What a picture is sorted by; null where it is not known, which comes last either way.
  const sortValue = (picture, by, metric, networks) => {
    // Without scores the pages' data says how far the answers themselves are apart.
    if (by === "spread" && !scored) return picture.apart;
    if (by === "spread") {
      const values = sirr.networks.map((entrant) => sirr.score(metric, entrant, picture)).filter(Number.isFinite);
      return values.length < 2 ? null : Math.max(...values) - Math.min(...values);
    }
    const values = networks.map((entrant) => sirr.score(metric, entrant, picture));
    if (values.length === 0 || values.includes(null)) return null;
    const base = by === "gain" ? sirr.score(metric, input, picture) : 0;
    const found = base === null ? NaN : mean(values) - base;
    return Number.isNaN(found) ? null : found;
  };

  // The network whose answer a card shows: the chosen one, or the worst on this picture.
  const worst = (picture, metric, networks) => {
    const known = networks.filter((entrant) => sirr.score(metric, entrant, picture) !== null);
    const sign = sirr.metrics[metric].higher ? 1 : -1;
    return known.sort((a, b) => sign * (sirr.score(metric, a, picture) - sirr.score(metric, b, picture)))[0] ?? answering()[0];
  };

  const told = (picture, by, metric, networks, entrant) => {
    const form = sirr.metrics[metric];
    const one = sirr.score(metric, entrant, picture);
    const parts = [`${form.title} ${one === null ? "not measured" : sirr.write(one, form)}`];
    const base = input < 0 ? null : sirr.score(metric, input, picture);
    if (one !== null && base !== null) parts.push(`${sirr.writeDifference(one - base, form)} against the input`);
    const sorted = by === "order" ? null : sortValue(picture, by, metric, networks);
    if (sorted !== null && by === "spread") parts.push(`networks apart by ${sirr.write(sorted, { ...form, perfect: null })}`);
    if (sorted !== null && by === "score" && networks.length > 1) parts.push(`mean of all ${sirr.write(sorted, form)}`);
    return parts.join(", ");
  };

  const toldUnscored = (picture, by) => {
    const levels = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    return by === "spread" && picture.apart !== null ? `networks apart by ${levels.format(picture.apart)} of 255` : picture.size;
  };

  const showAnswer = (tile, picture, entrant) => {
    const image = tile.querySelector("[data-thumbnail=answer]");
    const layer = sirr.layer(`${sirr.entrants[entrant]?.label}/transmission`);
    const address = layer === undefined ? null : sirr.thumbnail(picture, layer);
    if (image === null) return;
    image.hidden = address === null;
    if (address === null || image.getAttribute("src") === address) return;
    image.src = address;
    image.alt = layer.full;
  };

  const tell = (tile, picture, entrant, text) => {
    const said = tile.querySelector("[data-tile-said]");
    const name = document.createElement("span");
    name.className = "tile-network";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    if (entrant !== undefined) {
      swatch.style.background = `var(${sirr.colourName(entrant)})`;
      name.append(swatch, ` ${sirr.entrants[entrant].title}`);
    }
    said.replaceChildren(name, document.createTextNode(text));
  };

  const arrange = () => {
    const by = value("sort-by") || "order";
    const metric = scored ? metricIndex() : -1;
    const networks = scored ? regarded(metric) : [];
    const wanted = value("find").trim().toLowerCase();
    const kept = sirr.pictures.filter((picture) => picture.name.toLowerCase().includes(wanted));
    const values = new Map(kept.map((picture) => [picture, by === "order" ? picture.number : sortValue(picture, by, metric, networks)]));
    const rising = by === "order" || (by !== "spread" && sirr.metrics[metric].higher);
    const sign = rising === (value("sort-direction") !== "best") ? 1 : -1;
    kept.sort((a, b) => {
      const [first, second] = [values.get(a), values.get(b)];
      if (first === null || second === null) return (first === null) - (second === null);
      return first === second ? a.number - b.number : sign * (first < second ? -1 : 1);
    });
    for (const [id, tile] of tiles) tile.hidden = !values.has(sirr.picture(id));
    gallery.append(...kept.map((picture) => tiles.get(picture.anchor)));
    for (const picture of kept) {
      const chosen = value("sort-network");
      const entrant = chosen !== "" ? sirr.entrantOf(chosen) : scored ? worst(picture, metric, networks) : answering()[0];
      const tile = tiles.get(picture.anchor);
      tile.dataset.network = sirr.entrants[entrant]?.label ?? "";
      showAnswer(tile, picture, entrant);
      tell(tile, picture, entrant, scored && entrant !== undefined ? told(picture, by, metric, networks, entrant) : toldUnscored(picture, by));
    }
    sirr.order = kept;
    const whole = new Intl.NumberFormat();
    field("gallery-said").textContent =
      kept.length === sirr.pictures.length ? `${whole.format(kept.length)} pictures` : `${whole.format(kept.length)} of ${whole.format(sirr.pictures.length)} pictures`;
  };

  const nameDirections = () => {
    const names = FIRST[value("sort-by") || "order"];
    Array.from(field("sort-direction")?.options ?? [], (option, index) => (option.textContent = names[index]));
  };

  // The viewer opens with the answer that the card shows.
  gallery.addEventListener("click", (event) => {
    const tile = event.target.closest("[data-tile]");
    if (tile !== null && event.target.closest("a")) sirr.viewer.choose({ left: sirr.unchanged, right: `${tile.dataset.network}/transmission` });
  });
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("change", () => {
    nameDirections();
    arrange();
  });
  field("find").addEventListener("input", arrange);
  tools.hidden = false;
  nameDirections();
  arrange();
})();
