// Review duplicates: what is alike, why, and what somebody decides, by keys or buttons.
"use strict";

(() => {
  const { el, videos, words, cases, review, decisions } = Gallery;
  const STATES = { accept: "duplicate", ignore: "not a duplicate" };

  function statusOf(keep, row) {
    if (row === keep) return el("span", { class: "chip keep", text: "keep" });
    const state = decisions.of(keep, row);
    return el("span", { class: `chip ${state ?? "open"}`, text: state ? STATES[state] : "undecided" });
  }

  function caseLink(one, current) {
    const names = one.rows.map(videos.base);
    const done = review.decided(one);
    return el("li", {},
      el("a", { class: done ? "case done" : "case", href: `#/duplicates/${one.number}`, "aria-current": one === current ? "true" : null },
        Gallery.poster(one.rows[0]),
        el("span", { class: "case-name", text: names[0] }),
        el("span", { class: "case-line", text: `${one.title} · ${words.counted(one.rows.length, "file")}${done ? " · decided" : ""}` })));
  }

  function member(one, row, keep, selected, choose) {
    const best = row === one.rows[0] && one.reason;
    const box = Gallery.poster(row, { eager: true });
    box.append(el("i", { class: "progress" }));
    const button = el("button", {
      class: "member", type: "button", role: "radio", "aria-checked": String(row === selected),
      tabindex: row === selected ? 0 : -1, title: videos.name(row), data: { row },
      on: { click: () => choose(row) },
    },
    box,
    el("span", { class: "tile-name", text: videos.base(row) }),
    el("span", { class: "tile-line", text: videos.folder(row) || "." }),
    el("span", { class: "tile-line", text: videos.facts(row).join(" · ") }),
    best ? el("span", { class: "tile-line", text: one.reason }) : "",
    statusOf(keep, row));
    Gallery.play.onHover(button, box);
    return button;
  }

  function share(value) {
    return value === null ? "" : words.percent(value);
  }

  // One line for each thing that is known of a pair, `keep` first.
  function reasons(keep, row, { pair, turned }) {
    const [mine, theirs] = turned ? [pair.share_b, pair.share_a] : [pair.share_a, pair.share_b];
    const lines = [["Why", pair.exact ? "the same bytes" : pair.reason]];
    if (mine !== null && mine !== undefined) {
      lines.push(["Alike", `${share(mine)} of ${videos.base(keep)}, ${share(theirs)} of ${videos.base(row)}`]);
    }
    if (pair.offset !== null && pair.offset !== undefined && !pair.exact) {
      const [speed, offset] = turned ? [1 / pair.speed, -pair.offset / pair.speed] : [pair.speed, pair.offset];
      const later = Math.abs(offset) < 0.05 ? "at the same time" : `${Math.abs(offset).toFixed(1)} s ${offset > 0 ? "later" : "earlier"}`;
      lines.push(["Times", `${later} in ${videos.base(row)}${Math.abs(speed - 1) > 0.005 ? `, speed ${speed.toFixed(2)}` : ""}`]);
    }
    if (pair.mirrored) lines.push(["Mirrored", "one is the other's mirror image"]);
    if (pair.distance !== null && pair.distance !== undefined) lines.push(["Codes", Gallery.videos.distanceWords(pair.distance)]);
    if (pair.score && !pair.exact) lines.push(["Score", pair.score.toFixed(2)]);
    return el("dl", { class: "facts tight" }, ...lines.flatMap(([term, text]) => [el("dt", { text: term }), el("dd", { text })]));
  }

  function stretch(row, start, end) {
    const whole = Math.max(videos.seconds(row), end, 0.001);
    const bar = el("b", {});
    bar.style.left = `${(100 * start) / whole}%`;
    bar.style.width = `${(100 * (end - start)) / whole}%`;
    return el("span", { class: "stretch", role: "img", "aria-label": `${words.clock(start, 1)} to ${words.clock(end, 1)} of ${words.clock(whole, 1)}` }, bar);
  }

  function side(row, strip, start, end) {
    const frames = strip
      ? Gallery.filmstrip(strip, videos.base(row))
      : el("p", { class: "nothing", text: videos.without(row) });
    return el("div", { class: "side" },
      el("p", { class: "side-name" }, el("a", { href: `#/video/${row}`, text: videos.base(row) }),
        start === null ? "" : el("span", { text: ` ${words.clock(start, 1)} to ${words.clock(end, 1)} of ${words.clock(videos.seconds(row), 1)}` })),
      start === null ? "" : stretch(row, start, end),
      frames);
  }

  function compare(keep, row) {
    const found = review.pairOf(keep, row);
    if (!found) return el("p", { class: "nothing", text: "These two were not compared with each other." });
    const { pair, turned } = found;
    const one = [pair.strips[0], pair.a_start ?? null, pair.a_end];
    const other = [pair.strips[1], pair.b_start ?? null, pair.b_end];
    const [mine, theirs] = turned ? [other, one] : [one, other];
    return el("div", { class: "compare" },
      el("h3", { text: "The same moments" }),
      side(keep, ...mine), side(row, ...theirs), reasons(keep, row, found));
  }

  function key(letter, text, act, kind = "") {
    return el("button", { class: `button ${kind}`, type: "button", on: { click: act } }, el("kbd", { text: letter, "aria-hidden": "true" }), ` ${text}`);
  }

  function draw(main, [text]) {
    const shownCases = () => cases.filter((one) => !Gallery.filter.active() || one.rows.some(Gallery.filter.passes));
    if (!cases.length) {
      main.append(el("p", { class: "nothing", text: "No duplicates were found or looked for." }));
      return undefined;
    }
    let one = cases[Number(text)] ?? shownCases().find((each) => !review.decided(each)) ?? cases[0];
    let selected = one.rows.find((row) => row !== review.kept(one) && !decisions.of(review.kept(one), row)) ?? one.rows[1];
    const list = el("ol", { class: "cases", "aria-label": "Groups and pairs" });
    const stage = el("section", { class: "stage" });
    const done = el("p", { class: "tool-count" });
    const save = el("button", { class: "button strong", type: "button", on: { click: decisions.download } });
    const trouble = el("p", { class: "trouble", role: "alert" });

    function step(by) {
      const some = shownCases();
      const next = some[(some.indexOf(one) + by + some.length) % some.length];
      if (next) location.hash = `#/duplicates/${next.number}`;
    }

    function choose(row) {
      selected = row;
      drawStage();
      stage.querySelector(`[data-row="${row}"]`)?.focus();
    }

    // After a decision: the next file that is open, else the next case that is.
    function onward() {
      const keep = review.kept(one);
      const open = one.rows.find((row) => row !== keep && decisions.of(keep, row) === null);
      if (open !== undefined) return choose(open);
      const some = shownCases();
      const at = some.indexOf(one);
      const next = [...some.slice(at + 1), ...some.slice(0, Math.max(0, at))].find((each) => !review.decided(each));
      if (next) location.hash = `#/duplicates/${next.number}`;
      else Gallery.say("Everything is decided.");
      return undefined;
    }

    async function judge(word) {
      const keep = review.kept(one);
      if (selected === keep) return Gallery.say("This is the file to keep. Choose another one.");
      const row = selected;
      if (await decisions.decide(keep, row, word)) {
        Gallery.say(`${videos.base(row)}: ${STATES[word]}`);
        onward();
      }
      return undefined;
    }

    // The chosen file is kept: all others that are not called different are duplicates of it.
    async function keepThis() {
      const keep = selected;
      for (const row of one.rows) {
        if (row !== keep && decisions.of(keep, row) !== "ignore" && !(await decisions.decide(keep, row, "accept"))) return;
      }
      Gallery.say(`${videos.base(keep)} is kept`);
      onward();
    }

    function undo() {
      const line = decisions.undo();
      if (!line) return Gallery.say("Nothing to take back.");
      const back = cases.find((each) => each.rows.some((row) => videos.id(row) === line.a) && each.rows.some((row) => videos.id(row) === line.b));
      Gallery.say("The last decision was taken back.");
      if (back && back !== one) location.hash = `#/duplicates/${back.number}`;
      return undefined;
    }

    function drawStage() {
      const keep = review.kept(one);
      const other = selected === keep ? one.rows.find((row) => row !== keep) : selected;
      const some = shownCases();
      stage.replaceChildren(
        el("div", { class: "stage-head" },
          el("h2", { text: `${one.title}: ${words.counted(one.rows.length, "file")}` }),
          el("span", { class: "stage-place", text: some.includes(one) ? `${some.indexOf(one) + 1} of ${some.length}` : "" }),
          el("span", { class: "spring" }),
          el("button", { class: "button quiet", type: "button", "aria-label": "Previous", text: "‹", on: { click: () => step(-1) } }),
          el("button", { class: "button quiet", type: "button", "aria-label": "Next", text: "›", on: { click: () => step(1) } })),
        el("div", { class: "members", role: "radiogroup", "aria-label": "Files" }, ...one.rows.map((row) => member(one, row, keep, selected, choose))),
        el("div", { class: "verdicts", role: "toolbar", "aria-label": "Decide" },
          key("K", "Keep this one", keepThis),
          key("D", "Duplicate", () => judge("accept"), "good"),
          key("N", "Not a duplicate", () => judge("ignore"), "bad"),
          Gallery.served ? "" : key("U", "Undo", undo, "quiet")),
        compare(keep, other),
      );
    }

    function drawList() {
      const some = shownCases();
      list.replaceChildren(...some.map((each) => caseLink(each, one)));
      done.textContent = `${some.filter(review.decided).length} of ${some.length} decided`;
      save.textContent = `Save decisions (${decisions.made()})`;
      save.disabled = decisions.made() === 0;
      Gallery.router.drawTabs();
    }

    const redraw = () => {
      trouble.textContent = "";
      const focused = stage.contains(document.activeElement);
      drawStage();
      drawList();
      if (focused) stage.querySelector('[aria-checked="true"]')?.focus({ preventScroll: true });
    };
    const unsaved = (event) => {
      trouble.textContent = `Not saved: ${event.detail}`;
    };
    const acts = { k: keepThis, d: () => judge("accept"), n: () => judge("ignore"), u: Gallery.served ? null : undo };
    const keys = (event) => {
      if (/^(INPUT|SELECT)$/.test(event.target.tagName) || event.altKey || event.ctrlKey || event.metaKey) return;
      const row = one.rows.indexOf(selected);
      const moves = {
        ArrowRight: () => choose(one.rows[(row + 1) % one.rows.length]),
        ArrowLeft: () => choose(one.rows[(row + one.rows.length - 1) % one.rows.length]),
        ArrowDown: () => step(1),
        ArrowUp: () => step(-1),
      };
      const act = acts[event.key.toLowerCase()] ?? moves[event.key];
      if (!act || list.contains(event.target)) return;
      event.preventDefault();
      act();
    };

    const help = "← → choose a file, ↑ ↓ the group. Decisions are about the file to keep and the chosen one.";
    const where = Gallery.served
      ? "Each decision is saved at once."
      : "Save writes decisions.jsonl with all decisions: put it beside the store, or name it with --decisions.";
    main.append(
      el("div", { class: "tools" }, done, el("span", { class: "spring" }), Gallery.served ? "" : save),
      trouble,
      el("div", { class: "review" }, list, el("div", {}, stage, el("p", { class: "help", text: `${help} ${where}` }))),
    );
    redraw();
    list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
    document.addEventListener("keydown", keys);
    document.addEventListener("decisions", redraw);
    document.addEventListener("filter", redraw);
    document.addEventListener("unsaved", unsaved);
    return () => {
      document.removeEventListener("keydown", keys);
      document.removeEventListener("decisions", redraw);
      document.removeEventListener("filter", redraw);
      document.removeEventListener("unsaved", unsaved);
    };
  }

  const open = () => cases.filter((one) => !review.decided(one)).length;
  Gallery.reviewPage = { title: "Duplicates", tab: true, count: open, draw };
})();
