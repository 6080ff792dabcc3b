"""An ONNX file that somebody else made: what it takes and gives, checked before it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import printable
from ..errors import UsageError
from .reasons import reason_of

if TYPE_CHECKING:
    import onnx

_COLOURS = 3
_FLOATS, _BYTES = ("tensor(float)", "tensor(float16)"), "tensor(uint8)"


@dataclass(frozen=True, slots=True)
class OnnxInput:
    """The one input of an image network.

    Attributes:
        name: What the file calls it.
        kind: ``tensor(float)``, ``tensor(float16)`` or ``tensor(uint8)``.
        channels_first: Whether it is (n, 3, H, W), else (n, H, W, 3).
        side: Of the square it takes, or ``None`` for any.
        batch: n, or ``None`` for any.
    """

    name: str
    kind: str
    channels_first: bool
    side: int | None
    batch: int | None


def external_files(path: Path) -> list[Path]:
    """Return the files in which an ONNX file keeps weights beside itself.

    Args:
        path: The ONNX file.

    Raises:
        UsageError: If it cannot be read, is no ONNX file, or names a file outside its folder.
    """
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}") from error
    except Exception as error:  # what protobuf raises is no part of its interface
        raise not_onnx(path, error) from error
    folder = Path(os.path.realpath(path.parent))
    found: set[Path] = set()
    for tensor in _tensors(model.graph, model.functions):
        location = {entry.key: entry.value for entry in tensor.external_data}.get("location")
        if tensor.data_location != onnx.TensorProto.EXTERNAL or location is None:
            continue
        place, shown = Path(os.path.realpath(folder / location)), printable(location)
        if folder not in place.parents:
            raise UsageError(
                f"`{path}` keeps weights in `{shown}`, outside its folder",
                hint="such a file could read any file of this machine; put the weights beside it",
            )
        if not place.is_file():
            hint = "copy all files of the model into one folder"
            raise UsageError(f"`{path}` keeps weights in `{shown}`, which is missing", hint=hint)
        found.add(place)
    return sorted(found)


def _tensors(graph: onnx.GraphProto, functions: Any = ()) -> Iterator[onnx.TensorProto]:
    """Yield every tensor of a graph, of its subgraphs and of local functions."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)
    for function in functions:
        yield from _of_nodes(function.node)


def _of_nodes(nodes: Any) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for graph in (attribute.g, *attribute.graphs):
                yield from _tensors(graph)


def find_input(session: Any, name: str) -> OnnxInput:
    """Return what a session takes.

    Args:
        session: Of ONNX Runtime.
        name: Of the backbone.

    Raises:
        UsageError: If it is not one batch of colour pictures.
    """
    inputs = session.get_inputs()
    listed = ", ".join(
        f"`{printable(each.name)}` {each.type} {_shown(each.shape)}" for each in inputs
    )
    hint = "an image network has one input, (n, 3, H, W) or (n, H, W, 3), of floats or bytes"
    if len(inputs) != 1:
        message = f"backbone `{name}` has {len(inputs)} inputs: {listed}"
        raise UsageError(message, hint=hint)
    shape, kind = inputs[0].shape, inputs[0].type
    first = len(shape) == 4 and shape[1] == _COLOURS
    last = len(shape) == 4 and shape[3] == _COLOURS
    if not (first or last) or kind not in (*_FLOATS, _BYTES):
        raise UsageError(f"backbone `{name}` does not take pictures: {listed}", hint=hint)
    sides = shape[2:] if first else shape[1:3]
    known = {side for side in sides if isinstance(side, int)}
    if len(known) > 1:
        raise UsageError(f"backbone `{name}` wants pictures that are not square: {listed}")
    batch = shape[0] if isinstance(shape[0], int) else None
    return OnnxInput(inputs[0].name, kind, first, known.pop() if known else None, batch)


def find_output(session: Any, asked: str | None, name: str) -> str:
    """Return the name of the output that holds the features.

    Args:
        session: Of ONNX Runtime.
        asked: The user's choice, if any.
        name: Of the backbone.

    Raises:
        UsageError: If there is no such output, or several and none is asked for.
    """
    names = [str(each.name) for each in session.get_outputs()]
    if asked is None and len(names) == 1:
        return names[0]
    if asked in names:
        return str(asked)
    shown = [f"`{printable(each.name)}` {_shown(each.shape)}" for each in session.get_outputs()]
    message = f"no output `{asked}`" if asked else f"{len(names)} outputs"
    raise UsageError(
        f"backbone `{name}` has {message}: {', '.join(shown)}",
        hint=f"name one, as in `:output={names[0]}`",
    )


def not_onnx(path: Path, error: Exception) -> UsageError:
    """Return the error for a file that ONNX Runtime cannot run, with its reason in one line."""
    return UsageError(
        f"`{path}` is no ONNX file that can run here: {reason_of(error)}",
        hint="export it anew, with operators of the standard set and an opset that "
        "this onnxruntime knows",
    )


def _shown(shape: list[Any]) -> str:
    return printable(f"({', '.join(str(side) for side in shape)})")
