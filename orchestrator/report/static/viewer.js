// The viewer: opens from a picture's fragment, shows its layers and scores, and goes from picture to picture.
"use strict";

sirr.viewer = (() => {
  const viewer = document.querySelector("[data-viewer]");
  const part = (name) => viewer.querySelector(`[data-${name}]`);
  const selects = { left: viewer.querySelector("[data-side=left]"), right: viewer.querySelector("[data-side=right]") };
  const links = { left: viewer.querySelector("[data-link=left]"), right: viewer.querySelector("[data-link=right]") };
  const chosen = {
    left: sirr.layers[0]?.key,
    right: (sirr.layers.find((layer) => layer.title === "transmission") ?? sirr.layers.at(-1))?.key,
  };

  let current = null;
  let cameByLink = false;

  const element = (tag, text = "", attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };

  const swatch = (entrant) => {
    const made = element("span", "", { class: "swatch", "aria-hidden": "true" });
    made.style.background = `var(${sirr.colourName(entrant)})`;
    return made;
  };

  for (const select of Object.values(selects)) {
    for (const layer of sirr.layers) select.append(element("option", layer.full, { value: layer.key }));
    select.addEventListener("change", () => choose({ [select.dataset.side]: select.value }));
  }

  const layerShown = (side) => {
    const layer = sirr.layer(chosen[side]);
    const size = current.sizes[layer.key];
    return {
      address: sirr.address(current, layer),
      title: layer.full,
      alt: `${current.name}: ${layer.full}`,
      said: size === undefined ? layer.full : `${layer.full} (${size}, stretched)`,
    };
  };

  const showLayers = () => {
    const sides = { left: layerShown("left"), right: layerShown("right") };
    for (const [side, layer] of Object.entries(sides)) {
      selects[side].value = chosen[side];
      links[side].textContent = layer.address === null ? `no ${layer.title} here` : layer.said;
      if (layer.address === null) links[side].removeAttribute("href");
      else links[side].href = layer.address;
    }
    for (const button of viewer.querySelectorAll("[data-layer]")) {
      button.setAttribute("aria-pressed", String(button.dataset.layer === chosen.right));
      button.classList.toggle("left", button.dataset.layer === chosen.left);
    }
    sirr.stage.show({ ...sides, width: current.width, height: current.height });
  };

  const choose = (sides) => {
    for (const [side, key] of Object.entries(sides)) if (sirr.layer(key) !== undefined) chosen[side] = key;
    if (current !== null) showLayers();
  };

  const thumbnailButton = (layer) => {
    const item = element("li");
    const button = element("button", "", { type: "button", "data-layer": layer.key, "aria-pressed": "false" });
    const image = element("img", "", { src: sirr.thumbnail(current, layer), alt: "", decoding: "async" });
    const name = element("span", layer.title);
    if (layer.digit) name.append(" ", element("kbd", String(layer.digit)));
    button.append(image, name);
    button.addEventListener("click", (event) => choose({ [event.shiftKey ? "left" : "right"]: layer.key }));
    item.append(button);
    return item;
  };

  const layerGroup = (title, said, missing, layers, entrant) => {
    const group = element("section", "", { class: "layers", "aria-label": title });
    const heading = element("h3", "");
    if (entrant !== null) heading.append(swatch(entrant), "\u00a0");
    heading.append(title);
    if (said) heading.append(" ", element("span", said, { class: "muted" }));
    group.append(heading);
    if (missing) group.append(element("p", `no picture: ${missing}`, { class: "missing" }));
    const list = element("ul", "", { class: "thumbs" });
    list.append(...layers.filter((layer) => sirr.address(current, layer) !== null).map(thumbnailButton));
    if (list.children.length > 0) group.append(list);
    return group;
  };

  const showGroups = () => {
    const own = sirr.layers.filter((layer) => layer.label === "");
    const groups = sirr.networks.map((entrant, index) => {
      const { label, title } = sirr.entrants[entrant];
      const { said, missing } = current.answers[index];
      return layerGroup(title, said, missing, sirr.layers.filter((layer) => layer.label === label), entrant);
    });
    part("layer-groups").replaceChildren(layerGroup("Dataset", "", "", own, null), ...groups);
  };

  // The metrics of the protocol that is chosen; without a choice there is one protocol.
  const judging = () => {
    const protocol = part("score-protocol")?.value;
    return sirr.metrics.filter((metric) => protocol === undefined || metric.protocol === protocol);
  };

  const scoreCell = (metric, entrant, input) => {
    const form = sirr.metrics[metric];
    const value = sirr.score(metric, entrant, current);
    if (value === null) return element("td", sirr.why(metric, entrant, current), { class: "missing" });
    const among = sirr.entrants.map((_one, other) => sirr.score(metric, other, current));
    const cell = element("td", sirr.write(value, form, { unit: false, among }), { class: "number" });
    const base = input < 0 ? null : sirr.score(metric, input, current);
    if (sirr.entrants[entrant].control || base === null || sirr.same(value, base)) return cell;
    const better = value > base === form.higher;
    const mark = element("span", better ? " ▲" : " ▼", { class: better ? "better" : "worse", "aria-hidden": "true" });
    cell.append(mark, element("span", better ? " better than the input on this picture" : " worse than the input on this picture", { class: "hidden" }));
    return cell;
  };

  const showScores = () => {
    const rows = part("score-rows");
    if (rows === null) return;
    const input = sirr.entrantOf(sirr.unchanged);
    rows.replaceChildren(
      ...sirr.entrants.map((entrant, index) => {
        const row = element("tr", "", entrant.control ? { class: "controls" } : {});
        const name = element("th", "", { scope: "row", class: "name" });
        if (!entrant.control) name.append(swatch(index), "\u00a0");
        name.append(entrant.title);
        row.append(name, ...judging().map((metric) => scoreCell(sirr.metrics.indexOf(metric), index, input)));
        return row;
      }),
    );
  };

  const scoreHead = (metric) => {
    const head = element("th", metric.heading, { scope: "col", class: "number" });
    head.append("\u00a0", element("span", metric.higher ? "↑" : "↓", { class: "arrow", "aria-hidden": "true" }));
    head.append(element("span", metric.higher ? " higher is better" : " lower is better", { class: "hidden" }));
    return head;
  };

  const showHeads = () => {
    const heads = part("score-heads");
    heads?.replaceChildren(heads.firstElementChild, ...judging().map(scoreHead));
  };

  part("score-protocol")?.addEventListener("change", () => {
    showHeads();
    showScores();
  });
  showHeads();

  const fetchEarly = (picture) => {
    for (const key of Object.values(chosen)) {
      const found = sirr.address(picture, sirr.layer(key));
      if (found !== null) new Image().src = found;
    }
  };

  const neighbour = (steps) => {
    const at = sirr.order.indexOf(current);
    return at < 0 ? sirr.order[0] : sirr.order[at + steps];
  };

  const fill = (picture) => {
    current = picture;
    part("viewer-title").textContent = picture.name;
    part("viewer-facts").textContent = [picture.size, picture.origin, ...picture.notes].filter(Boolean).join(" · ");
    const at = sirr.order.indexOf(picture);
    part("viewer-place").textContent = at < 0 ? "" : `${at + 1} of ${sirr.order.length}`;
    part("viewer-heard").textContent = [picture.name, part("viewer-place").textContent].join(", ");
    for (const [name, steps] of [["previous", -1], ["next", 1]]) {
      viewer.querySelector(`[data-do=${name}]`).setAttribute("aria-disabled", String(neighbour(steps) === undefined));
    }
    showGroups();
    showScores();
    showLayers();
  };

  const open = (picture) => {
    if (!viewer.open) {
      viewer.showModal();
      document.documentElement.classList.add("viewing");
      part("viewer-title").focus();
    }
    fill(picture);
  };

  const go = (steps) => {
    const picture = neighbour(steps);
    if (picture === undefined) return;
    history.replaceState(null, "", `#${picture.anchor}`);
    fill(picture);
    const after = neighbour(Math.sign(steps));
    if (after !== undefined) fetchEarly(after);
  };

  const leave = () => {
    const link = document.querySelector(`#${current.anchor} a`);
    current = null;
    sirr.stage.show(null);
    document.documentElement.classList.remove("viewing");
    link?.focus();
  };

  // The event comes later than the closing: by then the reader may have opened another picture.
  viewer.addEventListener("close", () => {
    if (viewer.open || current === null) return;
    const { anchor } = current;
    leave();
    if (location.hash !== `#${anchor}`) return;
    if (cameByLink) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
  });

  const followFragment = (byLink) => {
    const picture = sirr.picture(location.hash.slice(1));
    if (picture !== undefined) {
      cameByLink = byLink;
      open(picture);
    } else if (viewer.open) {
      viewer.close();
    }
  };

  const help = viewer.querySelector("#viewer-help");
  const exchange = () => choose({ left: chosen.right, right: chosen.left });
  const toggle = (mode) => sirr.stage.setMode(sirr.stage.mode() === mode ? "slider" : mode);
  const showHelp = () => {
    help.hidden = !help.hidden;
    viewer.querySelector("[data-do=help]").setAttribute("aria-expanded", String(!help.hidden));
  };

  const ACTIONS = {
    previous: () => go(-1),
    next: () => go(1),
    in: () => sirr.stage.step(1),
    out: () => sirr.stage.step(-1),
    fit: () => sirr.stage.fit(),
    pixels: () => sirr.stage.pixels(),
    help: showHelp,
    close: () => viewer.close(),
  };
  for (const button of viewer.querySelectorAll("[data-do]")) button.addEventListener("click", ACTIONS[button.dataset.do]);

  const CHARACTERS = {
    "+": ACTIONS.in,
    "=": ACTIONS.in,
    "-": ACTIONS.out,
    0: ACTIONS.fit,
    d: () => toggle("difference"),
    s: () => toggle("sides"),
    x: exchange,
    "?": showHelp,
  };
  const PAN = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] };
  const ARROWS = { ArrowLeft: -1, ArrowRight: 1 };

  const action = (event) => {
    if (PAN[event.key] && event.shiftKey) return () => sirr.stage.pan(...PAN[event.key]);
    if (ARROWS[event.key]) return event.target.closest("[data-slider]") ? undefined : () => go(ARROWS[event.key]);
    if (!part("keys").checked) return undefined;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    if (digit === undefined) return CHARACTERS[event.key.toLowerCase()];
    const layer = sirr.layers.find((one) => one.digit === Number(digit));
    return layer && (() => choose({ [event.shiftKey ? "left" : "right"]: layer.key }));
  };

  document.addEventListener("keydown", (event) => {
    if (!viewer.open || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input")) return;
    const act = action(event);
    if (act === undefined) return;
    event.preventDefault();
    act();
  });

  window.addEventListener("hashchange", () => followFragment(true));
  document.addEventListener("DOMContentLoaded", () => followFragment(false));
  // A browser that goes to a fragment while the page loads takes the focus away from the viewer.
  window.addEventListener("load", () => viewer.open && !viewer.contains(document.activeElement) && part("viewer-title").focus());

  return { choose };
})();
