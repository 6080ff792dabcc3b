"""Contents: files of equal bytes are one, which is compared once."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .videos import ComparedVideos


class VideoContents:
    """The different contents of some videos; each is named by the row of its first file.

    Args:
        videos: Of one store, or of two.
        without: Rows that are left out.
    """

    def __init__(self, videos: ComparedVideos, without: Collection[int] = ()) -> None:
        self._videos = videos
        self._rows: dict[int, list[int]] = {}
        self._by_id: dict[str, int] = {}
        for row, video_id in enumerate(map(bytes, videos.ids)):
            if row in without:
                continue
            name = self._by_id.setdefault(video_id.hex(), row)
            self._rows.setdefault(name, []).append(row)

    def __iter__(self) -> Iterator[int]:
        """Yield the names, ascending."""
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, name: int) -> list[int]:
        """Return the rows of all files of a content, ascending."""
        return self._rows[name]

    def named(self, hex_id: str) -> int | None:
        """Return the name of a content by its SHA-256, or ``None``."""
        return self._by_id.get(hex_id)

    def of_first(self) -> list[int]:
        """Return the names of contents with a file in the first store."""
        return [name for name in self._rows if name < self._videos.first]

    def of_second(self) -> dict[int, int]:
        """Return the first row in the second of two stores of each content there, by name."""
        first = self._videos.first
        inside = ((n, [r for r in rows if r >= first]) for n, rows in self._rows.items())
        return {name: rows[0] for name, rows in inside if rows}

    def counts(self) -> dict[str, int]:
        """Return how many files each content has, by SHA-256."""
        return {hex_id: len(self._rows[name]) for hex_id, name in self._by_id.items()}

    def new_since(self, before: dict[str, int]) -> set[int]:
        """Return the names of contents that have more files than at some time before.

        Args:
            before: What :meth:`counts` returned then.
        """
        return {
            name
            for hex_id, name in self._by_id.items()
            if len(self._rows[name]) > before.get(hex_id, 0)
        }
