"""Milvus' answers in the order (distance, key): it does not say which of equal ones it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..protocol import DatabaseHit
from .errors import PATIENCE
from .schema import SHOWN, hit_of

PAGE = 16_384  # the most answers to one query, by Milvus' limit
MORE = 32  # answers that are asked for beyond k: most ties at the end among them
HELD = 100_000  # answers to one request


def nearest_hits(
    client: Any, collection: str, codes: Sequence[bytes], k: int, *, probes: int
) -> list[list[DatabaseHit]]:
    """Return the k nearest rows of each query, ties by key.

    Args:
        client: A ``pymilvus.MilvusClient``.
        collection: Its name.
        codes: Packed codes.
        k: How many answers, at most :data:`PAGE`.
        probes: Cells that a search looks into; 0 for an exact index.
    """
    limit = min(PAGE, 2 * k + MORE)
    block = max(1, HELD // limit)
    found = []
    for start in range(0, len(codes), block):
        asked = codes[start : start + block]
        answers = _search(client, collection, asked, limit, probes=probes)
        for code, hits in zip(asked, answers, strict=True):
            hits.sort()
            if len(hits) == limit and hits[k - 1].distance == hits[-1].distance:
                cut = hits[-1].distance
                nearer = [one for one in hits if one.distance < cut]
                at = _at(client, collection, code, cut, k - len(nearer), probes=probes)
                hits = nearer + at
            found.append(hits[:k])
    return found


def _at(
    client: Any,
    collection: str,
    code: bytes,
    distance: int,
    count: int,
    *,
    probes: int,
    key: str = "",
) -> list[DatabaseHit]:
    """Return the first ``count`` rows at a distance by key, among those whose key starts so."""
    (hits,) = _search(client, collection, [code], PAGE, probes=probes, distance=distance, key=key)
    if len(hits) < PAGE:
        return sorted(hits)[:count]
    found: list[DatabaseHit] = []
    for digit in "0123456789abcdef":
        left = count - len(found)
        if left > 0:
            more = key + digit
            found += _at(client, collection, code, distance, left, probes=probes, key=more)
    return found


def _search(
    client: Any,
    collection: str,
    codes: Sequence[bytes],
    limit: int,
    *,
    probes: int,
    distance: int | None = None,
    key: str = "",
) -> list[list[DatabaseHit]]:
    """Search once; ``distance`` and ``key`` narrow down which rows may be answers."""
    params: dict[str, Any] = {"nprobe": probes} if probes else {}
    if distance is not None:
        params |= {"radius": distance + 1, "range_filter": distance}
    found = client.search(
        collection,
        data=list(codes),
        limit=limit,
        filter=f'key like "{key}%"' if key else "",
        output_fields=SHOWN,
        search_params={"metric_type": "HAMMING", "params": params},
        timeout=PATIENCE,
    )
    return [[hit_of(_key(one), one["distance"], one["entity"]) for one in hits] for hits in found]


def _key(hit: Any) -> str:
    """Return the primary key of a hit, which newer and older clients call otherwise."""
    return str(hit["key"] if "key" in hit else hit["id"])
