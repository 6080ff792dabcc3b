"""``chainpipe dedup``: find copies, parts and blank videos in a store; nothing is ever deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import StorageError, UsageError
from chainpipe.pipeline.store import FeatureStore, open_store

from ..duplicates.decisions import DecidedPair, Decision, decisions_beside, read_decisions
from ..duplicates.keep import DEFAULT_RULES, parse_rules
from ..duplicates.shell_script import CopyAction
from ..matching.records import Relation
from .context import Tools, tools_of
from .defaults import PluginOption, choose_model

if TYPE_CHECKING:
    from ..duplicates.recheck import PixelRecheck
    from ..duplicates.report import DuplicateReport
    from ..retrieval.bitpack import U8

Pair = tuple[str, str]


def dedup(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A `.h5` or `.zarr` store.")],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="STORE", help="Which videos of STORE has this other store already?"
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Model folder, whose codes give the candidates.",
            show_default="candidates by mean features",
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Only pairs with a video that came since the last run.")
    ] = False,
    recheck: Annotated[
        bool,
        typer.Option(
            "--recheck", help="Decode likely pairs again, and compare what moves in their pixels."
        ),
    ] = False,
    keep: Annotated[
        str,
        typer.Option(
            "--keep", metavar="RULES", help="Which copy to keep: rules in order, also path:GLOB."
        ),
    ] = DEFAULT_RULES,
    min_overlap: Annotated[
        float,
        typer.Option("--min-overlap", help="Percent of the shorter video that both must show."),
    ] = 0.0,
    min_seconds: Annotated[
        float, typer.Option("--min-seconds", help="Seconds that both must show.")
    ] = 0.0,
    max_length_difference: Annotated[
        str | None,
        typer.Option(
            "--max-length-difference",
            metavar="10%|5s",
            help="How much lengths may differ: percent of the longer, or seconds.",
            show_default="any",
        ),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            "--decisions", help="File of decisions.", show_default="decisions.jsonl beside STORE"
        ),
    ] = None,
    ignore: Annotated[
        Pair | None,
        typer.Option("--ignore", metavar="A B", help="Only note that A and B are no copies."),
    ] = None,
    accept: Annotated[
        Pair | None,
        typer.Option("--accept", metavar="A B", help="Only note that A and B are copies."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all similar pairs, too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, for each pair.")
    ] = False,
    groups: Annotated[
        bool,
        typer.Option("--groups", help="Print one JSON object a line, for each group."),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write all pairs as a table.")
    ] = None,
    list_: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Write the paths of copies that may go."),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option("--script", metavar="FILE", help="Write a shell script to read and to run."),
    ] = None,
    action: Annotated[
        CopyAction | None,
        typer.Option(
            "--action",
            help="What the script does with each copy.",
            show_default=CopyAction.TRASH.value,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes.", show_default="one a core"),
    ] = None,
    plugin: PluginOption = None,
) -> None:
    """Find the copies in a store, and say which to keep and why; nothing is deleted.

    Files with the same bytes come first, then copies by what moves in them. Parts of longer videos
    and other moments of the same scenes are told apart from copies. Videos without information
    (black, one colour, one picture) are listed, and compared with no other.

    Examples: chainpipe dedup feats.h5 · chainpipe dedup feats.h5 --script tidy.sh
    """
    from ..duplicates.find import DuplicateSearch, find_copies
    from ..duplicates.gates import Gates, LengthDifference

    tools = tools_of(context)
    if new and against is not None:
        raise UsageError("`--new` and `--against` do not go together", hint="leave out one of them")
    if action is not None and script is None:
        hint = "`--script FILE` says where; the script is for you to read and to run"
        raise UsageError(f"`--action {action.value}` does nothing without a script", hint=hint)
    limit = None if max_length_difference is None else LengthDifference.parse(max_length_difference)
    gates, rules = Gates(min_overlap, min_seconds, limit), parse_rules(keep)
    decided = decisions if decisions is not None else decisions_beside(store)
    with ExitStack() as opened:
        videos = opened.enter_context(open_store(store))
        if ignore or accept:
            _note(videos, decided, {Decision.IGNORE: ignore, Decision.ACCEPT: accept}, tools)
            return
        other = None if against is None else opened.enter_context(open_store(against))
        looking = _recheck(tools, workers) if recheck else None
        search = DuplicateSearch(
            gates=gates,
            rules=rules,
            decisions=read_decisions(decided),
            before=_last_run(store, tools) if new else None,
            recheck=looking,
            workers=workers or os.cpu_count() or 1,
        )
        inputs = [store, decided, *(() if against is None else (against,))]
        outputs = [path for path in (csv, list_, script) if path is not None]
        _check_outputs(outputs, inputs, [videos, *([] if other is None else [other])])
        codes = None if model is None else _codes(videos, other, model, tools)
        report = find_copies(videos, search, against=other, codes=codes, progress=tools.progress)
        if looking is not None:
            _tell_unreadable(looking.unreadable, report, tools)
        _print(report, tools, as_json=as_json, groups=groups, everything=everything)
        _write(report, csv, list_, script, action or CopyAction.TRASH, store, tools)
        if looking is None and _doubtful(report):
            tools.log("--recheck decodes likely pairs again and finds more copies by their pixels")
        if against is None:
            _remember_run(store, report, tools, must=new)


def _doubtful(report: DuplicateReport) -> bool:
    """Return whether some pairs are alike, but no proven copies."""
    counts = report.counts()
    return counts[Relation.SAME_SCENES] + counts[Relation.SIMILAR] > 0


def _note(
    store: FeatureStore, path: Path, given: Mapping[Decision, Pair | None], tools: Tools
) -> None:
    """Add decisions to their file, all or none."""
    from ..duplicates.decisions import add_decisions

    found = [_decided(store, pair, made) for made, pair in given.items() if pair is not None]
    add_decisions(path, found)
    for one in found:
        names = " and ".join(f"`{printable(name)}`" for name in (one.path_a, one.path_b))
        tools.log(f"{names}: {one.decision.text}, noted in `{printable(path)}`")


def _decided(store: FeatureStore, pair: Pair, decision: Decision) -> DecidedPair:
    """Return a decision about two videos that are named as for `search`."""
    from ..retrieval.query import VideoNames, find_queries

    def file_state(row: int) -> tuple[int, int]:
        return int(store.videos.size[row]), int(store.videos.mtime_ns[row])

    names = VideoNames(store.videos.paths, store.videos.ids, store.root, file_state)
    rows = []
    for query in find_queries(pair, names):
        if not query.rows:
            hint = "a decision is about two videos of the store"
            raise UsageError(f"`{printable(query.text)}` is not in the store", hint=hint)
        rows.append(query.rows[0])
    if rows[0] == rows[1]:
        names_of = " and ".join(f"`{printable(name)}`" for name in pair)
        raise UsageError(f"{names_of} are one video", hint="a decision is about two videos")
    a, b = (store.videos.ids[row].tobytes().hex() for row in rows)
    paths = (os.fsdecode(store.videos.paths[row]) for row in rows)
    return DecidedPair(a, b, decision, *paths)


def _check_outputs(
    paths: Sequence[Path], inputs: Sequence[Path], stores: Sequence[FeatureStore]
) -> None:
    """Refuse a file without a folder, and one that would replace what is read, before the work."""
    taken = {os.path.realpath(path) for path in inputs}
    videos = [(os.path.realpath(os.fsdecode(one.root)), set(one.videos.paths)) for one in stores]
    for path in paths:
        if not path.parent.is_dir():
            message = f"there is no folder `{printable(path.parent)}` for `{printable(path.name)}`"
            raise UsageError(message, hint="make it first, or name another place")
        real = os.path.realpath(path)
        if real in taken or any(
            os.fsencode(os.path.relpath(real, root)) in names for root, names in videos
        ):
            message = f"`{printable(path)}` is read or written by this run already"
            raise UsageError(message, hint="name a new file for each output")
        taken.add(real)


def _last_run(store: Path, tools: Tools) -> dict[str, int] | None:
    from ..duplicates.last_run import last_run_beside, read_last_run

    before = read_last_run(last_run_beside(store))
    if before is None:
        tools.log("no run before this one: all pairs are told")
    return before


def _remember_run(store: Path, report: DuplicateReport, tools: Tools, *, must: bool) -> None:
    """Write what was compared; a place that cannot be written is an error with ``--new`` only."""
    from ..duplicates.contents import VideoContents
    from ..duplicates.last_run import last_run_beside, write_last_run

    try:
        write_last_run(last_run_beside(store), VideoContents(report.videos).counts())
    except StorageError as error:
        if must:
            raise
        tools.log(f"the next `--new` will not know of this run: {error}")


def _recheck(tools: Tools, workers: int | None) -> PixelRecheck:
    from ..duplicates.recheck import PixelRecheck

    return PixelRecheck(lambda paths, frames, size: tools.frames(paths, frames, size, workers))


def _tell_unreadable(rows: Mapping[int, str], report: DuplicateReport, tools: Tools) -> None:
    """Say which files could not be looked at again."""
    if rows:
        row, why = next(iter(rows.items()))
        name = printable(report.videos.paths[row])
        count = counted(len(rows), "file")
        tools.warn(f"{count} could not be looked at again; the first: `{name}`: {why}")


def _codes(store: FeatureStore, other: FeatureStore | None, model: Path, tools: Tools) -> U8:
    """Return the model's codes of all rows, those of the other store last."""
    import numpy as np

    from ..model_folder.folder import check_fingerprint
    from ..retrieval.encode import saved_codes
    from .encode import CODES, encode_whole

    folder, facts = choose_model(model, tools.log)
    found = []
    for one in (store, *(() if other is None else (other,))):
        check_fingerprint(facts, one.meta.fingerprint)
        codes = saved_codes(folder / CODES, one, facts) or encode_whole(one, folder, facts, tools)
        found.append(np.asarray(codes.packed))
    return np.concatenate(found)


def _print(
    report: DuplicateReport, tools: Tools, *, as_json: bool, groups: bool, everything: bool
) -> None:
    from ..duplicates.lines import group_lines, json_lines

    if as_json or groups:
        for line in group_lines(report) if groups else json_lines(report):
            print(line)
    else:
        from ..reporting.duplicates_tables import duplicate_tables
        from ..reporting.tables import print_out

        for table in duplicate_tables(report, everything=everything):
            print_out(table, "")
    from ..duplicates.summary import summary_lines

    for line in summary_lines(report, everything=everything):
        tools.log(line)


def _write(
    report: DuplicateReport,
    csv: Path | None,
    list_: Path | None,
    script: Path | None,
    action: CopyAction,
    store: Path,
    tools: Tools,
) -> None:
    """Write the files that were asked for."""
    from ..duplicates.lines import write_csv, write_list
    from ..duplicates.shell_script import write_script

    if csv is not None:
        write_csv(csv, report)
        tools.log(f"wrote {printable(csv)}: {counted(len(report.pairs), 'pair')}")
    if list_ is not None:
        warning = write_list(list_, report)
        tools.log(f"wrote {printable(list_)}: {counted(len(report.planned()), 'file')} that may go")
        if warning:
            tools.warn(warning)
    if script is not None:
        write_script(script, report.planned(), action, store=store)
        tools.log(f"wrote {printable(script)}: read it, then run it; it {action.text}")
