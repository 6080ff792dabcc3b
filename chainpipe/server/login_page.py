"""The page that asks for the token."""

from __future__ import annotations

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>chainpipe</title></head>
<body><main><h1>chainpipe</h1>{wrong}
<form method="get" action="/">
<p><label>Token of this server
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Open the gallery</button></p></form>
<p>It was printed where the server was started.</p></main></body></html>
"""


def login_page(*, wrong: bool) -> str:
    """Return the page.

    Args:
        wrong: Whether a wrong token was given before.
    """
    told = '<p role="alert">This is not the token of this server.</p>' if wrong else ""
    return _PAGE.format(wrong=told)
