// Before anything is drawn: the namespace, and the theme that was chosen.
"use strict";

window.Gallery = { data: {} };

try {
  const chosen = localStorage.getItem("chainpipe-theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
} catch {
  // Storage may be switched off; the system's theme is shown then.
}
