// Builds the page that the address asks for, of a report in one file: everything that a page names lies in this file.
// The address: ?PAGE#PLACE. It runs before the document is complete, so that a page's own scripts find it as in a folder.
"use strict";

(() => {
  const carried = JSON.parse(document.getElementById("carried").textContent);
  const FIRST = "index.html";

  const known = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

  // The file's name inside the report's folder, with its fragment; null for what lies outside of it.
  const inside = (address) => {
    const [path, fragment] = address.split("#", 2);
    if (path === "" || /^[a-z][a-z0-9+.-]*:|^\//i.test(path)) return null;
    return { path: path.split("?")[0].replace(/^\.\//, ""), fragment: fragment === undefined ? "" : `#${fragment}` };
  };

  const picture = (address) => {
    const number = known(carried.pictures, inside(address)?.path ?? "");
    return number === undefined ? undefined : carried.data[number];
  };

  const script = (address) => known(carried.scripts, inside(address)?.path ?? "");

  // Scripts name pictures and other scripts by their addresses in the folder: they get what lies here under that name.
  const redirect = (prototype, put) => {
    const { get, set } = Object.getOwnPropertyDescriptor(prototype, "src");
    Object.defineProperty(prototype, "src", {
      get,
      set(value) {
        put(this, String(value), (address) => set.call(this, address));
      },
    });
  };
  const shown = (image, value, pass) => pass(picture(value) ?? value);
  const run = (element, value, pass) => {
    const text = script(value);
    if (text === undefined) return pass(value);
    element.textContent = text;
    return setTimeout(() => element.dispatchEvent(new Event("load")));
  };
  redirect(HTMLImageElement.prototype, shown);
  redirect(HTMLScriptElement.prototype, run);
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    const source = String(name).toLowerCase() === "src";
    if (source && (this instanceof HTMLImageElement || this instanceof HTMLScriptElement)) this.src = value;
    else setAttribute.call(this, name, value);
  };

  const bindLink = (link) => {
    const found = inside(link.getAttribute("href"));
    if (found === null) return;
    if (known(carried.pages, found.path) !== undefined) {
      link.setAttribute("href", `?${found.path}${found.fragment}`);
    } else if (known(carried.files, found.path) !== undefined) {
      const text = new Blob([known(carried.files, found.path)], { type: "text/csv" });
      link.setAttribute("href", URL.createObjectURL(text));
      link.setAttribute("download", decodeURIComponent(found.path));
    } else if (picture(found.path) === undefined) {
      link.removeAttribute("href");
      link.classList.add("muted");
      link.title = "Lies in the report's folder, not in this file";
    }
  };

  // A picture's link opens it in a page of its own; browsers do not let an address that holds the picture do that.
  const openPicture = async (event) => {
    const link = event.target.closest("a[href]");
    const data = link === null ? undefined : picture(link.getAttribute("href"));
    if (data === undefined) return;
    event.preventDefault();
    const [head, content] = data.split(",", 2);
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    window.open(URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] })), "_blank");
  };

  const build = (name) => {
    const page = new DOMParser().parseFromString(carried.pages[name], "text/html");
    document.title = page.title;
    const scripts = Array.from(page.querySelectorAll("script[src]"), (element) => element.getAttribute("src"));
    for (const element of page.querySelectorAll("script[src]")) element.remove();
    for (const image of page.querySelectorAll("img[src]")) setAttribute.call(image, "src", picture(image.getAttribute("src")) ?? "");
    for (const link of page.querySelectorAll("a[href]")) bindLink(link);
    const note = page.createElement("p");
    note.className = "muted single-note";
    note.textContent = carried.note;
    page.querySelector("main")?.prepend(note);
    document.body.append(...page.body.childNodes);
    document.addEventListener("click", openPicture);
    for (const address of scripts) {
      const element = document.createElement("script");
      element.src = address;
      document.body.append(element);
    }
  };

  let asked = FIRST;
  try {
    asked = decodeURIComponent(location.search.slice(1));
  } catch {
    // What no address can be is no page's either.
  }
  const encoded = location.search.slice(1);
  build([encoded, asked].find((name) => known(carried.pages, name) !== undefined) ?? FIRST);
})();
