"""Settings of an engine as a user writes them: names and values."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import UsageError


class Settings:
    """Settings that are taken one by one; what nobody takes is unknown.

    Args:
        pairs: Names and values.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._left = dict(pairs)

    def word(self, name: str, default: str) -> str:
        """Accept a string."""
        return self._left.pop(name, default)

    def number(self, name: str, default: float, *, least: float = 1) -> int:
        """Take a whole number.

        Raises:
            UsageError: If it is none, or too small.
        """
        text = self._left.pop(name, str(int(default)))
        if not text.isdigit() or int(text) < least:
            raise UsageError(
                f"setting `{name}` is `{text}`", hint=f"it is a whole number from {least:g} on"
            )
        return int(text)

    def rest(self) -> dict[str, int | str]:
        """Take all others; digits become numbers."""
        left, self._left = self._left, {}
        return {name: int(v) if v.isdigit() else v for name, v in left.items()}

    def nothing_more(self, known: str) -> None:
        """Refuse what nobody took.

        Raises:
            UsageError: If there is anything.
        """
        if self._left:
            raise UsageError(f"unknown setting `{next(iter(self._left))}`", hint=known)
