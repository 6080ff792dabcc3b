"""Write the pages: data as scripts, assets and ``index.html``, whose rename makes them current.

A page that is opened from disk may not read other files, so data are scripts that assign a value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, leftovers, remove, storage_errors

PAGE = "index.html"
MARK = "gallery.json"
FORMAT = {"format": "chainpipe-gallery", "version": 1}
STYLES = (
    *("theme", "base", "bar", "controls", "frame", "library", "video", "review"),
    *("films", "map", "small"),
)
SCRIPTS = (
    *("dom", "words", "data", "frames", "theme", "play", "filter", "decisions", "router"),
    *(
        "tiles",
        "library",
        "video",
        "review_cases",
        "review_parts",
        "compare",
        "review",
        "films",
        "map_view",
    ),
    *("map", "apart", "search", "start"),
)
ICON = "icon.svg"
EARLY = "early"  # sets the theme before anything is drawn


def check_folder(out: Path) -> None:
    """Refuse a place that holds anything but a gallery.

    Raises:
        UsageError: If it is a file, or a folder with other content.
        StorageError: If it cannot be looked at.
    """
    hint = "name a new or empty folder, or an earlier gallery"
    with storage_errors(out):
        if out.is_dir():
            if not any(out.iterdir()) or (out / MARK).is_file():
                return
            raise UsageError(f"`{out}` holds other files and is no gallery", hint=hint)
        if out.exists() or out.is_symlink():
            raise UsageError(f"`{out}` is not a folder", hint=hint)


def mark_folder(out: Path) -> None:
    """Make the folder, and the file that says what it is.

    Raises:
        StorageError: If the disk says no.
    """
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        if not (out / MARK).exists():
            with atomic_replace(out / MARK) as temporary:
                temporary.write_text(json.dumps(FORMAT) + "\n")


def write_pages(out: Path, data: Mapping[str, Any], *, title: str) -> None:
    """Write data, assets and the page that names them; the folder of earlier ones goes.

    Args:
        out: The gallery.
        data: What each script of data holds, by name.
        title: Of the library.

    Raises:
        StorageError: If the disk does not take it; then the earlier pages stay as they were.
    """
    content = {f"data-{name}.js": data_script(name, value) for name, value in data.items()}
    content |= _assets()
    digest = hashlib.sha256()
    for name, text in sorted(content.items()):
        digest.update(f"{name}\0{text}\0".encode())
    folder = f"page-{digest.hexdigest()[:12]}"
    with storage_errors(out):
        if not (out / folder).is_dir():
            with atomic_replace(out / folder) as temporary:
                temporary.mkdir()
                for name, text in content.items():
                    (temporary / name).write_text(text, encoding="utf-8")
        with atomic_replace(out / PAGE) as temporary:
            temporary.write_text(_page(folder, list(data), title), encoding="utf-8")
        for old in out.glob("page-*"):
            if old.name != folder:
                remove(old)
        for left in leftovers(out / PAGE):
            remove(left)


def data_script(name: str, value: Any) -> str:
    r"""Return a script that holds a value; no text in it can end the script.

    >>> print(data_script("names", ["</script>", "\udcff"]))
    Gallery.data.names = ["\u003c/script\u003e","\udcff"];
    """
    text = json.dumps(value, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"Gallery.data.{name} = {text};"


def _assets() -> dict[str, str]:
    folder = files(__package__) / "assets"
    names = [f"{name}.js" for name in (EARLY, *SCRIPTS)] + [f"{name}.css" for name in STYLES]
    names.append(ICON)
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _page(folder: str, data: list[str], title: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(str(__package__))
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return page.get_template(PAGE).render(
        folder=folder,
        title=title,
        early=EARLY,
        styles=STYLES,
        scripts=SCRIPTS,
        data=[f"data-{name}" for name in data],
    )
