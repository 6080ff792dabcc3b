"""Which codes go out of the house: a codes file, and the durations of the store at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, from_here
from chainpipe.pipeline.errors import ChainpipeError, UsageError

from ..model_folder.folder import CONFIG
from .context import Tools
from .defaults import choose_model
from .encode import CODES

if TYPE_CHECKING:
    from chainpipe.pipeline.records import VideoTable

    from ..database.rows import CodeTable

CodesOption = Annotated[
    Path | None,
    typer.Option("--codes", help="Codes file.", show_default="codes.npz in the model folder"),
]
StoreWithDurations = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Feature store that knows the durations.",
        show_default="the one that the model was trained on, where it is there",
    ),
]
WindowsOption = Annotated[
    bool, typer.Option("--windows", help="A row for each window, not for each video.")
]


@dataclass(frozen=True, slots=True, eq=False)
class CodeSource:
    """The rows that go out, and what they were read from.

    Attributes:
        table: The rows.
        codes: The codes file.
        store: The store that was asked for durations, ``None`` where there is none.
        videos: Paths of the store's videos, which no output may replace.
    """

    table: CodeTable
    codes: Path
    store: Path | None
    videos: frozenset[bytes]


def code_source(
    codes: Path | None, model: Path | None, store: Path | None, tools: Tools, *, windows: bool
) -> CodeSource:
    """Read the codes to hand out.

    Args:
        codes: A codes file that was named.
        model: A model folder that was named.
        store: A store that was named.
        tools: Of the command.
        windows: Whether a row is a window.

    Raises:
        UsageError: If both codes and a model are named, there are no codes in the file, or there
            are no windows where windows are asked for.
        NotFoundError: If there is no model, codes file or store of that name.
        DamageError: If one is damaged.
    """
    from ..database.rows import CodeTable
    from ..retrieval.codes import read_codes

    if codes is not None and model is not None:
        message = f"both `--codes {codes}` and `--model {model}` are given"
        raise UsageError(message, hint="one of them is enough")
    if codes is None:
        codes = choose_model(model, tools.log)[0] / CODES
    found = read_codes(codes)
    if not len(found):
        raise UsageError(f"there are no codes in `{codes}`", hint="encode a store that has videos")
    kind = f"{counted(len(found), 'code')} of {counted(found.bits, 'bit')}"
    tools.log(f"codes {codes} ({kind})")
    path = store if store is not None else _trained_store(codes)
    videos, root = _videos(path, tools, must=store is not None)
    table = CodeTable.of(found, videos, of_windows=windows)
    taken = () if videos is None else (root + b"/" + name for name in videos.paths)
    return CodeSource(table, codes, path, frozenset(taken))


def _videos(path: Path | None, tools: Tools, *, must: bool) -> tuple[VideoTable | None, bytes]:
    """Return the videos and the root of a store; one that nobody named may be damaged."""
    from chainpipe.pipeline.store import open_store

    if path is None:
        return None, b""
    try:
        with open_store(path) as store:
            tools.log(f"store {from_here(path)}, for the durations")
            return store.videos, store.root
    except ChainpipeError as error:
        if must:
            raise
        tools.log(f"no durations: {error}")
        return None, b""


def _trained_store(codes: Path) -> Path | None:
    """Return the store of the model whose folder holds the codes, if both are there."""
    from ..model_folder.folder import read_facts
    from .moved_store import with_moved_store

    if not (codes.parent / CONFIG).is_file():
        return None
    try:
        facts = with_moved_store(codes.parent, read_facts(codes.parent))
    except ChainpipeError:
        return None  # codes go out without it
    path = Path(facts.store)
    return path if facts.store and path.exists() else None
