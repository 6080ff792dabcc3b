"""The page that asks for the token."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #8a939e;
  --accent: #1d5fa8; --on: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14171b;
  --line: #6d7783; --accent: #7db4f0; --on: #10151b; --bad: #ffb4ab; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  box-sizing: border-box; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { width: min(100%, 22rem); }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
label { display: block; }
input, button { box-sizing: border-box; width: 100%; margin-top: .4rem; padding: .6rem .7rem;
  border: 1px solid var(--line); border-radius: 6px; font: inherit; color: inherit;
  background: transparent; }
button { margin-top: .9rem; border-color: var(--accent); background: var(--accent);
  color: var(--on); cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[role=alert] { color: var(--bad); }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>chainpipe: token</title>
<link rel="icon" href="{icon}">
<style>{style}</style></head>
<body><main><h1>chainpipe</h1>{wrong}
<form method="get" action="/">
<label>Token of this server
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Open the gallery</button></form>
<p>It was printed or set where the server was started.</p></main></body></html>
"""

_ICON = (files("chainpipe.gallery") / "assets" / "icon.svg").read_bytes()
_ICON_ADDRESS = "data:image/svg+xml;base64," + base64.b64encode(_ICON).decode()
STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def login_page(*, wrong: bool) -> str:
    """Return the page; its style is allowed by :data:`STYLE_HASH`.

    Args:
        wrong: Whether a wrong token was given before.
    """
    told = '<p role="alert">This is not the token of this server.</p>' if wrong else ""
    return _PAGE.format(style=_STYLE, icon=_ICON_ADDRESS, wrong=told)
