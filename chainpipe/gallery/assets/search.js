// Live search, where the pages come from a server: drop a video or a picture, or type words.
"use strict";

(() => {
  const { el, videos, served } = Gallery;
  const K = 14;

  async function ask(request) {
    const answer = await fetch(...request);
    let found = null;
    try {
      found = await answer.json();
    } catch {
      throw new Error(`the server said ${answer.status}`);
    }
    if (!answer.ok) throw new Error(reasonOf(found) ?? `the server said ${answer.status}`);
    return found;
  }

  function reasonOf(found) {
    const told = found?.error ?? found?.detail ?? found;
    if (typeof told === "string") return told;
    return typeof told?.message === "string" ? told.message : null;
  }

  function byFile(file) {
    const form = new FormData();
    form.append("file", file);
    form.append("k", String(K));
    return ["api/search", { method: "POST", body: form }];
  }

  function byWords(text) {
    return [`api/search?${new URLSearchParams({ text, k: String(K) })}`];
  }

  function stateOf(name, found) {
    const near = found.results.length ? `Nearest to ${name}` : `Nothing is near ${name}.`;
    if (!found.unknown) return near;
    const unknown = found.unknown.join(", ");
    return `${near} · no word near ${unknown}; nearest: ${found.nearest.join(", ")}`;
  }

  function tileOf(answer) {
    const rows = videos.rowsOf.get(answer.id) ?? [];
    const row = rows.find((one) => videos.path(one) === answer.path) ?? rows[0];
    const moment = answer.seconds == null ? null : `at ${Gallery.words.clock(answer.seconds, 1)}`;
    const line = [answer.answer, moment, `distance ${Number(answer.distance).toPrecision(3)}`]
      .filter(Boolean)
      .join(" · ");
    if (row === undefined)
      return el(
        "li",
        {},
        el("p", { class: "tile-name", text: answer.path }),
        el("p", { class: "tile-line", text: line }),
      );
    return el("li", {}, Gallery.tile(row, line));
  }

  function panel() {
    const state = el("p", { class: "search-state", role: "status" });
    const results = el("div");
    const file = el("input", {
      type: "file",
      class: "unseen",
      id: "search-file",
      accept: "video/*,image/*",
      on: { change: () => runFile(file.files[0]) },
    });
    const text = el("input", {
      type: "search",
      placeholder: "Words, such as: a cat on a sofa",
      "aria-label": "Search by words",
      autocomplete: "off",
    });
    const clear = el("button", {
      class: "button quiet",
      type: "button",
      text: "Clear the answers",
      on: {
        click: () => {
          state.textContent = "";
          results.replaceChildren();
          text.value = "";
        },
      },
    });
    let turn = 0;

    async function run(name, request) {
      turn += 1;
      const mine = turn;
      state.classList.remove("trouble");
      state.textContent = `Searching for ${name} ...`;
      results.replaceChildren();
      try {
        const found = await ask(request);
        if (mine !== turn) return;
        state.textContent = stateOf(name, found);
        const tiles = found.results.map(tileOf);
        results.replaceChildren(el("ol", { class: "plain-grid" }, ...tiles), clear);
      } catch (error) {
        if (mine === turn) fail(error.message);
      }
      file.value = "";
    }

    function fail(message) {
      state.classList.add("trouble");
      state.replaceChildren("No answer: ", ...Gallery.prose(message));
    }

    function runFile(one) {
      if (one) run(one.name, byFile(one));
    }

    const drop = el(
      "div",
      {
        class: "drop",
        on: {
          dragover: (event) => {
            event.preventDefault();
            drop.classList.add("over");
          },
          dragleave: () => drop.classList.remove("over"),
          drop: (event) => {
            event.preventDefault();
            drop.classList.remove("over");
            runFile(event.dataTransfer.files[0]);
          },
        },
      },
      el("label", { class: "button", for: "search-file", text: "Choose a video or picture" }),
      file,
      el("span", { text: "or drop one here" }),
      el(
        "form",
        {
          on: {
            submit: (event) => {
              event.preventDefault();
              if (text.value.trim()) run(`“${text.value.trim()}”`, byWords(text.value.trim()));
            },
          },
        },
        text,
      ),
    );
    return el("section", { class: "search", "aria-label": "Search" }, drop, state, results);
  }

  if (served) Gallery.searchPanel = panel;
})();
