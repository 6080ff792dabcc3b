// Light, dark, or as the system has it.
"use strict";

(() => {
  const button = document.getElementById("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function current() {
    return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  }

  function draw() {
    const other = current() === "dark" ? "light" : "dark";
    button.textContent = current() === "dark" ? "☀" : "☾";
    button.setAttribute("aria-label", `Show the ${other} theme`);
    button.title = `Show the ${other} theme`;
  }

  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("chainpipe-theme", next);
    } catch {
      // It holds for this visit only.
    }
    draw();
    document.dispatchEvent(new Event("theme"));
  });
  dark.addEventListener("change", () => {
    draw();
    document.dispatchEvent(new Event("theme"));
  });
  draw();
})();
