"""Failure signatures: detect failed training runs from their history.

The paper names them without thresholds: codes that do not discriminate, and overfitting to the
augmentations or to the pretext tasks. Every threshold here is ours [I].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..config.losses import LOSSES

HistoryRow = dict[str, float]
Rule = Callable[[Sequence[HistoryRow]], str]

LEAST_ENTROPY = 0.5  # of the mean bit
MOST_DEAD = 0.25  # fraction of bits with almost no entropy
MOST_CORRELATION = 0.6  # mean absolute correlation of bit pairs
HIGH_ORDER = 0.25  # accuracy above chance level, as a fraction of the range from it to 1
SAME_VIEWS = 0.9  # mean cosine of two views, if the top-1 rate of views is at least 0.5
FOUND_VIEWS = 0.95  # top-1 rate of views
WORSE = 0.15  # relative drop from the best value
BETTER = 0.05  # absolute change of a fraction that is significant
APART = 0.05  # relative rise of a validation loss, or fall of a training loss, that is significant
HALF = 0.5  # of what the codes before training kept
SHARED = 0.1  # relative drop of the fraction of distinct codes
CARRIED = 0.1  # validation gain of a loss, as a fraction of its training gain


@dataclass(frozen=True, slots=True)
class FailureSignature:
    """A failure signature that was found.

    Attributes:
        name: Key of :data:`RULES`.
        since: Epoch of the validation that confirmed it.
        evidence: The values that show it, as text.
        until: Epoch of the last validation that found it, if a later one did not; else ``None``.
    """

    name: str
    since: int
    evidence: str
    until: int | None = None

    def __str__(self) -> str:
        gone = "" if self.until is None else f" to epoch {self.until}, gone at the end"
        return f"{self.name} (from epoch {self.since}{gone}): {self.evidence}"


def failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return the signatures that the latest validation shows.

    A single validation is noisy: a signature counts only if the one before shows it, too.

    Args:
        history: Rows as the trainer writes them; only those with ``val_`` metrics are used.
    """
    return [found for found in all_failure_signatures(history) if found.until is None]


def new_failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return the signatures that are first confirmed by the last row."""
    latest = history[-1]["epoch"] if history else -1
    return [found for found in failure_signatures(history) if found.since == latest]


def all_failure_signatures(history: Sequence[HistoryRow]) -> list[FailureSignature]:
    """Return every signature that was found, including those that disappeared."""
    rows = [row for row in history if "val_bit_entropy" in row]
    found = (_last_stretch(name, rule, rows) for name, rule in RULES.items())
    return [signature for signature in found if signature is not None]


def _last_stretch(name: str, rule: Rule, rows: Sequence[HistoryRow]) -> FailureSignature | None:
    """Return the last run of consecutive validations that show a signature."""
    shown = [""] + [rule(rows[: end + 1]) for end in range(1, len(rows))]  # none at the start
    confirmed = [i for i in range(1, len(rows)) if shown[i] and shown[i - 1]]
    if not confirmed:
        return None
    last = first = confirmed[-1]
    while first - 1 in confirmed:
        first -= 1
    until = None if last == len(rows) - 1 else int(rows[last]["epoch"])
    return FailureSignature(name, int(rows[first]["epoch"]), shown[last], until)


def collapsed(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that bits are constant or redundant, or ``""``."""
    now = rows[-1]
    said = []
    if now["val_bit_entropy"] < LEAST_ENTROPY:
        said.append(f"a bit has {now['val_bit_entropy']:.2f} bits of entropy on average")
    if now["val_dead_bits"] > MOST_DEAD:
        said.append(f"{now['val_dead_bits']:.0%} of the bits hardly ever change")
    if now["val_bit_correlation"] > MOST_CORRELATION:
        said.append(f"two bits correlate by {now['val_bit_correlation']:.2f} on average")
    return ", ".join(said)


def order_alone(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that frame order is learned at the cost of neighbours, or ``""``."""
    now = rows[-1]
    accuracy, chance = now.get("val_order_accuracy", 0.0), now.get("val_order_chance", 1.0)
    worse = neighbours_lost(rows)
    if not worse or accuracy < chance + HIGH_ORDER * (1 - chance):
        return ""
    return f"order accuracy {accuracy:.2f} (chance {chance:.2f}), but {worse}"


def easy_views(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that the views are too easy to match, or ``""``."""
    first, now = rows[0], rows[-1]
    if "val_positive_cosine" not in now or _better(first, now):
        return ""
    after = rows[1:]
    same = min(look["val_positive_cosine"] for look in after)
    found = min(look["val_contrastive_accuracy"] for look in after)
    if found < (0.5 if same >= SAME_VIEWS else FOUND_VIEWS):
        return ""
    return (
        f"since the first look, views agree by {same:.2f} or more and {found:.0%} or more find "
        f"their video, and codes are no better than before training"
    )


def overfitting(rows: Sequence[HistoryRow]) -> str:
    """Return the losses that fall in training and rise in validation, or ``""``."""
    names = (*LOSSES.names(), "rebuilding")
    tasks = [task for task in names if task in rows[-1] and f"val_{task}" in rows[-1]]
    rising = [text for task in tasks if (text := _rising(task, rows[1:]))]
    return "; ".join(rising) or _useless(tasks, rows)


def _useless(tasks: Sequence[str], rows: Sequence[HistoryRow]) -> str:
    """Return the losses that fall in training only, at the cost of neighbours, or ``""``."""
    first, now, worse = rows[1], rows[-1], neighbours_lost(rows)
    for task in tasks:
        gain, held_gain = first[task] - now[task], first[f"val_{task}"] - now[f"val_{task}"]
        if worse and gain > APART * first[task] and held_gain < CARRIED * gain:
            return (
                f"since epoch {first['epoch']:.0f} {task} {first[task]:.3g} to {now[task]:.3g} in "
                f"training, held out {first[f'val_{task}']:.3g} to {now[f'val_{task}']:.3g}; "
                f"{worse}"
            )
    return ""


def _rising(task: str, rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that a validation loss rose while its training loss fell, or ``""``.

    A rise alone is not a failure: it also occurs when codes of similar videos move together.
    """
    held = f"val_{task}"
    now, best = rows[-1], min(rows, key=lambda look: look[held])
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


def neighbours_lost(rows: Sequence[HistoryRow]) -> str:
    """Return the drop of neighbour recall since its best value, or ``""``.

    A drop is not a failure while the halves of a video match more often: then the codes learn
    similarities that the features do not have.
    """
    now, best = rows[-1], max(rows, key=lambda look: look["val_neighbours_kept"])
    kept, before = now["val_neighbours_kept"], best["val_neighbours_kept"]
    found, earlier = now["val_halves_found"], best["val_halves_found"]
    if kept >= (1 - WORSE) * before or found > earlier + BETTER:
        return ""
    return (
        f"since epoch {best['epoch']:.0f} neighbours kept {before:.2f} to {kept:.2f}, "
        f"halves found {earlier:.2f} to {found:.2f}"
    )


def _better(first: HistoryRow, now: HistoryRow) -> bool:
    """Return whether the sum of neighbour recall and half-match rate has improved."""
    names = ("val_neighbours_kept", "val_halves_found")
    return sum(now[name] - first[name] for name in names) > BETTER


def new_content_lost(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that codes fold together what no training video shows, or ``""``.

    Compared with the codes before training, on the held-out region of the content.
    """
    first, now = rows[0], rows[-1]
    if "val_new_kept" not in now:
        return ""
    before, kept = first["val_new_kept"], now["val_new_kept"]
    if kept >= (1 - WORSE) * before:
        return ""
    return f"neighbours of a held-out region kept {before:.2f} before training, {kept:.2f} now"


def shared_codes(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that more videos share a code than before training, or ``""``."""
    before, now = rows[0]["val_distinct_codes"], rows[-1]["val_distinct_codes"]
    if now >= (1 - SHARED) * before:
        return ""
    return f"{before:.0%} of the codes were distinct before training, {now:.0%} now"


def worse_than_start(rows: Sequence[HistoryRow]) -> str:
    """Return the evidence that training only made the codes worse, or ``""``.

    Both must be lower than before training: the neighbours that the codes keep, of the held-out
    region where there is one, and the rate at which a video's halves find each other.
    """
    first, now = rows[0], rows[-1]
    kept = "val_new_kept" if "val_new_kept" in now else "val_neighbours_kept"
    # Learned codes leave the features' neighbours: only a large loss counts.
    lower = now[kept] < HALF * first[kept]
    if not lower or now["val_halves_found"] >= first["val_halves_found"] - BETTER:
        return ""
    return (
        f"neighbours kept {first[kept]:.2f} before training, {now[kept]:.2f} now; halves found "
        f"{first['val_halves_found']:.2f}, {now['val_halves_found']:.2f} now"
    )


WORSE_THAN_START = "worse than the start"
START_KEPT = "start_kept"  # metric of the last row of a run whose initial weights were kept
RULES: dict[str, Rule] = {
    "collapsed bits": collapsed,
    "order without neighbours": order_alone,
    "views too easy": easy_views,
    "overfitting": overfitting,
    "new content lost": new_content_lost,
    "shared codes": shared_codes,
    WORSE_THAN_START: worse_than_start,
}
