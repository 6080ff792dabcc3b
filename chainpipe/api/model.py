"""Trained models: load, save and encode."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.config.overrides import flatten
from chainpipe.hashing.methods.registry import build_hasher, check_method, check_plugins
from chainpipe.hashing.model_folder.folder import (
    ModelFacts,
    Tensors,
    check_fingerprint,
    read_facts,
    read_tensors,
    save_model,
)
from chainpipe.hashing.model_folder.hub import (
    fetch_model,
    is_hub_name,
    parse_hub_name,
    push_folder,
)
from chainpipe.hashing.model_folder.public_copy import public_extras, public_facts
from chainpipe.hashing.models.hasher import Hasher
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.encode import encode_store, encode_with_values
from chainpipe.hashing.runs.resume import finished
from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.store.arrays.sources import Features
from chainpipe.pipeline.store.arrays.store import BACKBONE
from chainpipe.pipeline.store.base import FeatureStore

from .store import Store, reading

Progress = Callable[[int, int], None]
EXTRAS = ("README.md", "quality.json", "history.csv", "curves.png")


class Model:
    """A trained model: encodes frame features (N, T, D) to codes of K bits.

    Returned by :func:`train` and :func:`load_model`.

    Example:
        >>> import chainpipe, numpy as np
        >>> features = np.random.default_rng(0).normal(size=(40, 5, 16))
        >>> model = chainpipe.train(features, bits=8, method="lsh")
        >>> model
        Model(lsh, 8 bits, 16 features per frame)
        >>> model.encode(np.zeros((3, 7, 16))).packed.shape
        (3, 1)
    """

    def __init__(
        self, facts: ModelFacts, tensors: Tensors, extras: Mapping[str, bytes] | None = None
    ) -> None:
        self._facts, self._tensors, self._extras = facts, tensors, dict(extras or {})
        self._hasher = build_hasher(facts, tensors)

    @property
    def facts(self) -> ModelFacts:
        """Metadata: input features, training data, versions, SHA-256 of the weights."""
        return self._facts

    @property
    def hasher(self) -> Hasher:
        """The internal hasher: frame features (B, T, D) to bits (B, K)."""
        return self._hasher

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self._facts.bits

    @property
    def method(self) -> str:
        """Name of the method, such as ``chain``."""
        return self._facts.method

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return self._facts.seed

    @property
    def dim(self) -> int:
        """D, feature dimensions of a frame."""
        return self._facts.fingerprint.dim

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config by ``section.key``, as ``train(store, config=...)`` accepts it."""
        return dict(flatten(self._facts.config))

    @property
    def history(self) -> list[dict[str, float]]:
        """Metrics of each epoch, or of each distillation step; empty for a baseline."""
        lines = self._extras.get("history.csv", b"").decode().splitlines()
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(lines)
        ]

    def encode(self, features: Store | Features, *, progress: Progress | None = None) -> Codes:
        """Encode videos of any length to binary codes, (N, K) bits.

        Args:
            features: A store, the path of one, or an array [N, T, D], or [N, D] for one frame per
                video. An array must contain features of the model's backbone; for a store this is
                checked.
            progress: Called with the number of videos done and N.

        Returns:
            The codes, in row order.

        Raises:
            UsageError: If D or the number of axes is another, a store is of another backbone, or
                a feature is NaN or infinite.
            NotFoundError: If there is no such store.
            DamageError: If the store is damaged.

        Example:
            >>> import chainpipe, numpy as np
            >>> features = np.random.default_rng(0).normal(size=(40, 16))
            >>> model = chainpipe.train(features, bits=8, method="lsh")
            >>> model.encode(np.zeros((3, 16)))
            Codes(3 videos x 8 bits)
            >>> try:
            ...     model.encode(np.zeros((3, 5)))
            ... except chainpipe.UsageError as error:
            ...     print(error)
            the features are [3, 5], not [N, T, 16] or [N, 16]
        """
        with reading(features, dim=self.dim) as store:
            self._check(store)
            advance = _counting(progress, len(store.videos))
            return encode_store(store, self._facts, self._hasher, progress=advance)

    def values(
        self, features: Store | Features, *, progress: Progress | None = None
    ) -> npt.NDArray[np.float32]:
        """Compute the values before binarization, (N, K): a bit is 1 where its value is >= 0.

        They are the queries of the asymmetric distance; see :func:`evaluate`.

        Args:
            features: As for :meth:`encode`.
            progress: Called with the number of videos done and N.

        Returns:
            (N, K) float32, in row order. Random codes give -1 and 1.

        Raises:
            UsageError: As :meth:`encode` raises it, or if the method's hasher gives no values.
            NotFoundError: If there is no such store.
            DamageError: If the store is damaged.

        Example:
            >>> import chainpipe, numpy as np
            >>> features = np.random.default_rng(0).normal(size=(40, 16))
            >>> model = chainpipe.train(features, bits=8, method="lsh")
            >>> bool(((model.values(features) >= 0) == model.encode(features).numpy()).all())
            True
        """
        with reading(features, dim=self.dim) as store:
            self._check(store)
            advance = _counting(progress, len(store.videos))
            return encode_with_values(
                store, self._facts, self._hasher, values=True, progress=advance
            ).values

    def _check(self, store: FeatureStore) -> None:
        """Check D, and for stores the fingerprint; arrays have no fingerprint."""
        n, t, d = store.shape
        if d != self.dim:
            raise UsageError(
                f"the features are [{n}, {t}, {d}], but the model reads [N, T, {self.dim}]",
                hint="use features of the backbone that the model was trained on",
            )
        if store.meta.fingerprint.backbone != BACKBONE:
            check_fingerprint(self._facts, store.meta.fingerprint)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model folder, with its card, atomically; an existing model is replaced.

        Raises:
            UsageError: If the folder contains something else than a model.
            StorageError: If the folder cannot be written.

        Example:
            >>> import chainpipe, numpy as np, tempfile
            >>> features = np.random.default_rng(0).normal(size=(40, 16))
            >>> model = chainpipe.train(features, bits=8, method="lsh")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save(f"{folder}/model")
            ...     chainpipe.load_model(f"{folder}/model").bits
            8
        """
        folder = Path(path)
        finished(folder)
        self._facts = save_model(folder, self._facts, self._tensors, self._extras)

    def save_pretrained(self, folder: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write the model folder as others may have it: it names no path of this machine.

        Weights, config and card are those of :meth:`save`, without the place of the store, the
        folders of plug-ins and weights, and the checksums of single training videos. The card's
        front matter has a ``model-index`` of what ``chainpipe eval`` measured, and nothing else.

        Args:
            folder: The model folder; an existing model is replaced.
            name: ``ORG/NAME`` on the hub, for the card; the folder's name by default.

        Raises:
            UsageError: If the folder contains something else than a model, or ``name`` is no name.
            StorageError: If the folder cannot be written.

        Example:
            >>> import chainpipe, numpy as np, tempfile
            >>> features = np.random.default_rng(0).normal(size=(40, 16))
            >>> model = chainpipe.train(features, bits=8, method="lsh")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save_pretrained(f"{folder}/model")
            ...     chainpipe.Model.from_pretrained(f"{folder}/model").facts.store
            ''
        """
        target = Path(folder)
        title = target.absolute().name if name is None else parse_hub_name(name).repo
        source = str(folder) if name is None else str(parse_hub_name(name))
        finished(target)
        extras = public_extras(self._facts, self._extras, name=title, source=source)
        save_model(target, public_facts(self._facts), self._tensors, extras)

    def push_to_hub(
        self,
        name: str,
        *,
        revision: str | None = None,
        private: bool = True,
        token: str | None = None,
        message: str = "Add model",
    ) -> str:
        """Upload what :meth:`save_pretrained` writes to the Hugging Face hub, in one commit.

        Args:
            name: ``ORG/NAME``; the repository is made if there is none.
            revision: Branch; ``main`` by default.
            private: Whether a new repository is private.
            token: Access token; by default the one that ``hf auth login`` stored.
            message: Of the commit.

        Returns:
            The address of the commit.

        Raises:
            UsageError: If ``name`` is no name, or the token is missing or may not write there.
            StorageError: If the hub is not reachable.

        Example:
            >>> import chainpipe
            >>> model = chainpipe.load_model("models/feats-chain-32")  # doctest: +SKIP
            >>> model.push_to_hub("someone/holiday-codes")  # doctest: +SKIP
            'https://huggingface.co/someone/holiday-codes/commit/0123abc...'
        """
        target = parse_hub_name(name, revision)
        with tempfile.TemporaryDirectory(prefix="chainpipe-") as scratch:
            folder = Path(scratch) / "model"
            self.save_pretrained(folder, name=target.repo)
            return push_folder(folder, target, private=private, token=token, message=message)

    @classmethod
    def from_pretrained(
        cls, name: str | os.PathLike[str], *, revision: str | None = None, token: str | None = None
    ) -> Model:
        """Load a model folder, or a model on the Hugging Face hub.

        The hub's files are kept in its cache; with ``HF_HUB_OFFLINE=1`` nothing else is read. The
        weights are safetensors and checked by their SHA-256; no pickle is read, no code is run.

        Args:
            name: A folder, ``ORG/NAME`` or ``hf:ORG/NAME@REVISION``.
            revision: Branch, tag or commit on the hub.
            token: Access token of a private model.

        Raises:
            NotFoundError: If there is no such model, or it is not in the cache and the hub is not
                reachable.
            DamageError: If it is truncated or altered.
            UsageError: If ``name`` is neither a folder nor a name on the hub, or as
                :func:`load_model`.

        Example:
            >>> import chainpipe
            >>> chainpipe.Model.from_pretrained("someone/codes")  # doctest: +SKIP
            Model(chain, 32 bits, 1280 features per frame)
            >>> try:
            ...     chainpipe.Model.from_pretrained("no such name")
            ... except chainpipe.UsageError as error:
            ...     print(error)
            `no such name` is no model on the hub
        """
        if Path(name).is_dir() and not is_hub_name(os.fspath(name)):
            if revision is not None:
                hint = "leave out `revision`"
                raise UsageError(f"the folder `{name}` has no revisions", hint=hint)
            return load_model(name)
        return load_model(fetch_model(parse_hub_name(os.fspath(name), revision), token=token))

    def __repr__(self) -> str:
        return f"Model({self.method}, {self.bits} bits, {self.dim} features per frame)"


def _counting(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Return a callback that adds up the videos done and calls ``progress(done, total)``."""
    done = 0

    def advance(videos: int) -> None:
        nonlocal done
        done += videos
        if progress is not None:
            progress(done, total)

    return advance


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load a model folder that ``train`` or :meth:`Model.save` wrote, or a model on the hub.

    Args:
        path: A folder, or ``hf:ORG/NAME`` with or without ``@REVISION``; see
            :meth:`Model.from_pretrained`.

    Raises:
        NotFoundError: If there is no finished model.
        DamageError: If it is truncated or altered.
        UsageError: If a later version wrote it, or its method is not registered.

    Example:
        >>> import chainpipe
        >>> model = chainpipe.load_model("models/feats-chain-32")  # doctest: +SKIP
        >>> try:
        ...     chainpipe.load_model("no-such-folder")
        ... except chainpipe.NotFoundError as error:
        ...     print(error, "|", error.hint)
        no model in `no-such-folder` | `chainpipe train STORE` makes one
    """
    if is_hub_name(os.fspath(path)):
        return Model.from_pretrained(path)
    folder = Path(path)
    facts, tensors = read_facts(folder), read_tensors(folder)
    check_plugins(facts)
    check_method(facts.method, facts.bits)
    extras = {name: (folder / name).read_bytes() for name in EXTRAS if (folder / name).is_file()}
    try:
        return Model(facts, tensors, extras)
    except (KeyError, RuntimeError, ValueError) as error:  # tensors of another network
        hint = "train it again"
        raise DamageError(f"the tensors in `{folder}` do not fit its config", hint=hint) from error
