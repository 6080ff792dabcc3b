// The filter box: words that must all be in the path, a label or the split.
"use strict";

(() => {
  const { videos } = Gallery;
  const input = document.getElementById("filter");
  const texts = [];
  for (let row = 0; row < videos.count; row += 1) {
    texts.push({
      path: videos.name(row).toLowerCase(),
      label: videos.labels(row).join("\n").toLowerCase(),
      split: videos.split(row),
    });
  }

  // `label:tank` looks in labels only, `path:` and `split:` likewise.
  function tests(text) {
    return text
      .toLowerCase()
      .split(/\s+/)
      .filter(Boolean)
      .map((word) => {
        const found = /^(path|label|split):(.*)$/.exec(word);
        if (found) return (one) => one[found[1]].includes(found[2]);
        return (one) => one.path.includes(word) || one.label.includes(word) || one.split === word;
      });
  }

  let wanted = [];
  const passes = (row) => wanted.every((test) => test(texts[row]));
  const passesText = (text) => {
    const one = { path: text.toLowerCase(), label: "", split: "" };
    return wanted.every((test) => test(one));
  };

  let timer = 0;
  function changed() {
    wanted = tests(input.value);
    document.dispatchEvent(new Event("filter"));
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(changed, 120);
  });
  document.getElementById("filter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !Gallery.isForOthers(event)) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
  document
    .getElementById("filter-words")
    .append(
      ...videos.raw.labelNames
        .slice(0, 200)
        .map((name) => Gallery.el("option", { value: `label:${name}` })),
    );

  Gallery.filter = {
    passes,
    passesText,
    active: () => wanted.length > 0,
    set: (text) => {
      input.value = text;
      changed();
    },
  };
})();
