// Review duplicates: what is alike, why, and what somebody decides, by keys or buttons.
"use strict";

(() => {
  const { el, videos, words, cases, review, decisions } = Gallery;
  const KINDS = {
    "copies and parts": (answer) => answer !== "same-scenes",
    "same scenes": (answer) => answer === "same-scenes",
    everything: () => true,
  };
  let kind = cases.some((one) => one.kind !== "same-scenes") ? "copies and parts" : "everything";
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

  function key(letter, text, act, kind = "") {
    return el("button", { class: `button ${kind}`, type: "button", on: { click: act } }, el("kbd", { text: letter, "aria-hidden": "true" }), ` ${text}`);
  }

  function draw(main, [text]) {
    const shownCases = () => cases.filter((one) => KINDS[kind](one.kind) && (!Gallery.filter.active() || one.rows.some(Gallery.filter.passes)));
    if (!cases.length) {
      main.append(el("p", { class: "nothing", text: "No duplicates were found or looked for." }));
      return undefined;
    }
    const one = (text ? cases[Number(text)] : null) ?? shownCases().find((each) => !review.decided(each)) ?? shownCases()[0] ?? cases[0];
    if (!KINDS[kind](one.kind)) kind = "everything";
    let selected = one.rows.find((row) => row !== review.kept(one) && !decisions.of(review.kept(one), row)) ?? one.rows[1];
    const list = el("ol", { class: "cases", "aria-label": "Groups and pairs" });
    const stage = el("section", { class: "stage" });
    const done = el("p", { class: "tool-count" });
    const save = el("button", { class: "button strong", type: "button", on: { click: decisions.download } });
    const select = el("select", {
      on: {
        change: () => {
          kind = select.value;
          const [first] = shownCases();
          if (!first || KINDS[kind](one.kind)) redraw();
          else location.hash = `#/duplicates/${first.number}`;
        },
      },
    }, ...Object.keys(KINDS).map((name) => el("option", { text: name, selected: name === kind })));
    const picker = el("label", { class: "picker" }, el("span", { text: "Show" }), select);
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
        Gallery.comparePair(keep, other),
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
      : "Save writes `decisions.jsonl` with all decisions: put it beside the store, or name it with `--decisions`.";
    main.append(
      el("div", { class: "tools" }, done, el("span", { class: "spring" }), picker, Gallery.served ? "" : save),
      trouble,
      el("div", { class: "review" }, list, el("div", {}, stage, el("p", { class: "help" }, ...Gallery.prose(`${help} ${where}`)))),
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

  const open = () => cases.filter((one) => KINDS[kind](one.kind) && !review.decided(one)).length;
  Gallery.reviewPage = { title: "Duplicates", tab: true, count: open, draw };
})();
