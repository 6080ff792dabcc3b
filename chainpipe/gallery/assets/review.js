// Review duplicates: what is alike, why, and what somebody decides, by keys or buttons.
"use strict";

(() => {
  const { el, videos, words, cases, review, decisions, reviewParts: parts } = Gallery;
  const HELP =
    "← → choose a file, ↑ ↓ the group. Decisions are about the file to keep and the chosen one. " +
    (Gallery.served
      ? "Each decision is saved at once."
      : "Save writes `decisions.jsonl` with all decisions: put it beside the store.");
  const KINDS = {
    "copies and parts": (answer) => answer !== "same-scenes",
    "same scenes": (answer) => answer === "same-scenes",
    everything: () => true,
  };
  let kind = cases.some((one) => one.kind !== "same-scenes") ? "copies and parts" : "everything";

  const shownCases = () =>
    cases.filter((one) => KINDS[kind](one.kind) && one.rows.some(Gallery.filter.passes));
  const isOpen = (one) => !review.decided(one);
  const goTo = (one) => {
    location.hash = `#/duplicates/${one.number}`;
  };

  // One case under review, and the file of it that is chosen.
  class Review {
    constructor(number) {
      const shown = shownCases();
      this.one = cases[number] ?? shown.find(isOpen) ?? shown[0] ?? cases[0];
      if (!KINDS[kind](this.one.kind)) kind = "everything";
      this.selected = review.open(this.one) ?? this.one.rows[1];
      this.list = el("ol", { class: "cases", "aria-label": "Groups and pairs" });
      this.stage = el("section", { class: "stage" });
      this.count = el("p", { class: "tool-count" });
      this.trouble = el("p", { class: "trouble", role: "alert" });
      this.save = el("button", {
        class: "button strong",
        type: "button",
        on: { click: decisions.download },
      });
    }

    step(by) {
      const shown = shownCases();
      const next = shown[(shown.indexOf(this.one) + by + shown.length) % shown.length];
      if (next) goTo(next);
    }

    turn(by) {
      const { rows } = this.one;
      this.choose(rows[(rows.indexOf(this.selected) + by + rows.length) % rows.length]);
    }

    choose(row) {
      this.selected = row;
      this.drawStage();
      this.stage.querySelector(`[data-row="${row}"]`)?.focus();
    }

    // After a decision: the next file that is open, else the next case that is.
    onward() {
      const open = review.open(this.one);
      if (open !== undefined) return this.choose(open);
      const shown = shownCases();
      const after = shown.indexOf(this.one) + 1;
      const next = [...shown.slice(after), ...shown.slice(0, after)].find(isOpen);
      return next ? goTo(next) : Gallery.say("Everything is decided.");
    }

    async judge(word) {
      const [keep, row] = [review.kept(this.one), this.selected];
      if (row === keep) {
        Gallery.say("This is the file to keep. Choose another one.");
      } else if (await decisions.decide(keep, row, word)) {
        Gallery.say(`${videos.base(row)}: ${parts.STATES[word]}`);
        this.onward();
      }
    }

    // The chosen file is kept: all others that are not called different are duplicates of it.
    async keep() {
      const keep = this.selected;
      for (const row of this.one.rows) {
        if (row === keep || decisions.of(keep, row) === "ignore") continue;
        if (!(await decisions.decide(keep, row, "accept"))) return;
      }
      Gallery.say(`${videos.base(keep)} is kept`);
      this.onward();
    }

    undo() {
      const line = decisions.undo();
      if (!line) return Gallery.say("Nothing to take back.");
      const holds = (one, id) => one.rows.some((row) => videos.id(row) === id);
      const back = cases.find((one) => holds(one, line.a) && holds(one, line.b));
      Gallery.say("The last decision was taken back.");
      return back && back !== this.one ? goTo(back) : undefined;
    }

    buttons() {
      const judge = (word) => () => this.judge(word);
      return el(
        "div",
        { class: "verdicts", role: "toolbar", "aria-label": "Decide" },
        parts.key("K", "Keep this one", () => this.keep()),
        parts.key("D", "Duplicate", judge("accept"), "good"),
        parts.key("N", "Not a duplicate", judge("ignore"), "bad"),
        Gallery.served ? "" : parts.key("U", "Undo", () => this.undo(), "quiet"),
      );
    }

    drawStage() {
      const { one, selected } = this;
      const keep = review.kept(one);
      const shown = shownCases();
      const place = shown.includes(one) ? `${shown.indexOf(one) + 1} of ${shown.length}` : "";
      const members = one.rows.map((row) =>
        parts.member(one, row, keep, selected, () => this.choose(row)),
      );
      this.stage.replaceChildren(
        el(
          "div",
          { class: "stage-head" },
          el("h2", { text: `${one.title}: ${words.counted(one.rows.length, "file")}` }),
          el("span", { class: "stage-place", text: place }),
          el("span", { class: "spring" }),
          parts.arrow("Previous", "‹", () => this.step(-1)),
          parts.arrow("Next", "›", () => this.step(1)),
        ),
        el("div", { class: "members", role: "radiogroup", "aria-label": "Files" }, ...members),
        this.buttons(),
        Gallery.comparePair(
          keep,
          selected === keep ? one.rows.find((row) => row !== keep) : selected,
        ),
      );
    }

    redraw() {
      const focused = this.stage.contains(document.activeElement);
      const shown = shownCases();
      this.trouble.textContent = decisions.trouble();
      this.drawStage();
      this.list.replaceChildren(...shown.map((one) => parts.caseLink(one, this.one)));
      this.count.textContent = `${shown.filter(review.decided).length} of ${shown.length} decided`;
      this.save.textContent = `Save decisions (${decisions.made()})`;
      this.save.disabled = decisions.made() === 0;
      Gallery.router.drawTabs();
      const checked = this.stage.querySelector('[aria-checked="true"]');
      if (focused) checked?.focus({ preventScroll: true });
    }

    picker() {
      const options = Object.keys(KINDS).map((name) =>
        el("option", { text: name, selected: name === kind }),
      );
      const change = () => {
        kind = select.value;
        const [first] = shownCases();
        if (!first || KINDS[kind](this.one.kind)) this.redraw();
        else goTo(first);
      };
      const select = el("select", { on: { change } }, ...options);
      return el("label", { class: "picker" }, el("span", { text: "Show" }), select);
    }

    press(event) {
      const acts = {
        k: () => this.keep(),
        d: () => this.judge("accept"),
        n: () => this.judge("ignore"),
        u: Gallery.served ? undefined : () => this.undo(),
        arrowright: () => this.turn(1),
        arrowleft: () => this.turn(-1),
        arrowdown: () => this.step(1),
        arrowup: () => this.step(-1),
      };
      const act = acts[event.key.toLowerCase()];
      if (!act || Gallery.isForOthers(event) || this.list.contains(event.target)) return;
      event.preventDefault();
      act();
    }
  }

  function draw(main, [number]) {
    if (!cases.length) {
      main.append(Gallery.note("No duplicates were found or looked for.", "nothing"));
      return undefined;
    }
    const page = new Review(number);
    const spring = el("span", { class: "spring" });
    const save = Gallery.served ? "" : page.save;
    main.append(
      el("div", { class: "tools" }, page.count, spring, page.picker(), save),
      page.trouble,
      el("div", { class: "review" }, page.list, el("div", {}, page.stage, Gallery.note(HELP))),
    );
    page.redraw();
    page.list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
    const heard = {
      keydown: (event) => page.press(event),
      decisions: () => page.redraw(),
      filter: () => page.redraw(),
      trouble: () => page.redraw(),
    };
    for (const [name, act] of Object.entries(heard)) document.addEventListener(name, act);
    return () => {
      for (const [name, act] of Object.entries(heard)) document.removeEventListener(name, act);
    };
  }

  const count = () => cases.filter((one) => KINDS[kind](one.kind) && isOpen(one)).length;
  Gallery.reviewPage = { title: "Duplicates", tab: true, count, draw };
})();
