// The map of the library: a point a video, near where codes or features are near.
"use strict";

(() => {
  const { el, videos } = Gallery;
  const { points, method, of, steps } = Gallery.data.plane;
  const NEAR = 16; // pixels from which the pointer takes a point
  const KEYS = "Arrow keys go from video to video, Enter opens one, plus and minus zoom.";
  const HUES = 7; // the rest of the labels share one more
  const place = (row) => [points[2 * row] / steps, points[2 * row + 1] / steps];

  // The commonest labels get colours of their own.
  const common = (() => {
    const counts = new Map();
    for (let row = 0; row < videos.count; row += 1) {
      for (const name of videos.labels(row)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, HUES)
      .map(([name]) => name);
  })();
  const rest = videos.raw.labelNames.length - common.length;
  const hueOf = (row) => common.findIndex((name) => videos.labels(row).includes(name));

  function legend() {
    if (!common.length) return "";
    const items = common.map((name, number) => {
      const act = () => Gallery.filter.set(`label:${name.toLowerCase().split(/\s+/)[0]}`);
      const dot = el("i", { class: `dot hue-${number}` });
      return el("li", {}, el("button", { type: "button", on: { click: act } }, dot, name));
    });
    const others = el("li", { class: "rest" }, el("i", { class: "dot hue-7" }), `${rest} more`);
    return el("ul", { class: "legend", "aria-label": "Labels" }, ...items, rest > 0 ? others : "");
  }

  function draw(main) {
    const view = new Gallery.MapView();
    const canvas = el("canvas", {
      tabindex: 0,
      role: "application",
      "aria-label": `Map of all videos. ${KEYS}`,
      "aria-describedby": "map-now",
    });
    const card = el("div", { class: "map-card", hidden: true });
    const now = el("p", { class: "unseen", id: "map-now", "aria-live": "polite" });
    const stage = el("div", { class: "map-stage" }, canvas, card);
    const probe = el("i", { hidden: true }); // resolves colours of the theme
    let chosen = -1;
    let waiting = false;
    let drag = null;

    function paint() {
      waiting = false;
      const colour = (name) => {
        probe.style.color = `var(${name})`;
        return getComputedStyle(probe).color;
      };
      const brush = canvas.getContext("2d");
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(view.width * ratio);
      canvas.height = Math.round(view.height * ratio);
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      const radius =
        Math.max(2.2, Math.min(6, 60 / Math.sqrt(videos.count))) * Math.min(2, view.zoom ** 0.3);
      const hues = common.map((_, at) => colour(`--hue-${at}`));
      const plain = colour(common.length ? "--hue-7" : "--accent");
      for (let row = 0; row < videos.count; row += 1) {
        const [left, top] = view.toPixels(...place(row));
        if (left < -9 || top < -9 || left > view.width + 9 || top > view.height + 9) continue;
        brush.globalAlpha = Gallery.filter.passes(row) ? 0.85 : 0.1;
        brush.fillStyle = hues[hueOf(row)] ?? plain;
        brush.beginPath();
        brush.arc(left, top, radius, 0, 2 * Math.PI);
        brush.fill();
      }
      brush.globalAlpha = 1;
      if (chosen >= 0) {
        const [left, top] = view.toPixels(...place(chosen));
        brush.lineWidth = 2.5;
        brush.strokeStyle = colour("--text");
        brush.beginPath();
        brush.arc(left, top, radius + 4, 0, 2 * Math.PI);
        brush.stroke();
        const right = left > view.width / 2;
        card.style.left = `${Math.max(8, Math.min(view.width - 208, left + (right ? -216 : 16)))}px`;
        card.style.top = `${Math.max(8, Math.min(view.height - 190, top - 80))}px`;
      }
    }

    function soon() {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(paint);
      }
    }

    function choose(row) {
      if (row === chosen) return;
      chosen = row;
      card.hidden = row < 0;
      if (row >= 0) {
        const line = [...videos.labels(row), ...videos.facts(row).slice(0, 2)].join(" · ");
        card.replaceChildren(
          Gallery.poster(row, { eager: true }),
          el("b", { text: videos.base(row) }),
          el("span", { text: line }),
        );
        now.textContent = videos.name(row);
      }
      soon();
    }

    function nearest(left, top, most, passes = () => true) {
      let best = -1;
      let least = most * most;
      for (let row = 0; row < videos.count; row += 1) {
        if (!Gallery.filter.passes(row) || !passes(row)) continue;
        const [x, y] = view.toPixels(...place(row));
        const far = (x - left) ** 2 + (y - top) ** 2;
        if (far < least) [best, least] = [row, far];
      }
      return best;
    }

    // The nearest video that lies in a direction, within 45 degrees of it.
    function toward(x, y) {
      if (chosen < 0) return choose(nearest(view.width / 2, view.height / 2, Infinity));
      const [left, top] = view.toPixels(...place(chosen));
      const next = nearest(left, top, Infinity, (row) => {
        const [a, b] = view.toPixels(...place(row));
        const along = (a - left) * x + (b - top) * y;
        const aside = Math.abs((a - left) * y) + Math.abs((b - top) * x);
        return row !== chosen && along > 0 && along >= aside;
      });
      if (next < 0) return undefined;
      choose(next);
      const [a, b] = view.toPixels(...place(next));
      if (a < 20 || b < 20 || a > view.width - 20 || b > view.height - 20)
        view.move(view.width / 2 - a, view.height / 2 - b);
      return soon();
    }

    const open = () => chosen >= 0 && (location.hash = `#/video/${chosen}`);
    const at = (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      drag = { from: at(event), last: at(event), moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [left, top] = at(event);
      if (!drag) return choose(nearest(left, top, NEAR));
      drag.moved ||= Math.hypot(left - drag.from[0], top - drag.from[1]) > 4;
      if (drag.moved) view.move(left - drag.last[0], top - drag.last[1]);
      drag.last = [left, top];
      return soon();
    });
    canvas.addEventListener("pointerup", (event) => {
      const clicked = drag && !drag.moved;
      drag = null;
      if (!clicked) return;
      choose(nearest(...at(event), NEAR));
      if (event.pointerType === "mouse") open();
    });
    canvas.addEventListener(
      "pointerleave",
      () => !drag && document.activeElement !== canvas && choose(-1),
    );
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        view.zoomAt(...at(event), Math.exp(-event.deltaY / 400));
        soon();
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const middle =
        chosen >= 0 ? view.toPixels(...place(chosen)) : [view.width / 2, view.height / 2];
      const acts = {
        ArrowRight: () => toward(1, 0),
        ArrowLeft: () => toward(-1, 0),
        ArrowDown: () => toward(0, 1),
        ArrowUp: () => toward(0, -1),
        Enter: open,
        Escape: () => choose(-1),
        "+": () => view.zoomAt(...middle, 1.4),
        "=": () => view.zoomAt(...middle, 1.4),
        "-": () => view.zoomAt(...middle, 1 / 1.4),
        0: () => view.reset(),
      };
      if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      acts[event.key]();
      soon();
    });
    card.addEventListener("click", open);

    const zoom = (sign, label, factor) =>
      el("button", {
        class: "button quiet",
        type: "button",
        "aria-label": label,
        text: sign,
        on: {
          click: () => {
            if (factor) view.zoomAt(view.width / 2, view.height / 2, factor);
            else view.reset();
            soon();
          },
        },
      });
    main.append(
      el(
        "div",
        { class: "tools" },
        el("p", { class: "tool-count", text: `${method} of the ${of}` }),
        el("span", { class: "spring" }),
        zoom("−", "Zoom out", 1 / 1.4),
        zoom("+", "Zoom in", 1.4),
        zoom("⤢", "Show all", 0),
      ),
      legend(),
      stage,
      now,
      probe,
      Gallery.note(`Near points are near videos; far distances say little. ${KEYS}`),
    );
    const sized = new ResizeObserver(() => {
      view.resize(stage.clientWidth, stage.clientHeight);
      soon();
    });
    sized.observe(stage);
    document.addEventListener("filter", soon);
    document.addEventListener("theme", soon);
    return () => {
      sized.disconnect();
      document.removeEventListener("filter", soon);
      document.removeEventListener("theme", soon);
    };
  }

  Gallery.mapPage = { title: "Map", tab: videos.count > 1, count: () => null, draw };
})();
