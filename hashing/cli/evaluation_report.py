"""Print and draw what ``eval`` found, of one or of several models or codes files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.pipeline.console import counted

from .context import Tools
from .defaults import print_json

if TYPE_CHECKING:
    from ..evaluation.evaluate import Evaluation
    from ..evaluation.published import PublishedResult

SAME = (
    "schema",
    "method",
    "bits",
    "distance",
    "rerank_depth",
    "protocol",
    "queries",
    "database",
)  # equal with and without the query in the database


def report(paths: Sequence[Path], found: Sequence[list[Evaluation]], *, as_json: bool) -> None:
    """Print the scores of one or several models or codes files."""
    if len(found) == 1:
        _report(found[0], as_json=as_json)
    else:
        _report_several(paths, found, as_json=as_json)


def draw(
    picture: Path | None, paths: Sequence[Path], found: Sequence[list[Evaluation]], tools: Tools
) -> None:
    """Draw the scores of one or several models or codes files, if a picture is asked for."""
    if picture is not None:
        _draw(picture, paths, [first for first, *_ in found])
        tools.log(f"wrote {picture}")


def _labels(folders: Sequence[Path], found: Sequence[Evaluation]) -> list[str]:
    """Return a label for each model: its folder's name, or path where two have the same name."""
    names = [folder.resolve().name for folder in folders]
    heads = [
        name if names.count(name) == 1 else str(folder)
        for name, folder in zip(names, folders, strict=True)
    ]
    return [
        f"{head} ({one.method}, {counted(one.bits, 'bit')})"
        for head, one in zip(heads, found, strict=True)
    ]


def _draw(path: Path, folders: Sequence[Path], found: Sequence[Evaluation]) -> None:
    """Plot one model with published results, or several models on the same panels."""
    from ..reporting.figures import write_png
    from ..reporting.line_plots import comparison_panels, draw_panels
    from ..reporting.metric_plots import draw_scores

    first = found[0]
    if len(found) == 1:
        write_png(path, draw_scores(first, peers=_published(first)))
        return
    panels = comparison_panels(list(zip(_labels(folders, found), found, strict=True)))
    sizes = f"{len(first.protocol.queries)} in {len(first.protocol.database)}"
    write_png(path, draw_panels(panels, title=f"{first.protocol.name}, {sizes} videos"))


def _published(found: Evaluation) -> list[PublishedResult]:
    from ..evaluation.published import published

    return published(found.protocol.name, bits=found.bits)


def _report(found: list[Evaluation], *, as_json: bool) -> None:
    """Print the scores of one model."""
    from ..reporting.tables import print_out, published_notes, published_table, scores_table

    first = found[0]
    peers = _published(first)
    if as_json:
        print_json(_to_json(found))
        return
    for evaluation in found:
        print_out(scores_table(evaluation), "")
    if peers:
        print_out(published_table(first, peers), "")
    print_out(*first.sentences(), *published_notes(peers))


def _report_several(
    folders: Sequence[Path], found: Sequence[list[Evaluation]], *, as_json: bool
) -> None:
    """Print the scores of several models, one line each."""
    from ..reporting.tables import comparison_table, print_out

    if as_json:
        models = [
            {"model": str(folder), **_to_json(one)}
            for folder, one in zip(folders, found, strict=True)
        ]
        print_json({"schema": 1, "models": models})
        return
    for way in zip(*found, strict=True):
        print_out(comparison_table(list(zip(_labels(folders, way), way, strict=True))), "")
    print_out(*found[0][0].sentences())


def _to_json(found: Sequence[Evaluation]) -> dict[str, object]:
    """Return the object that ``chainpipe eval --json`` prints of one model."""
    first, *removed = found
    content = first.to_json()
    for other in removed:
        rest = other.to_json().items()
        content["without_itself"] = {name: value for name, value in rest if name not in SAME}
    if peers := _published(first):
        content["peers"] = [peer.to_json() for peer in peers]
    return content
