"""``chainpipe export model``: a trained model as an ONNX file, compared bit by bit first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .context import tools_of
from .defaults import (
    JsonOption,
    ModelOption,
    PluginOption,
    StoreOption,
    choose_model,
    open_chosen_store,
    print_json,
)

if TYPE_CHECKING:
    from ..methods.onnx_export.compare import BitComparison
    from ..model_folder.folder import ModelFacts

FILE, SUFFIX = "hasher.onnx", ".onnx"


def model(
    context: typer.Context,
    model: ModelOption = None,
    store: StoreOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="ONNX file to write.", show_default=f"{FILE} in the model folder"
        ),
    ] = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trained model as an ONNX file, after a comparison bit by bit on its store.

    Examples: chainpipe export model · chainpipe export model --model models/a --out a.onnx
    """
    from ..methods.onnx_export.compare import compare
    from ..methods.onnx_export.file import OnnxHasher, onnx_bytes
    from ..methods.registry import load_hasher
    from ..model_folder.folder import read_tensors
    from ..models.hasher import with_values

    tools = tools_of(context)
    if out is not None and out.suffix != SUFFIX:
        hint = f"name it `{out.with_suffix(SUFFIX).name}`"
        raise UsageError(f"`--out {out}` does not end in `{SUFFIX}`", hint=hint)
    folder, facts = choose_model(model, tools.log)
    out = out or folder / FILE
    _check_out(out)
    content = onnx_bytes(facts, read_tensors(folder))
    hasher = with_values(load_hasher(folder)[1])
    with (
        open_chosen_store(store, facts, tools.log) as features,
        tools.progress("compare", len(features.videos)) as advance,
    ):
        found = compare(features, hasher, OnnxHasher(content), progress=advance)
    found.check()
    with storage_errors(out), atomic_replace(out) as temporary:
        temporary.write_bytes(content)
    differ = f", {counted(len(found.different), 'bit')} of them not" if found.different else ""
    compared = f"{counted(found.bits, 'bit')} of {counted(found.videos, 'video')}"
    tools.log(f"wrote {out}: {compared} compared, equal{differ}")
    if as_json:
        print_json(_facts(out, facts, found))
        return
    print(out)
    for one in found.different:
        words = f"bit {one.bit} is {one.value:.3g}, exported {one.exported:.3g}"
        print(f"{printable(one.path)}: {words}")


def _check_out(out: Path) -> None:
    """Refuse to replace an ONNX file that is not an exported model, such as a backbone.

    Raises:
        UsageError: If there is one.
    """
    from ..methods.onnx_export.file import is_exported

    if out.exists() and not is_exported(out):
        message = f"`{printable(out)}` is there, and is no exported model"
        raise UsageError(message, hint="name a new file")


def _facts(out: Path, facts: ModelFacts, found: BitComparison) -> dict[str, object]:
    return {
        "schema": 1,
        "onnx": str(out),
        "method": facts.method,
        "bits": facts.bits,
        "model": facts.weights_sha256,
        "videos": found.videos,
        "compared": found.bits,
        "equal": found.equal,
        "largest_difference": found.largest,
        "different": [
            {
                "path": printable(one.path),
                "bit": one.bit,
                "value": one.value,
                "exported": one.exported,
            }
            for one in found.different
        ],
    }
