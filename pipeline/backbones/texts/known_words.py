"""Which classes a word means, and whether it means any: a classifier's 1,000 names as a lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .class_names import CLASSES, imagenet_classes, stems
from .synonyms import only_meaning, other_names
from .word_vectors import embed_words

F64 = npt.NDArray[np.float64]

DEFINITION = 0.4  # weight of a definition's similarity beside a name's
TEMPERATURE = 0.12  # of the softmax over classes
# Logistic regression, fitted by docs/numbers/known_words.py on the tuning half of its list.
NAME, GLOSS, NAMED, OFFSET = 3.858, 9.952, 3.837, -8.066
GLOSSES = 3  # definitions whose mean similarity counts
KNOWN = 0.5  # probability from which a word is known
SAME_THING = 0.25  # least similarity of two definitions of one thing


@dataclass(frozen=True, slots=True, eq=False)
class WordMeaning:
    """What one word or phrase means among the classes.

    Attributes:
        known: Probability that some class shows it, 0 to 1.
        weights: Of the classes, (1000,); they sum up to 1.
        nearest: Names of the classes with the highest weights.
    """

    known: float
    weights: F64
    nearest: tuple[str, ...]


def meanings(phrases: Sequence[str], *, count: int = 3) -> list[WordMeaning]:
    """Return the meaning of each phrase.

    A class is near a phrase whose embedding is near one of its names or its definition. Token
    embeddings mistake words that share syllables (onion, lotion), so whether a phrase is known at
    all is decided from three things: the nearest name, the nearest definitions, and whether the
    phrase is the end of a name (``dog`` of ``German shepherd dog``).

    Args:
        phrases: Words or short phrases.
        count: Names in ``nearest``.

    Raises:
        UsageError: If the word vectors are not installed.
    """
    if not phrases:
        return []
    by_name, by_gloss, ends = _similarities(phrases)
    known = 1 / (1 + np.exp(-(_evidence(by_name, by_gloss, ends) @ (NAME, GLOSS, NAMED) + OFFSET)))
    return [_meaning(*one, count) for one in zip(known, by_name, by_gloss, strict=True)]


def meaning_by_synonyms(word: str) -> WordMeaning | None:
    """Return what the synonyms of a word mean, ``None`` where none of them is known.

    A synonym counts if the definition of a class that it names is near the word's: a "chopper" is
    a helicopter, but the class of that name is a knife.

    Raises:
        UsageError: If the word vectors are not installed.
    """
    entry = only_meaning(word)
    names = [] if entry is None else other_names(word, entry)
    if entry is None or not names:
        return None
    lexicon = _lexicon()
    alike = lexicon.glosses @ embed_words([entry.definition])[0]
    fitting = [
        one
        for name, one in zip(names, meanings(names), strict=True)
        if one.known >= KNOWN and max((alike[i] for i in _named(name)), default=0.0) >= SAME_THING
    ]
    if not fitting:
        return None
    own = meanings([word])[0].weights
    weights = np.mean([own, *(one.weights for one in fitting)], axis=0)
    return WordMeaning(max(one.known for one in fitting), weights, fitting[0].nearest)


def _named(name: str) -> list[int]:
    """Return the classes of which a name is the end of a name."""
    end = stems(name)
    return [
        number
        for number, one in enumerate(imagenet_classes())
        if any(stems(other)[-len(end) :] == end for other in one.names)
    ]


def evidence_of(phrases: Sequence[str]) -> F64:
    """Return what decides whether each phrase is known, (Q, 3).

    Raises:
        UsageError: If the word vectors are not installed.
    """
    return _evidence(*_similarities(phrases))


def _similarities(phrases: Sequence[str]) -> tuple[F64, F64, F64]:
    """Return similarities to names and definitions, (Q, 1000) each, and whether it ends a name."""
    lexicon = _lexicon()
    vectors = embed_words(phrases)
    by_name = np.full((len(phrases), CLASSES), -1.0)
    np.maximum.at(by_name.T, lexicon.owners, lexicon.names @ vectors.T)
    ends = np.array([stems(phrase) in lexicon.ends for phrase in phrases], np.float64)
    return by_name, vectors @ lexicon.glosses.T, ends


def _evidence(by_name: F64, by_gloss: F64, ends: F64) -> F64:
    nearest = np.sort(by_gloss, axis=1)[:, -GLOSSES:].mean(axis=1)
    return np.stack([by_name.max(axis=1), nearest, ends], axis=1)


def _meaning(known: float, name: F64, gloss: F64, count: int) -> WordMeaning:
    similarity = name + DEFINITION * gloss
    weights = np.exp((similarity - similarity.max()) / TEMPERATURE)
    first = np.argsort(-similarity, kind="stable")[:count]
    nearest = tuple(imagenet_classes()[number].name for number in first)
    return WordMeaning(float(known), weights / weights.sum(), nearest)


@dataclass(frozen=True, slots=True, eq=False)
class _Lexicon:
    """Embeddings of all names (M, 256), the class of each, the definitions, ends of names."""

    names: F64
    owners: npt.NDArray[np.int64]
    glosses: F64
    ends: frozenset[tuple[str, ...]]


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    classes = imagenet_classes()
    pairs = [(number, name) for number, one in enumerate(classes) for name in one.names]
    ends = {stems(name)[start:] for _, name in pairs for start in range(len(stems(name)))}
    return _Lexicon(
        names=embed_words([name for _, name in pairs]),
        owners=np.array([number for number, _ in pairs]),
        glosses=embed_words([one.definition for one in classes]),
        ends=frozenset(ends),
    )
