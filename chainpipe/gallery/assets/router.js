// Which page is shown: the part of the address behind `#`.
"use strict";

(() => {
  const main = document.getElementById("main");
  const tabs = document.getElementById("tabs");
  const pages = new Map();
  const places = new Map(); // how far each page was scrolled
  const library = document.title;
  let shown = null;

  // A page: `title`, `count()` for its tab, `draw(main, rest)`, which may return a clean-up;
  // `nameOf(rest)` where the title of the window says more.
  function add(name, page) {
    pages.set(name, page);
  }

  function route() {
    const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
    return pages.has(name) ? { name, rest } : { name: pages.keys().next().value, rest: [] };
  }

  function drawTabs(name) {
    tabs.replaceChildren();
    for (const [key, page] of pages) {
      if (!page.tab) continue;
      const number = page.count();
      const link = Gallery.el(
        "a",
        {
          href: `#/${key}`,
          "aria-current": key === name || (name === "video" && key === "library") ? "page" : null,
        },
        page.title,
      );
      if (number !== null) {
        link.append(" ", Gallery.el("span", { class: "count", text: number.toLocaleString("en") }));
      }
      tabs.append(link);
    }
    const current = tabs.querySelector("[aria-current]");
    if (current) bringIntoView(current);
  }

  // Narrow windows show only some of the tabs; the page itself does not move.
  function bringIntoView(tab) {
    const over = tab.offsetLeft + tab.offsetWidth + 24 - tabs.offsetLeft - tabs.clientWidth;
    tabs.scrollLeft = Math.max(0, over);
  }

  function show() {
    const { name, rest } = route();
    const key = [name, ...rest].join("/");
    if (shown) places.set(shown.key, window.scrollY);
    shown?.leave?.();
    Gallery.play.stop();
    main.replaceChildren();
    const page = pages.get(name);
    main.dataset.page = name;
    const first = shown === null;
    shown = { key, leave: page.draw(main, rest) };
    document.title = [page.nameOf?.(rest) ?? page.title, library].join(" - ");
    drawTabs(name);
    window.scrollTo(0, places.get(key) ?? 0);
    if (!first && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
  }

  window.addEventListener("hashchange", show);
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });

  Gallery.router = { add, show, drawTabs: () => drawTabs(route().name) };
})();
