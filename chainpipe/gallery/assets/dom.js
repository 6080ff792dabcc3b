// Make elements. Text is always set as text, never read as HTML.
"use strict";

(() => {
  // Properties: `class`, `text`, `style` (an object), `on` (events), `data`; all others are attributes.
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

  function say(text) {
    document.getElementById("status").textContent = text;
  }

  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  Object.assign(Gallery, { el, prose, say, movesLittle: () => still.matches });
})();
