// Make elements. Text is always set as text, never read as HTML.
"use strict";

(() => {
  // Properties: `class`, `text`, `style` and `data` (objects), `on` (events); others are attributes.
  function el(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "class") element.className = value;
      else if (name === "text") element.textContent = value;
      else if (name === "style") Object.assign(element.style, value);
      else if (name === "data") Object.assign(element.dataset, value);
      else if (name === "on") {
        for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      } else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  // Text in which words between backticks are code.
  function prose(text) {
    return text.split("`").map((part, at) => (at % 2 ? el("code", { text: part }) : part));
  }

  // A line for people; what stands in place of an empty list.
  function note(text, kind = "help") {
    return el("p", { class: kind }, ...prose(text));
  }

  // What is known, as terms and their values.
  function factList(lines, kind = "") {
    const parts = lines.flatMap(([term, value]) => [
      el("dt", { text: term }),
      el("dd", { text: value, class: term === "SHA-256" ? "digits" : null }),
    ]);
    return el("dl", { class: `facts ${kind}` }, ...parts);
  }

  // Whether a key is for a field, or part of a shortcut of the browser.
  function isForOthers(event) {
    const field = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    return field || event.altKey || event.ctrlKey || event.metaKey;
  }

  function say(text) {
    document.getElementById("status").textContent = text;
  }

  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  Object.assign(Gallery, {
    el,
    prose,
    note,
    factList,
    isForOthers,
    say,
    movesLittle: () => still.matches,
  });
})();
