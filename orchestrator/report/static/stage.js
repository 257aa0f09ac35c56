// Shows two layers of a picture: behind a divider, side by side, or as their difference; all zoomed and moved alike.
"use strict";

sirr.stage = (() => {
  const LADDER = [1 / 32, 1 / 16, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
  // From no difference to much: evenly perceived, also without colour and by colour-blind eyes.
  const COLOURS = ["#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4"];

  const stage = document.querySelector("[data-stage]");
  const viewer = document.querySelector("[data-viewer]");
  const slider = stage.querySelector("[data-slider]");
  const sides = stage.querySelector("[data-sides]");
  const difference = stage.querySelector("[data-difference]");
  const differencePictures = stage.querySelector("[data-difference-pictures]");
  const zoomed = viewer.querySelector("[data-zoom]");
  const said = stage.querySelector("[data-stage-said]");
  const scale = viewer.querySelector("[data-scale]");

  let mode = "slider";
  let shown = null;
  // centre: the point of the picture in the middle of each pane; scale: CSS pixels per pixel of the picture.
  const view = { x: 0, y: 0, scale: 1, fitted: true };

  const panes = () => {
    if (mode === "difference") return [difference];
    return Array.from((mode === "sides" ? sides : slider).querySelectorAll("[data-pane]"));
  };

  const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
  const deviceScale = () => view.scale * window.devicePixelRatio;

  const within = (value, extent, room) => {
    const half = room / 2 / view.scale;
    return extent <= 2 * half ? extent / 2 : Math.min(Math.max(value, half), extent - half);
  };

  // Whole pixels of the screen: a picture, or a pane, that begins between two of them is blurred.
  const onDevice = (length, round = Math.round) => round(length * window.devicePixelRatio) / window.devicePixelRatio;
  const covered = (value) => Math.floor(value + 0.01);

  const align = () => {
    stage.style.left = stage.style.top = "0";
    const { left, top } = stage.getBoundingClientRect();
    stage.style.left = `${onDevice(left, Math.floor) - left}px`;
    stage.style.top = `${onDevice(top, Math.floor) - top}px`;
  };

  // Where the pictures' far edges cover a pixel of the screen in part, there is no difference to show.
  const clipDifference = (left, top, width, height) => {
    const right = width - onDevice(left + shown.width * view.scale, covered);
    const bottom = height - onDevice(top + shown.height * view.scale, covered);
    differencePictures.style.clipPath = `inset(${[top, right, bottom, left].map((edge) => `${Math.max(edge, 0)}px`).join(" ")})`;
  };

  const place = () => {
    if (shown === null) return;
    const { clientWidth, clientHeight } = panes()[0];
    if (clientWidth === 0) return;
    if (view.fitted) view.scale = Math.min(clientWidth / shown.width, clientHeight / shown.height, 64);
    view.x = within(view.x, shown.width, clientWidth);
    view.y = within(view.y, shown.height, clientHeight);
    align();
    const left = onDevice(clientWidth / 2 - view.x * view.scale);
    const top = onDevice(clientHeight / 2 - view.y * view.scale);
    for (const image of stage.querySelectorAll(".pane img")) {
      image.style.transform = `translate(${left}px, ${top}px) scale(${view.scale})`;
      image.classList.toggle("pixels", deviceScale() >= 1);
    }
    clipDifference(left, top, clientWidth, clientHeight);
    zoomed.textContent = percent.format(deviceScale());
    scale.querySelector("[data-scale-said]").textContent =
      deviceScale() >= 1 ? "Each pixel of the picture has its own colour." : "Zoom in to 100 % to see single pixels: the pictures are averaged before they are compared.";
  };

  const image = (layer, width, height) => {
    const made = new Image();
    made.alt = layer.alt;
    made.draggable = false;
    made.decoding = "async";
    made.style.width = `${width}px`;
    made.style.height = `${height}px`;
    made.addEventListener("error", () => tell(`${layer.title}: the picture cannot be read`));
    made.src = layer.address;
    return made;
  };

  const tell = (text) => {
    said.textContent = text;
    said.hidden = text === "";
  };

  const fill = () => {
    for (const pane of stage.querySelectorAll("[data-pane], [data-difference-pictures]")) pane.replaceChildren();
    if (shown === null) return;
    const { left, right, width, height } = shown;
    const missing = [left, right].filter((layer) => layer.address === null);
    tell(missing.map((layer) => `no ${layer.title} here`).join("; "));
    const made = [left, right].map((layer) => (layer.address === null ? null : image(layer, width, height)));
    if (mode === "difference") {
      if (missing.length === 0) differencePictures.replaceChildren(...made);
    } else {
      panes().forEach((pane, index) => made[index] && pane.replaceChildren(made[index]));
    }
    place();
  };

  // what: { left, right: { address or null, title, alt }, width, height: of the picture in pixels }
  const show = (what) => {
    const moved = shown === null || what === null || shown.width !== what.width || shown.height !== what.height;
    shown = what;
    if (moved) Object.assign(view, { x: (what?.width ?? 0) / 2, y: (what?.height ?? 0) / 2, fitted: true });
    fill();
  };

  const setMode = (chosen) => {
    mode = chosen;
    slider.hidden = mode !== "slider";
    sides.hidden = mode !== "sides";
    difference.hidden = mode !== "difference";
    scale.hidden = mode !== "difference";
    for (const button of viewer.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    fill();
  };

  // at: a point of the pane that stays where it is, in CSS pixels from its middle.
  const zoomTo = (wanted, at = { x: 0, y: 0 }) => {
    const before = view.scale;
    view.scale = Math.min(Math.max(wanted, 1 / 64), 64);
    view.fitted = false;
    view.x += at.x / before - at.x / view.scale;
    view.y += at.y / before - at.y / view.scale;
    place();
  };

  const step = (direction) => {
    const now = deviceScale();
    const next = direction > 0 ? LADDER.find((one) => one > now * 1.01) : LADDER.findLast((one) => one < now * 0.99);
    if (next !== undefined) zoomTo(next / window.devicePixelRatio);
  };

  const fit = () => {
    view.fitted = true;
    place();
  };

  const pan = (x, y) => {
    view.fitted = false;
    view.x += x / view.scale;
    view.y += y / view.scale;
    place();
  };

  const fromMiddle = (event) => {
    const pane = panes().find((one) => {
      const box = one.getBoundingClientRect();
      return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    });
    const box = (pane ?? panes()[0]).getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };

  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      zoomTo(view.scale * Math.exp(-pixels * 0.002), fromMiddle(event));
    },
    { passive: false },
  );

  stage.addEventListener("dblclick", (event) => (view.fitted ? zoomTo(1 / window.devicePixelRatio, fromMiddle(event)) : fit()));

  const fingers = new Map();
  const onHandle = (event) => event.composedPath().some((one) => one.id === "handle" || one.classList?.contains("knob"));
  const spread = () => {
    const [a, b] = Array.from(fingers.values());
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || onHandle(event)) return;
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    if (fingers.size === 2) {
      const apart = spread();
      fingers.set(event.pointerId, event);
      zoomTo(view.scale * (spread() / Math.max(apart, 1)), fromMiddle(event));
      return;
    }
    fingers.set(event.pointerId, event);
    pan(before.clientX - event.clientX, before.clientY - event.clientY);
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => fingers.delete(event.pointerId));

  const tellDivider = () => slider.setAttribute("aria-valuenow", String(Math.round(slider.value)));
  slider.addEventListener("slide", tellDivider);
  slider.addEventListener("keydown", (event) => {
    const end = { Home: 0, End: 100 }[event.key];
    if (end === undefined) return;
    event.preventDefault();
    slider.value = end;
    tellDivider();
  });

  const channel = (hexadecimal, at) => parseInt(hexadecimal.slice(at, at + 2), 16) / 255;
  const gains = scale.querySelector("[data-gain]");
  const setGain = () => {
    const share = 255 / Number(gains.value) / 3;
    const row = `${share} ${share} ${share} 0 0`;
    document.querySelector("[data-difference-gain]").setAttribute("values", `${row} ${row} ${row} 0 0 0 1 0`);
    scale.querySelector("[data-scale-high]").textContent = gains.value === "255" ? "255" : `${gains.value} or more`;
  };
  ["feFuncR", "feFuncG", "feFuncB"].forEach((name, index) => {
    const values = COLOURS.map((colour) => channel(colour, 1 + 2 * index).toFixed(4)).join(" ");
    document.querySelector(`[data-difference-colours] ${name}`).setAttribute("tableValues", values);
  });
  scale.querySelector("[data-scale-colours]").style.background = `linear-gradient(to right, ${COLOURS.join(", ")})`;
  gains.addEventListener("change", setGain);
  setGain();

  for (const button of viewer.querySelectorAll("[data-mode]")) button.addEventListener("click", () => setMode(button.dataset.mode));
  new ResizeObserver(place).observe(stage);

  return { show, fit, pan, step, setMode, mode: () => mode, pixels: () => zoomTo(1 / window.devicePixelRatio) };
})();
