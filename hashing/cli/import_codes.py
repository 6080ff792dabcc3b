"""``chainpipe import codes``: a codes file of another program's binary codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.foreign.kinds import FileKind, kind_of

from .context import tools_of
from .defaults import JsonOption, print_json

if TYPE_CHECKING:
    from ..retrieval.codes import Codes

WHERE = "FILE, FILE:KEY, or KEY of the codes' file"


def import_codes(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A .npy, .npz, .mat (v5, v7.3) or HDF5 file."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Codes file to write.")] = Path("codes.npz"),
    key: Annotated[
        str | None,
        typer.Option("--key", help="Name of the codes.", show_default="the only array"),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", help=f"One-hot, or class numbers or names: {WHERE}.", metavar="WHERE"
        ),
    ] = None,
    ids: Annotated[
        str | None, typer.Option("--ids", help=f"Names of the videos: {WHERE}.", metavar="WHERE")
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option("--queries", help=f"Codes that ask those of FILE: {WHERE}.", metavar="WHERE"),
    ] = None,
    query_labels: Annotated[
        str | None, typer.Option("--query-labels", help="Their labels.", metavar="WHERE")
    ] = None,
    query_ids: Annotated[
        str | None, typer.Option("--query-ids", help="Their names.", metavar="WHERE")
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(
            "--bits", help="Length of packed codes; without it, one number is one bit.", min=1
        ),
    ] = None,
    bit_order: Annotated[
        str,
        typer.Option("--bit-order", help="First bit of a packed byte: little or big (numpy's)."),
    ] = "little",
    sign: Annotated[
        bool, typer.Option("--sign", help="Take real numbers: those >= 0 are 1.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Replace a codes file that is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a codes file of somebody else's binary codes, which `eval --codes` judges.

    Codes are 0 and 1, -1 and 1, truth values, or packed with --bits, one code a row.

    Examples: chainpipe import codes rival.npy --labels labels.npy --out rival.npz ·
    chainpipe import codes rival.mat --key B --labels L --queries Bq --query-labels Lq
    """
    from ..retrieval.codes import write_codes
    from ..retrieval.foreign_codes import ArrayPlace, CodesPlaces, foreign_codes

    tools = tools_of(context)
    if bit_order not in ("little", "big"):
        raise UsageError(f"no bit order `{bit_order}`", hint="little or big")
    if queries is None and (query_labels is not None or query_ids is not None):
        raise UsageError("`--query-labels` and `--query-ids` need `--queries`", hint="name it")
    if bits is None and bit_order != "little":
        raise UsageError("`--bit-order` is of packed codes", hint="`--bits` tells their length")
    if bits is not None and sign:
        raise UsageError("packed codes have no signs", hint="leave out `--sign` or `--bits`")

    def place(word: str | None) -> ArrayPlace | None:
        return None if word is None else ArrayPlace.named(word, file)

    asking = place(queries)
    _check_out(file, out, restart=restart)
    codes = foreign_codes(
        CodesPlaces(ArrayPlace(file, key), place(labels), place(ids)),
        None if asking is None else CodesPlaces(asking, place(query_labels), place(query_ids)),
        bits=bits,
        bit_order="big" if bit_order == "big" else "little",
        sign=sign,
    )
    write_codes(out, codes)
    tools.log(f"wrote {out}: {counted(len(codes), 'code')} of {counted(codes.bits, 'bit')}")
    if not codes.labels.any():
        tools.warn("the codes have no labels, so `eval` cannot judge them: `--labels`")
    _report(out, codes, as_json=as_json)


def _check_out(file: Path, out: Path, *, restart: bool) -> None:
    """Refuse an output that would replace the input, what is no codes file, or anything unasked."""
    if not out.exists():
        return
    if out.samefile(file) or kind_of(out) is not FileKind.CODES:
        raise UsageError(f"`{out}` would be replaced", hint="choose another `--out`")
    if not restart:
        hint = "choose another `--out`, or add `--restart` to replace it"
        raise UsageError(f"`{out}` exists", hint=hint)


def _report(out: Path, codes: Codes, *, as_json: bool) -> None:
    if not as_json:
        print(out)
        return
    facts: dict[str, object] = {
        "schema": 1,
        "codes": str(out),
        "videos": len(codes),
        "bits": codes.bits,
        "labels": len(codes.label_names),
    }
    print_json(facts)
