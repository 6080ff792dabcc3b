"""Files of models on the Hugging Face hub: from its cache, or fetched once."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError

_SAFE = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
_PICKLED = ("*.bin",)
_OTHERS = ("onnx/*", "openvino/*", "*.fp16.*", "*/.cache/*")  # of no use to torch


def skip_a_hub_out_of_reach() -> None:
    """Check once whether the hub is reachable: without network its client retries for a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError:
        return  # it is reachable
    except OSError:
        constants.HF_HUB_OFFLINE = True  # what is in the hub's cache still loads


def hub_file(repository: str, filenames: Sequence[str], *, name: str, hint: str) -> Path:
    """Return a file of a repository, from the hub's cache or fetched once.

    Args:
        repository: ``ORG/NAME``.
        filenames: The first of these that the repository has is taken.
        name: Of the backbone; the error says it.
        hint: What to do without network.

    Raises:
        UsageError: If none is in the cache or to be fetched.
    """
    from huggingface_hub import hf_hub_download

    skip_a_hub_out_of_reach()
    failure: Exception | None = None
    for filename in filenames:
        try:
            return Path(hf_hub_download(repository, filename))
        except Exception as error:  # the hub raises a dozen kinds of its own
            failure = failure or error
    raise _not_here(name, hint) from failure


def model_folder(place: str, *, name: str, trusted: bool) -> Path:
    """Return the folder of a saved model: a local one, or the snapshot of a hub repository.

    Args:
        place: A folder, or ``ORG/NAME``.
        name: Of the backbone; the error says it.
        trusted: Whether pickled weights may be fetched, too.

    Raises:
        UsageError: If there is no such folder, and no such repository in the cache or to be
            fetched.
    """
    folder = Path(place)
    if folder.is_dir():
        return folder.resolve()
    hint = (
        f"name a folder that holds the model; or `hf download {place}` fetches it where there is "
        "network, and `HF_HUB_OFFLINE=1` keeps to what is in the hub's cache"
    )
    if folder.is_absolute() or place.count("/") > 1 or place.startswith("."):
        raise UsageError(f"backbone `{name}`: there is no folder `{place}`", hint=hint)
    from huggingface_hub import snapshot_download

    skip_a_hub_out_of_reach()
    patterns = [*_SAFE, *_PICKLED] if trusted else [*_SAFE]
    try:
        return Path(snapshot_download(place, allow_patterns=patterns, ignore_patterns=[*_OTHERS]))
    except Exception as error:  # the hub raises a dozen kinds of its own
        raise _not_here(name, hint) from error


def _not_here(name: str, hint: str) -> UsageError:
    message = f"the weights of `{name}` are neither on this machine nor to be fetched"
    return UsageError(message, hint=hint)
