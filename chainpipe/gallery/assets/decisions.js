// What people decide about pairs: kept in the browser until saved, or sent to the server at once.
"use strict";

(() => {
  const { videos, served } = Gallery;
  const KEY = `chainpipe-decisions-${Gallery.library.key}`;
  const FILE = "decisions.jsonl";
  const latest = new Map(); // by pair: the line that counts
  let before = []; // lines of the file, as it was
  let made = []; // lines that were made here
  let trouble = ""; // what went wrong last

  const pairOf = (a, b) => [a, b].sort().join(" ");

  function index() {
    latest.clear();
    for (const line of [...before, ...made]) latest.set(pairOf(line.a, line.b), line);
    document.dispatchEvent(new Event("decisions"));
  }

  function store() {
    if (served) return;
    try {
      localStorage.setItem(KEY, JSON.stringify(made));
    } catch {
      // They last until the page is closed; the button to save them says how many there are.
    }
  }

  function load() {
    before = Gallery.data.decisions;
    try {
      const kept = served ? [] : JSON.parse(localStorage.getItem(KEY) ?? "[]");
      made = kept.filter((line) => typeof line.a === "string" && typeof line.b === "string");
    } catch {
      made = []; // something else lies there
    }
    index();
    if (served) fetchLines();
  }

  function tell(text) {
    trouble = text;
    Gallery.say(text);
    document.dispatchEvent(new Event("trouble"));
  }

  async function fetchLines() {
    try {
      const answer = await fetch("api/decisions", { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`the server said ${answer.status}`);
      const found = await answer.json();
      before = Array.isArray(found) ? found : found.decisions;
      trouble = "";
      index();
    } catch (error) {
      tell(`The decisions could not be read: ${error.message}`);
    }
  }

  async function send(line) {
    const answer = await fetch("api/decisions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(line),
    });
    if (!answer.ok) throw new Error(`the server said ${answer.status}`);
  }

  // `word` is `accept` (copies) or `ignore` (no copies).
  async function decide(a, b, word) {
    const line = {
      schema: 1,
      a: videos.id(a),
      b: videos.id(b),
      decision: word,
      path_a: videos.path(a),
      path_b: videos.path(b),
      path_a_bytes: videos.pathBytes(a), // left out where it is undefined
      path_b_bytes: videos.pathBytes(b),
    };
    if (of(a, b) === word && latest.get(pairOf(line.a, line.b)).a === line.a) return true;
    if (served) {
      try {
        await send(line);
      } catch (error) {
        tell(`Not saved: ${error.message}`);
        return false;
      }
      trouble = "";
      before = [...before, line];
    } else {
      made = [...made, line];
    }
    store();
    index();
    return true;
  }

  // Take back what was decided last; what a server has written stays.
  function undo() {
    const last = made.at(-1);
    if (!last) return null;
    made = made.slice(0, -1);
    store();
    index();
    return last;
  }

  function lineOf(a, b) {
    return latest.get(pairOf(videos.id(a), videos.id(b))) ?? null;
  }

  function of(a, b) {
    return lineOf(a, b)?.decision ?? null;
  }

  // All lines, those of the file first, so that the new file can take the place of the old one.
  function text() {
    return [...before, ...made].map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  function download() {
    const address = URL.createObjectURL(new Blob([text()], { type: "application/jsonl" }));
    Gallery.el("a", { href: address, download: FILE }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  Gallery.decisions = {
    load,
    decide,
    undo,
    of,
    lineOf,
    download,
    made: () => made.length,
    trouble: () => trouble,
  };
})();
