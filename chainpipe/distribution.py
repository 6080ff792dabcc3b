"""Distribution name, installed version and extras."""

from __future__ import annotations

DISTRIBUTION = "chainpipe-video"  # `chainpipe` on the package index is another project


def installed_version() -> str:
    """Return the installed version, or ``unknown`` in a bare checkout."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def extra_hint(extra: str) -> str:
    """Return the command that installs an extra.

    >>> extra_hint("ray")
    "pip install 'chainpipe-video[ray]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
