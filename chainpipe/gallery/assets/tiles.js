// A grid of tiles of which only those near the screen exist, so any number of videos scrolls.
"use strict";

(() => {
  const { el } = Gallery;
  const GAP = 14;
  const CAPTION = 46; // pixels below the picture
  const SPARE = 0.6; // screens above and below that exist, too

  // `make(item)` returns a tile with a link; `narrow` is the smallest width of a tile in pixels.
  function grid(items, make, { narrow, label }) {
    const list = el("div", { class: "grid", role: "list", "aria-label": label });
    const shown = new Map();
    let columns = 1;
    let width = narrow;
    let height = 0;
    let active = 0;
    let waiting = false;

    function measure() {
      const whole = list.clientWidth;
      const least = Math.min(narrow, (whole - GAP) / 2);
      columns = Math.max(1, Math.floor((whole + GAP) / (least + GAP)));
      width = (whole - GAP * (columns - 1)) / columns;
      height = Math.round(width / 1.5) + CAPTION + GAP;
      list.style.height = `${Math.max(0, Math.ceil(items.length / columns) * height - GAP)}px`;
      for (const [at, tile] of shown) place(at, tile);
      update();
    }

    function place(at, tile) {
      tile.style.width = `${width}px`;
      const left = (at % columns) * (width + GAP);
      tile.style.transform = `translate(${left}px, ${Math.floor(at / columns) * height}px)`;
    }

    function draw(at) {
      const tile = make(items[at], at);
      tile.setAttribute("role", "listitem");
      tile.setAttribute("aria-setsize", items.length);
      tile.setAttribute("aria-posinset", at + 1);
      tile.querySelector("a").tabIndex = at === active ? 0 : -1;
      tile.dataset.at = at;
      place(at, tile);
      shown.set(at, tile);
      return tile;
    }

    function update() {
      waiting = false;
      const top = list.getBoundingClientRect().top;
      const spare = SPARE * window.innerHeight;
      const first = Math.max(0, Math.floor((-top - spare) / height)) * columns;
      const after = Math.ceil((window.innerHeight - top + spare) / height) * columns;
      const last = Math.min(items.length, Math.max(after, 0));
      for (const [at, tile] of shown) {
        const kept = (at >= first && at < last) || tile.contains(document.activeElement);
        if (!kept) {
          tile.remove();
          shown.delete(at);
        }
      }
      const fresh = [];
      for (let at = first; at < last; at += 1) if (!shown.has(at)) fresh.push(draw(at));
      if (fresh.length) list.append(...fresh);
    }

    function soon() {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(update);
      }
    }

    function focus(at) {
      const wanted = Math.max(0, Math.min(items.length - 1, at));
      shown.get(active)?.querySelector("a").setAttribute("tabindex", "-1");
      active = wanted;
      if (!shown.has(active)) list.append(draw(active));
      const link = shown.get(active).querySelector("a");
      link.tabIndex = 0;
      link.focus({ preventScroll: true });
      shown.get(active).scrollIntoView({ block: "nearest" });
    }

    list.addEventListener("keydown", (event) => {
      const steps = {
        ArrowRight: 1,
        ArrowLeft: -1,
        ArrowDown: columns,
        ArrowUp: -columns,
        Home: -items.length,
        End: items.length,
      };
      if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        focus(active + steps[event.key]);
      }
    });
    list.addEventListener("focusin", (event) => {
      const tile = event.target.closest("[data-at]");
      if (tile) active = Number(tile.dataset.at);
    });
    const sized = new ResizeObserver(measure);
    window.addEventListener("scroll", soon, { passive: true });

    list.start = () => {
      measure();
      sized.observe(list);
    };
    list.end = () => {
      sized.disconnect();
      window.removeEventListener("scroll", soon);
    };
    return list;
  }

  // The tile of a video: picture, length, name, and one line of facts.
  function tile(row, line) {
    const { videos } = Gallery;
    const box = Gallery.poster(row, { cover: true });
    box.append(el("i", { class: "progress" }));
    if (videos.length(row)) box.append(el("span", { class: "length", text: videos.length(row) }));
    const link = el(
      "a",
      {
        class: "tile-link",
        href: `#/video/${row}`,
        title: videos.name(row),
        on: {
          keydown: (event) => {
            if (event.key !== " ") return;
            event.preventDefault();
            Gallery.play.start(box);
          },
        },
      },
      box,
      el("span", { class: "tile-name", text: videos.base(row) }),
      el("span", { class: "tile-line", text: line }),
    );
    Gallery.play.onHover(link, box);
    return el("div", { class: "tile" }, link);
  }

  Object.assign(Gallery, { grid, tile });
})();
