// Reads the pictures and scores that a dataset's page carries, and writes numbers in the reader's format.
// The page's data: entrants (networks, then controls), unchanged (the label of the control that does nothing), metrics,
// scores[metric][entrant][picture number - 1], layers, and pictures, whose `endings` say by layer which file there is.
"use strict";

window.sirr = (() => {
  // Characters that turn the direction of what follows are replaced: a name could turn the number beside it.
  const visible = (_key, value) =>
    typeof value === "string" ? value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd") : value;

  const data = JSON.parse(document.getElementById("pictures").textContent, visible);
  const byAnchor = new Map(data.pictures.map((picture) => [picture.anchor, picture]));
  const networks = data.entrants.flatMap((entrant, index) => (entrant.control ? [] : [index]));
  const entrantOf = (label) => data.entrants.findIndex((entrant) => entrant.label === label);

  // A score: a number, perhaps infinite; null where there is none.
  const score = (metric, entrant, picture) => {
    const value = data.scores[metric][entrant][picture.number - 1];
    if (value === "inf") return Infinity;
    if (value === "-inf") return -Infinity;
    return typeof value === "number" ? value : null;
  };

  const why = (metric, entrant, picture) => data.scores[metric][entrant][picture.number - 1][0];

  const NOISE = 9;
  const same = (a, b) => a === b || Math.abs(a - b) < 0.5 * 10 ** -NOISE;
  const digits = (value, decimals, sign) =>
    new Intl.NumberFormat(undefined, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
      signDisplay: sign ? "exceptZero" : "negative",
    }).format(value);

  // Rounding never claims what is not so: what is not perfect does not read as perfect.
  const rounded = (value, { perfect, higher }, decimals) => {
    const step = 10 ** -decimals;
    const text = digits(value, decimals);
    if (perfect === null || same(value, perfect) || text !== digits(perfect, decimals)) return text;
    return value < perfect ? `>${digits(perfect - step, decimals)}` : `<${digits(perfect + step, decimals)}`;
  };

  // among: values that must not read alike unless they are alike.
  const write = (value, metric, { unit = true, among = [] } = {}) => {
    if (!Number.isFinite(value)) return value > 0 ? "∞ (identical)" : "-∞";
    const others = among.filter((other) => other !== null && Number.isFinite(other) && !same(other, value));
    let decimals = metric.decimals;
    while (decimals < NOISE && others.some((other) => rounded(other, metric, decimals) === rounded(value, metric, decimals))) decimals += 1;
    return rounded(value, metric, decimals) + (unit && metric.unit ? ` ${metric.unit}` : "");
  };

  const writeDifference = (value, metric) =>
    Number.isFinite(value) ? digits(value, metric.decimals, true) + (metric.unit ? ` ${metric.unit}` : "") : "∞";

  const address = (picture, layer) => {
    const ending = picture.endings[data.layers.indexOf(layer)];
    return ending === null ? null : `${picture.folder}/${layer.path}${ending}`;
  };

  const thumbnail = (picture, layer) => {
    const found = address(picture, layer);
    return found === null ? null : found.slice(0, found.lastIndexOf(".")) + data.thumbnail;
  };

  const colourName = (entrant) => (data.entrants[entrant].control ? "--muted" : `--series-${(entrant % 6) + 1}`);

  return {
    ...data,
    picture: (anchor) => byAnchor.get(anchor),
    layer: (key) => data.layers.find((layer) => layer.key === key),
    order: data.pictures,
    networks,
    entrantOf,
    score,
    why,
    same,
    write,
    writeDifference,
    address,
    thumbnail,
    colourName,
  };
})();
