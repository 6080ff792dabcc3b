"""``chainpipe verify``: stores are checked by stage one, codes files by stage two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainpipe.hashing.retrieval.codes import HINT, read_codes
from chainpipe.hashing.retrieval.safe_npz import MAGIC
from chainpipe.pipeline.cli.stores import Json
from chainpipe.pipeline.cli.stores import verify as verify_store
from chainpipe.pipeline.cli.verified import tell_verified
from chainpipe.pipeline.console import Console, printable
from chainpipe.pipeline.errors import DamageError, NotFoundError

CHECKED = "`verify` checks feature stores (`.h5`, `.zarr`) and codes files (`.npz`)"


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A `.h5` or `.zarr` store, or a codes file.")
    ],
    as_json: Json = False,
) -> None:
    """Check every byte of a feature store or a codes file; exit with 4 if any is damaged.

    Examples: chainpipe verify feats.h5 · chainpipe verify models/feats-chain-32/codes.npz
    """
    if _is_codes(path):
        _verify_codes(path, as_json=as_json)
        return
    try:
        verify_store(path, as_json)
    except NotFoundError as error:
        if not path.exists():
            raise
        message = f"`{printable(path)}` is neither a feature store nor a codes file"
        hint = f"{CHECKED}; {error.hint}" if error.hint else CHECKED
        raise NotFoundError(message, hint=hint) from error


def _is_codes(path: Path) -> bool:
    if path.suffix == ".npz":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:  # a folder, or nothing that is there
        return False


def _verify_codes(path: Path, *, as_json: bool) -> None:
    damage, count = list[str](), None
    try:
        with Console().progress("read every byte", None):
            count = len(read_codes(path, whole=True))
    except DamageError as error:
        damage = [str(error)]
    tell_verified(path, count=count, noun="code", damage=damage, hint=HINT, as_json=as_json)
