// The page of one video: its frames, its facts and its nearest neighbours.
"use strict";

(() => {
  const { el, videos, words } = Gallery;

  function player(row) {
    const strip = videos.strip(row);
    if (!strip) return el("div", { class: "player" }, Gallery.placeholder(videos.without(row)));
    const name = videos.base(row);
    const box = Gallery.frame(strip, Math.floor(strip[3].length / 2), {
      eager: true,
      alt: `Frame of ${name}`,
    });
    const moment = el("output", { class: "player-moment" });
    const slider = el("input", {
      type: "range",
      min: 0,
      max: strip[3].length - 1,
      step: 1,
      "aria-label": "Frame",
      on: { input: () => show(Number(slider.value)) },
    });
    const button = el("button", { class: "button", type: "button", on: { click: () => toggle() } });
    let timer = 0;

    function show(at) {
      box.show(at);
      slider.value = at;
      moment.textContent = words.clock(strip[3][at], 1);
      slider.setAttribute("aria-valuetext", moment.textContent);
    }

    function toggle(wanted = !timer) {
      clearInterval(timer);
      timer = 0;
      if (wanted) timer = setInterval(() => show((box.at + 1) % box.frames), 420);
      button.textContent = timer ? "Pause" : "Play";
    }

    show(box.at);
    toggle(false);
    const controls = el("div", { class: "player-controls" }, button, slider, moment);
    const whole = el("div", { class: "player" }, box, controls);
    whole.show = show;
    whole.stop = () => toggle(false);
    return whole;
  }

  function facts(row) {
    const raw = videos.raw;
    const lines = [
      ["Path", videos.name(row)],
      ["Labels", videos.labels(row).join(", ")],
      ["Split", videos.split(row)],
      ["Length", videos.seconds(row) > 0 ? words.clock(videos.seconds(row), 1) : ""],
      ["Picture", videos.picture(row)],
      ["Frames a second", raw.fps[row] ? String(raw.fps[row]) : ""],
      ["File", raw.bytes[row] ? words.size(raw.bytes[row]) : ""],
      ["Extraction", [raw.status[row], raw.notes[row]].filter(Boolean).join(": ")],
      ["Set apart", videos.blank(row)],
      ["SHA-256", videos.id(row)],
    ];
    const shown = lines.filter(([, value]) => value);
    return Gallery.factList(shown);
  }

  function strip(row, stage) {
    const found = videos.strip(row);
    if (!found) return null;
    const list = Gallery.filmstrip(found, "Frames");
    [...list.children].forEach((item, at) => {
      const button = el(
        "button",
        {
          class: "frame-button",
          type: "button",
          "aria-label": `Show ${words.clock(found[3][at], 1)}`,
          on: {
            click: () => {
              stage.stop();
              stage.show(at);
            },
          },
        },
        ...item.childNodes,
      );
      item.replaceChildren(button);
    });
    return list;
  }

  function neighbours(row) {
    const found = videos.neighbours(row);
    const by = Gallery.data.near.bits
      ? `by codes of ${Gallery.data.near.bits} bits`
      : "by mean features";
    const tiles = found.map(({ row: other, distance }, at) => {
      const tile = Gallery.tile(other, videos.distanceWords(distance));
      const meter = el("i", { class: "meter" }, el("b"));
      meter.firstChild.style.width = `${100 * (1 - videos.farness(distance))}%`;
      tile.querySelector("a").append(meter);
      return el("li", { value: at + 1 }, tile);
    });
    return el(
      "section",
      {},
      el("h2", {}, "Nearest videos ", el("small", { text: by })),
      tiles.length
        ? el("ol", { class: "plain-grid" }, ...tiles)
        : Gallery.note("There is no other video.", "nothing"),
    );
  }

  function related(row) {
    const cases = Gallery.cases.filter((one) => one.rows.includes(row));
    if (!cases.length) return null;
    const links = cases.map((one) => {
      const others = one.rows.filter((other) => other !== row).map(videos.base);
      const text = `${one.title}: ${others.join(", ")}`;
      return el("li", {}, el("a", { href: `#/duplicates/${one.number}`, text }));
    });
    return el(
      "section",
      {},
      el("h2", { text: "Duplicates" }),
      el("ul", { class: "links" }, ...links),
    );
  }

  function draw(main, [text]) {
    const row = Number(text);
    if (!(row >= 0 && row < videos.count)) {
      main.append(Gallery.note("There is no such video.", "nothing"));
      return undefined;
    }
    const stage = player(row);
    const step = (by) => `#/video/${(row + by + videos.count) % videos.count}`;
    main.append(
      el(
        "div",
        { class: "tools" },
        el("a", { class: "button quiet", href: "#/library", text: "← Library" }),
        el("h2", { class: "page-title", text: videos.base(row), title: videos.name(row) }),
        el("span", { class: "spring" }),
        el("a", {
          class: "button quiet",
          href: step(-1),
          "aria-label": "Previous video",
          text: "‹",
        }),
        el("a", { class: "button quiet", href: step(1), "aria-label": "Next video", text: "›" }),
      ),
      el("div", { class: "video" }, el("div", {}, stage, strip(row, stage)), facts(row)),
      related(row) ?? "",
      neighbours(row),
    );
    const keys = (event) => {
      if (Gallery.isForOthers(event)) return;
      if (event.key === "[") location.hash = step(-1);
      if (event.key === "]") location.hash = step(1);
      if (event.key === "Escape") location.hash = "#/library";
    };
    document.addEventListener("keydown", keys);
    return () => {
      document.removeEventListener("keydown", keys);
      stage.stop?.();
    };
  }

  const nameOf = ([text]) => (videos.raw.names[text] === undefined ? null : videos.base(text));
  Gallery.videoPage = { title: "Video", tab: false, count: () => null, draw, nameOf };
})();
