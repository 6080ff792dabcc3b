"""Ways to harm a file's bytes, each reproducible from a number."""

from __future__ import annotations

import random

SECTOR = 4096  # what a disk loses at a time


def damage(data: bytes, choice: random.Random, *, unit: int = SECTOR) -> tuple[str, bytes]:
    """Return a file that lost one to four units of its middle, and how it did.

    The first and the last tenth stay: without its header, or its index, a file is no longer one
    with a damaged middle.
    """
    low, high = len(data) // 10 // unit + 1, len(data) * 9 // 10 // unit
    units = choice.choice((1, 2, 4))
    first, size = choice.randrange(low, high - units) * unit, units * unit
    how = choice.choice(("noise", "zeros", "earlier bytes", "dropped"))
    lost = {
        "noise": choice.randbytes(size),
        "zeros": bytes(size),
        "earlier bytes": (data[first - unit : first] * units),
        "dropped": b"",
    }[how]
    return how, data[:first] + lost + data[first + size :]


def mutate(data: bytes, choice: random.Random) -> bytes:
    """Return a file with a few changes of the kinds that find faults in parsers."""
    found = bytearray(data)
    for _ in range(choice.choice((1, 2, 4, 16, 64))):
        if len(found) < 64:
            break
        _change(found, choice)
    return bytes(found)


def _change(found: bytearray, choice: random.Random) -> None:
    # Half of the changes hit the first kilobytes, where the headers are.
    reach = len(found) if choice.random() < 0.5 else min(len(found), 4096)
    at = choice.randrange(reach - 8)
    what = choice.randrange(6)
    if what == 0:
        found[at] ^= 1 << choice.randrange(8)
    elif what == 1:
        found[at] = choice.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif what == 2:
        found[at : at + 4] = choice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 24)).to_bytes(
            4, "big"
        )
    elif what == 3:
        del found[at : at + choice.choice((1, 4, 64, 1024))]
    elif what == 4:
        start = choice.randrange(len(found) - 8)
        found[at:at] = found[start : start + choice.choice((4, 64, 1024))]
    else:
        del found[choice.randrange(len(found) // 2, len(found)) :]
