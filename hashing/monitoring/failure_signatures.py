"""Failure signatures: what went wrong in a training run, told by its history alone.

The paper names them in words: codes that do not discriminate, and overfitting to the augmentations
or to the pretext tasks. Every number here is ours [I].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..config.losses import LOSSES

HistoryRow = dict[str, float]
Rule = Callable[[Sequence[HistoryRow]], str]

LEAST_ENTROPY = 0.5  # of the mean bit
MOST_DEAD = 0.25  # share of bits that hardly ever change
MOST_CORRELATION = 0.6  # of the mean pair of bits
HIGH_ORDER = 0.25  # of the way from chance to knowing every place
SAME_VIEWS = 0.9  # mean cosine of two views, where half of them are found
FOUND_VIEWS = 0.95  # share of views whose other view is nearest
WORSE = 0.15  # share of the best value that is lost
BETTER = 0.05  # what a share must gain, or lose, to count
APART = 0.05  # share by which a held-out loss rises, or a training loss falls, to count
CARRIED = 0.1  # of what a task gains in training, on held-out videos


@dataclass(frozen=True, slots=True)
class FailureSignature:
    """A failure signature that was found.

    Attributes:
        name: Which.
        since: Epoch of the look that confirmed it.
        evidence: The numbers that show it.
        until: Epoch of the last look that found it, if a later one did not; else ``None``.
    """

    name: str
    since: int
    evidence: str
    until: int | None = None

    def __str__(self) -> str:
        gone = "" if self.until is None else f" to epoch {self.until}, gone at the end"
        return f"{self.name} (from epoch {self.since}{gone}): {self.evidence}"


def failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return the signatures that the latest look at the held-out videos shows.

    One look may be chance: a signature counts when the look before shows it, too.

    Args:
        history: Rows as the trainer writes them; only those with ``held_`` numbers count.
    """
    return [found for found in all_failure_signatures(history) if found.until is None]


def new_failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return the signatures that the last row is the first to show."""
    latest = history[-1]["epoch"] if history else -1
    return [found for found in failure_signatures(history) if found.since == latest]


def all_failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return every signature that was ever found, with what became of it."""
    looks = [row for row in history if "val_bit_entropy" in row]
    found = (_last_stretch(name, rule, looks) for name, rule in RULES.items())
    return [signature for signature in found if signature is not None]


def _last_stretch(name: str, rule: Rule, looks: Sequence[HistoryRow]) -> FailureSignature | None:
    """Return the last unbroken stretch of looks that show a signature."""
    shown = [""] + [rule(looks[: end + 1]) for end in range(1, len(looks))]  # none at the start
    confirmed = [i for i in range(1, len(looks)) if shown[i] and shown[i - 1]]
    if not confirmed:
        return None
    last = first = confirmed[-1]
    while first - 1 in confirmed:
        first -= 1
    until = None if last == len(looks) - 1 else int(looks[last]["epoch"])
    return FailureSignature(name, int(looks[first]["epoch"]), shown[last], until)


def collapsed(looks: Sequence[HistoryRow]) -> str:
    """Return what shows that bits stand still or say the same, or ``""``."""
    now = looks[-1]
    said = []
    if now["val_bit_entropy"] < LEAST_ENTROPY:
        said.append(f"a bit has {now['val_bit_entropy']:.2f} bits of entropy on average")
    if now["val_dead_bits"] > MOST_DEAD:
        said.append(f"{now['val_dead_bits']:.0%} of the bits hardly ever change")
    if now["val_bit_correlation"] > MOST_CORRELATION:
        said.append(f"two bits correlate by {now['val_bit_correlation']:.2f} on average")
    return ", ".join(said)


def order_alone(looks: Sequence[HistoryRow]) -> str:
    """Return what shows that frame order is learned at the cost of neighbours, or ``""``."""
    now = looks[-1]
    accuracy, chance = now.get("val_order_accuracy", 0.0), now.get("val_order_chance", 1.0)
    worse = neighbours_lost(looks)
    if not worse or accuracy < chance + HIGH_ORDER * (1 - chance):
        return ""
    return f"order accuracy {accuracy:.2f} (chance {chance:.2f}), but {worse}"


def easy_views(looks: Sequence[HistoryRow]) -> str:
    """Return what shows that telling views apart was never a task, or ``""``."""
    first, now = looks[0], looks[-1]
    if "val_positive_cosine" not in now or _better(first, now):
        return ""
    after = looks[1:]
    same = min(look["val_positive_cosine"] for look in after)
    found = min(look["val_contrastive_accuracy"] for look in after)
    if found < (0.5 if same >= SAME_VIEWS else FOUND_VIEWS):
        return ""
    return (
        f"since the first look, views agree by {same:.2f} or more and {found:.0%} or more find "
        f"their video, and codes are no better than before training"
    )


def overfitting(looks: Sequence[HistoryRow]) -> str:
    """Return which tasks get better on the videos trained on and worse on others, or ``""``."""
    names = (*LOSSES.names(), "rebuilding")
    tasks = [task for task in names if task in looks[-1] and f"val_{task}" in looks[-1]]
    rising = [text for task in tasks if (text := _rising(task, looks[1:]))]
    return "; ".join(rising) or _useless(tasks, looks)


def _useless(tasks: Sequence[str], looks: Sequence[HistoryRow]) -> str:
    """Return which tasks got better on the videos trained on alone, at the cost of neighbours."""
    first, now, worse = looks[1], looks[-1], neighbours_lost(looks)
    for task in tasks:
        gain, held_gain = first[task] - now[task], first[f"val_{task}"] - now[f"val_{task}"]
        if worse and gain > APART * first[task] and held_gain < CARRIED * gain:
            return (
                f"since epoch {first['epoch']:.0f} {task} {first[task]:.3g} to {now[task]:.3g} in "
                f"training, held out {first[f'val_{task}']:.3g} to {now[f'val_{task}']:.3g}; "
                f"{worse}"
            )
    return ""


def _rising(task: str, looks: Sequence[HistoryRow]) -> str:
    """Return how a task got worse on held-out videos while its training loss fell, or ``""``.

    The held-out loss alone may rise because codes of like videos gather: that is no failure.
    """
    held = f"val_{task}"
    now, best = looks[-1], min(looks, key=lambda look: look[held])
    if now[held] <= (1 + APART) * best[held] or now[task] >= best[task]:
        return ""
    kept, found = (f"val_{name}" for name in ("neighbours_kept", "halves_found"))
    if now[kept] >= (1 - WORSE) * best[kept] and now[found] >= best[found] - BETTER:
        return ""
    return (
        f"since epoch {best['epoch']:.0f} {task} {best[task]:.3g} to {now[task]:.3g} in training, "
        f"but held out {best[held]:.3g} to {now[held]:.3g}, neighbours kept {best[kept]:.2f} to "
        f"{now[kept]:.2f}, halves found {best[found]:.2f} to {now[found]:.2f}"
    )


def neighbours_lost(looks: Sequence[HistoryRow]) -> str:
    """Return how the codes' neighbours got worse since they were best, or ``""``.

    Leaving the features' own neighbours is no failure while the halves of a video find each other
    better: then the codes learn what the features do not say.
    """
    now, best = looks[-1], max(looks, key=lambda look: look["val_neighbours_kept"])
    kept, before = now["val_neighbours_kept"], best["val_neighbours_kept"]
    found, earlier = now["val_halves_found"], best["val_halves_found"]
    if kept >= (1 - WORSE) * before or found > earlier + BETTER:
        return ""
    return (
        f"since epoch {best['epoch']:.0f} neighbours kept {before:.2f} to {kept:.2f}, "
        f"halves found {earlier:.2f} to {found:.2f}"
    )


def _better(first: HistoryRow, now: HistoryRow) -> bool:
    """Return whether codes are better than before, one measure balanced against the other."""
    names = ("val_neighbours_kept", "val_halves_found")
    return sum(now[name] - first[name] for name in names) > BETTER


RULES: dict[str, Rule] = {
    "collapsed bits": collapsed,
    "order without neighbours": order_alone,
    "views too easy": easy_views,
    "overfitting": overfitting,
}
