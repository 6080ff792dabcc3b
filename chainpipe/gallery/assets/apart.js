// Videos that are set apart: blank ones, failed ones, and those without pictures here.
"use strict";

(() => {
  const { el, videos, words } = Gallery;
  const { failed } = videos.raw;
  const rows = Array.from({ length: videos.count }, (_, row) => row);
  const blank = rows.filter((row) => videos.blank(row));
  const missing = rows.filter((row) => !videos.strip(row));

  function failures(some) {
    const head = ["Video", "Status", "Why", "Tries"].map((text) =>
      el("th", { scope: "col", text }),
    );
    const body = some.map((one) =>
      el(
        "tr",
        {},
        el("td", { text: one.name }),
        el("td", {}, el("span", { class: "chip ignore", text: one.status })),
        el("td", { text: one.message }),
        el("td", { text: one.attempts }),
      ),
    );
    return el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Failed videos" },
      el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)),
    );
  }

  function section(title, note, content) {
    return el("section", {}, el("h2", { text: title }), Gallery.note(note), content);
  }

  function lostLine(row) {
    const link = el("a", { href: `#/video/${row}`, text: videos.name(row) });
    return el("li", {}, link, el("span", { class: "why", text: ` ${videos.without(row)}` }));
  }

  function draw(main) {
    const place = el("div");
    function fill() {
      place.replaceChildren();
      const still = blank.filter(Gallery.filter.passes);
      const broken = failed.filter((one) => Gallery.filter.passesText(one.name));
      const lost = missing.filter(Gallery.filter.passes);
      if (still.length) {
        place.append(
          section(
            `Blank: ${words.counted(still.length, "video")}`,
            "Nothing is to be seen, or nothing moves. They are compared with no other video.",
            el(
              "ol",
              { class: "plain-grid" },
              ...still.map((row) => el("li", {}, Gallery.tile(row, videos.blank(row)))),
            ),
          ),
        );
      }
      if (broken.length) {
        place.append(
          section(
            `Failed: ${words.counted(broken.length, "video")}`,
            "They have no features. `chainpipe extract --retry all` tries them again.",
            failures(broken),
          ),
        );
      }
      if (lost.length) {
        const shown = lost.slice(0, 500);
        place.append(
          section(
            `Without pictures: ${words.counted(lost.length, "video")}`,
            lost.length > shown.length
              ? `The first ${shown.length}.`
              : "They have features; their frames could not be shown.",
            el("ul", { class: "links" }, ...shown.map(lostLine)),
          ),
        );
      }
      if (!place.children.length) place.append(Gallery.note("Nothing is set apart.", "nothing"));
    }
    main.append(place);
    fill();
    document.addEventListener("filter", fill);
    return () => document.removeEventListener("filter", fill);
  }

  const count = () =>
    blank.length + failed.length + missing.filter((row) => !videos.blank(row)).length;
  Gallery.apartPage = { title: "Set apart", tab: count() > 0, count, draw };
})();
