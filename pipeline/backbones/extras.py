"""Packages that a backbone needs and that are installed on request only."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import missing_package


def require_package(package: str, extra: str, name: str) -> None:
    """Check that a backbone's package is installed, without importing it.

    Args:
        package: The module's name.
        extra: The extra that installs it.
        name: Of the backbone.

    Raises:
        UsageError: If it is not installed.
    """
    if find_spec(package) is None:
        raise missing_package(f"backbone `{name}`", package, extra=extra)
