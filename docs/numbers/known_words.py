"""Which words the embedded backbone knows: fit the rule on one half of a list, judge the other.

`known-words.csv` holds words and whether ImageNet-1k has a class that is the thing, or a kind of
it; the test half was written before its words were tried. Prints the constants of
`pipeline/backbones/texts/known_words.py` and how well they tell words on both halves.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from chainpipe.pipeline.backbones.texts import known_words
from chainpipe.pipeline.backbones.texts.known_words import KNOWN

LIST = Path(__file__).with_name("known-words.csv")
F64 = npt.NDArray[np.float64]


def words(half: str) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """Return the words of a half, and whether each is known."""
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["half"] == half]
    return [row["word"] for row in rows], np.array([row["known"] == "1" for row in rows])


def fit(texts: list[str], known: npt.NDArray[np.bool_]) -> F64:
    """Return NAME, GLOSS, NAMED and OFFSET, fitted on standardized evidence with C = 1."""
    evidence = known_words.evidence_of(texts)
    mean, std = evidence.mean(axis=0), evidence.std(axis=0)
    model = LogisticRegression(C=1.0).fit((evidence - mean) / std, known)
    weights = model.coef_[0] / std
    return np.append(weights, model.intercept_[0] - (weights * mean).sum())


def is_known(text: str) -> bool:
    """Return whether a word is known itself or by a synonym."""
    return (
        known_words.meanings([text])[0].known >= KNOWN
        or known_words.meaning_by_synonyms(text) is not None
    )


def scores(found: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> str:
    """Return precision and recall of known and of unknown words, as text."""
    parts = []
    for name, answer, truth in (("known", found, known), ("unknown", ~found, ~known)):
        hits = int((answer & truth).sum())
        parts.append(
            f"{name}: precision {hits / answer.sum():.3f}, recall {hits / truth.sum():.3f}"
        )
    return "; ".join(parts)


def main() -> None:
    """Print the constants, and how the committed ones do."""
    names = ("NAME", "GLOSS", "NAMED", "OFFSET")
    print(dict(zip(names, fit(*words("tuning")).round(3).tolist(), strict=True)))
    for half in ("tuning", "test"):
        texts, known = words(half)
        found = np.array([is_known(text) for text in texts])
        print(f"{half}, {len(texts)} words: {scores(found, known)}")
        wrong = [text for text, is_wrong in zip(texts, found != known, strict=True) if is_wrong]
        print(f"  wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
