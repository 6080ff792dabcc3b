// Parts of the page of duplicates: the list of cases, the files of one, the buttons.
"use strict";

(() => {
  const { el, videos, words, review, decisions } = Gallery;
  const STATES = { accept: "duplicate", ignore: "not a duplicate" };

  function statusOf(keep, row) {
    if (row === keep) return el("span", { class: "chip keep", text: "keep" });
    const state = decisions.of(keep, row);
    return el("span", {
      class: `chip ${state ?? "open"}`,
      text: state ? STATES[state] : "undecided",
    });
  }

  function caseLink(one, current) {
    const names = one.rows.map(videos.base);
    const done = review.decided(one);
    return el(
      "li",
      {},
      el(
        "a",
        {
          class: done ? "case done" : "case",
          href: `#/duplicates/${one.number}`,
          "aria-current": one === current ? "true" : null,
        },
        Gallery.poster(one.rows[0]),
        el("span", { class: "case-name", text: names.join(", "), title: names.join("\n") }),
        el("span", {
          class: "case-line",
          text: `${one.title} · ${words.counted(one.rows.length, "file")}${done ? " · decided" : ""}`,
        }),
      ),
    );
  }

  function member(one, row, keep, selected, choose) {
    const best = row === one.rows[0] && one.reason;
    const box = Gallery.poster(row, { eager: true });
    box.append(el("i", { class: "progress" }));
    const button = el(
      "button",
      {
        class: "member",
        type: "button",
        role: "radio",
        "aria-checked": String(row === selected),
        tabindex: row === selected ? 0 : -1,
        title: videos.name(row),
        data: { row },
        on: { click: () => choose(row) },
      },
      box,
      el("span", { class: "tile-name", text: videos.base(row) }),
      el("span", { class: "tile-line", text: videos.folder(row) || "." }),
      el("span", { class: "tile-line", text: videos.facts(row).join(" · ") }),
      best ? el("span", { class: "tile-line", text: one.reason }) : "",
      statusOf(keep, row),
    );
    Gallery.play.onHover(button, box);
    return button;
  }

  function key(letter, text, act, kind = "") {
    return el(
      "button",
      { class: `button ${kind}`, type: "button", on: { click: act } },
      el("kbd", { text: letter, "aria-hidden": "true" }),
      ` ${text}`,
    );
  }

  function arrow(label, text, act) {
    return el("button", {
      class: "button quiet",
      type: "button",
      "aria-label": label,
      text,
      on: { click: act },
    });
  }

  Gallery.reviewParts = { STATES, caseLink, member, key, arrow };
})();
