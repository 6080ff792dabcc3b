"""Models on the Hugging Face hub: names such as ``hf:ORG/NAME@REVISION``, fetched and pushed."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chainpipe.distribution import DISTRIBUTION, installed_version
from chainpipe.pipeline.errors import NotFoundError, StorageError, UsageError

from .folder import CONFIG, WEIGHTS

ResultT = TypeVar("ResultT")

SCHEME = "hf:"
FILES = (CONFIG, WEIGHTS, "README.md", "quality.json", "history.csv", "curves.png")
_NAME = re.compile(r"(?:hf:)?(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(?:@(?P<revision>[\w][\w./-]*))?")
_REACHED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class HubName:
    """A model on the hub.

    Attributes:
        repo: ``ORG/NAME``.
        revision: Branch, tag or commit; ``None`` for the newest.
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo}" + (f"@{self.revision}" if self.revision else "")


def is_hub_name(name: str) -> bool:
    """Return whether a model is named on the hub; ``./hf:x`` is a folder of this name.

    >>> is_hub_name("hf:someone/codes"), is_hub_name("models/a")
    (True, False)
    """
    return name.startswith(SCHEME)


def is_hub_folder(folder: Path) -> bool:
    """Return whether a folder is part of the hub's cache, where nothing may be written.

    >>> is_hub_folder(Path("hub/models--someone--codes/snapshots/0123abc"))
    True
    """
    above = folder.absolute().parent
    return above.name == "snapshots" and above.parent.name.startswith("models--")


def parse_hub_name(name: str, revision: str | None = None) -> HubName:
    """Return the parts of ``ORG/NAME``, ``hf:ORG/NAME`` or one of these with ``@REVISION``.

    Args:
        name: The name.
        revision: Branch, tag or commit, where the name has none.

    Raises:
        UsageError: If it is no such name, or has two revisions.

    Example:
        >>> parse_hub_name("hf:someone/codes@v1")
        HubName(repo='someone/codes', revision='v1')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        hint = f"such as `{SCHEME}ORG/NAME` or `{SCHEME}ORG/NAME@REVISION`"
        raise UsageError(f"`{name}` is no model on the hub", hint=hint)
    if found["revision"] and revision and found["revision"] != revision:
        raise UsageError(f"`{name}` and the revision `{revision}` differ", hint="give one of them")
    return HubName(found["repo"], found["revision"] or revision)


def fetch_model(name: HubName, *, token: str | None = None) -> Path:
    """Return the folder of a model in the hub's cache; what is not there is downloaded.

    Only the files of a model folder are fetched. Nothing in that folder may be changed.

    Args:
        name: The model.
        token: Access token; by default the one that ``hf auth login`` stored.

    Raises:
        NotFoundError: If the hub has no such model, or it is neither in the cache nor to be
            fetched.
    """
    from huggingface_hub import snapshot_download

    offline = not _is_hub_reachable()

    def download() -> str:
        return snapshot_download(
            name.repo,
            revision=name.revision,
            allow_patterns=list(FILES),
            token=token,
            library_name=DISTRIBUTION,
            library_version=installed_version(),
            local_files_only=offline,
        )

    folder = Path(_hub_errors(download, name, offline=offline))
    if not (folder / CONFIG).is_file():
        hint = "`chainpipe` models have a `config.json` and a `model.safetensors`"
        raise NotFoundError(f"`{name}` is not a chainpipe model", hint=hint)
    return folder


def push_folder(
    folder: Path, name: HubName, *, private: bool, token: str | None, message: str
) -> str:
    """Upload a model folder in one commit; a repository is made where there is none.

    Args:
        folder: Has only files that others may see.
        name: The repository; its revision is the branch.
        private: Whether a new repository is private.
        token: Access token; by default the one that ``hf auth login`` stored.
        message: Of the commit.

    Returns:
        The address of the commit.

    Raises:
        UsageError: If the token is missing or may not write there.
        StorageError: If the hub is not reachable.
    """
    from huggingface_hub import HfApi

    if not _is_hub_reachable():
        raise _unreachable(name)
    api = HfApi(token=token, library_name=DISTRIBUTION, library_version=installed_version())

    def upload() -> str:
        api.create_repo(name.repo, private=private, exist_ok=True)
        if name.revision:
            api.create_branch(name.repo, branch=name.revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=name.repo,
            folder_path=folder,
            revision=name.revision,
            commit_message=message,
            allow_patterns=list(FILES),
        )
        return str(commit.commit_url)

    return _hub_errors(upload, name, offline=False, writing=True)


def _hub_errors(
    run: Callable[[], ResultT], name: HubName, *, offline: bool, writing: bool = False
) -> ResultT:
    """Call the hub's client; whatever it raises becomes one of our errors."""
    from huggingface_hub import errors

    try:
        return run()
    except errors.RevisionNotFoundError as error:
        hint = "name a branch, a tag or a commit of it"
        raise NotFoundError(f"`{name.repo}` has no `{name.revision}`", hint=hint) from error
    except (errors.RepositoryNotFoundError, errors.GatedRepoError) as error:
        if writing:
            raise _not_allowed(name) from error
        hint = "check the name; a private one needs `hf auth login` or the variable HF_TOKEN"
        raise NotFoundError(f"the hub shows no model `{name.repo}`", hint=hint) from error
    except errors.LocalTokenNotFoundError as error:
        raise _not_allowed(name) from error
    except errors.LocalEntryNotFoundError as error:
        raise (_not_cached(name) if offline else _unreachable(name)) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        if writing and status in (401, 403):
            raise _not_allowed(name) from error
        first = str(error).strip().splitlines()[0]
        raise StorageError(f"the hub refused `{name}`: {first}", hint="try again later") from error
    except errors.HFValidationError as error:
        raise UsageError(f"`{name}` is no name on the hub", hint=str(error)) from error
    except (OSError, _transport_error()) as error:
        raise _unreachable(name) from error


def _transport_error() -> type[Exception]:
    """Return the errors of the client's HTTP library, whichever it is."""
    from huggingface_hub import errors

    found: type[Exception] = getattr(errors, "HTTPError", OSError)
    return found


def _not_allowed(name: HubName) -> UsageError:
    hint = "log in by `hf auth login`, or set HF_TOKEN to a token that may write there"
    return UsageError(f"the hub does not let you write to `{name.repo}`", hint=hint)


def _not_cached(name: HubName) -> NotFoundError:
    hint = (
        f"with network it is fetched once; without, run `hf download {name.repo}` on a machine "
        "that has it, copy the folder here and name the folder"
    )
    return NotFoundError(f"`{name}` is not on this machine and the hub is not reachable", hint=hint)


def _unreachable(name: HubName) -> StorageError:
    hint = "check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
    return StorageError(f"the hub is not reachable for `{name}`", hint=hint)


def _is_hub_reachable() -> bool:
    """Return whether the hub answers: without network its client tries again for a long time."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_REACHED_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
