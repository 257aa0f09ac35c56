// Copies text, saves it as a file, and says so; pages that are opened from disk may not be let near the clipboard.
"use strict";

window.copying = (() => {
  const said = document.createElement("p");
  said.className = "copied";
  said.setAttribute("role", "status");
  document.body.append(said);
  let timer = 0;

  const say = (words) => {
    const dialog = document.querySelector("dialog[open]");
    (dialog ?? document.body).append(said);
    said.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), 2500);
  };

  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    const before = document.activeElement;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  };

  const copy = async (text, words = "Copied") => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!copyBySelection(text)) return say("The browser does not let this page copy");
    }
    return say(words.startsWith("Copy ") ? `Copied ${words.slice(5)}` : words);
  };

  const save = (text, name, kind) => {
    const link = document.createElement("a");
    const address = URL.createObjectURL(new Blob([text], { type: kind }));
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
    say(`Saved ${name}`);
  };

  return { copy, save };
})();
