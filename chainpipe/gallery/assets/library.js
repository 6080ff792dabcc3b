// The contact sheet of the library.
"use strict";

(() => {
  const { el, videos, words } = Gallery;
  const SIZES = { small: 132, medium: 188, large: 268 };
  const ORDERS = {
    "as stored": null,
    "by path": (a, b) => videos.name(a).localeCompare(videos.name(b), "en", { numeric: true }),
    longest: (a, b) => videos.seconds(b) - videos.seconds(a) || a - b,
    "largest file": (a, b) => videos.raw.bytes[b] - videos.raw.bytes[a] || a - b,
    "largest picture": (a, b) =>
      videos.raw.width[b] * videos.raw.height[b] - videos.raw.width[a] * videos.raw.height[a] ||
      a - b,
  };
  const chosen = { size: "medium", order: "as stored" };
  const all = Array.from({ length: videos.count }, (_, row) => row).filter(
    (row) => !videos.blank(row),
  );

  function line(row) {
    return (
      [...videos.labels(row), videos.split(row)].filter(Boolean).join(" · ") || videos.folder(row)
    );
  }

  function picker(label, values, key, changed) {
    const select = el(
      "select",
      {
        on: {
          change: () => {
            chosen[key] = select.value;
            changed();
          },
        },
      },
      ...values.map((value) => el("option", { text: value, selected: value === chosen[key] })),
    );
    return el("label", { class: "picker" }, el("span", { text: label }), select);
  }

  function draw(main) {
    let list = null;
    const count = el("p", { class: "tool-count" });
    const place = el("div");

    function fill() {
      list?.end();
      const rows = all.filter(Gallery.filter.passes);
      if (ORDERS[chosen.order]) rows.sort(ORDERS[chosen.order]);
      const whole = words.counted(all.length, "video");
      count.textContent = Gallery.filter.active() ? `${rows.length} of ${whole}` : whole;
      Gallery.say(count.textContent);
      list = Gallery.grid(rows, (row) => Gallery.tile(row, line(row)), {
        narrow: SIZES[chosen.size],
        label: "Videos",
      });
      const nothing = Gallery.note("No video passes the filter.", "nothing");
      place.replaceChildren(rows.length ? list : nothing);
      list.start();
    }

    main.append(
      Gallery.searchPanel ? Gallery.searchPanel() : "",
      el(
        "div",
        { class: "tools" },
        count,
        el("span", { class: "spring" }),
        picker("Order", Object.keys(ORDERS), "order", fill),
        picker("Tiles", Object.keys(SIZES), "size", fill),
      ),
      place,
    );
    fill();
    document.addEventListener("filter", fill);
    return () => {
      document.removeEventListener("filter", fill);
      list.end();
    };
  }

  Gallery.libraryPage = { title: "Library", tab: true, count: () => all.length, draw };
})();
