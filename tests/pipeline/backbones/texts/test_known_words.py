"""Words of the embedded backbone: which it knows, what they mean, in whose direction they point."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.backbones.lite0_classifier import lite0_classifier
from chainpipe.pipeline.backbones.texts import build_text_side, word_vectors
from chainpipe.pipeline.backbones.texts.class_names import imagenet_classes
from chainpipe.pipeline.backbones.texts.known_words import (
    KNOWN,
    meaning_by_synonyms,
    meanings,
)
from chainpipe.pipeline.backbones.texts.lite0 import Lite0Text
from chainpipe.pipeline.errors import UsageError

LIST = Path(__file__).parents[4] / "docs" / "numbers" / "known-words.csv"
BACKBONE = "cnn:efficientnet-lite0"


@pytest.fixture(scope="module")
def side() -> Lite0Text:
    side = build_text_side(BACKBONE)
    assert isinstance(side, Lite0Text)
    return side


def test_known_and_unknown_words_are_told_apart_where_nothing_was_chosen() -> None:
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["half"] == "test"]
    truth = np.array([row["known"] == "1" for row in rows])
    words = [row["word"] for row in rows]
    found = np.array(
        [
            one.known >= KNOWN or meaning_by_synonyms(word) is not None
            for word, one in zip(words, meanings(words), strict=True)
        ]
    )
    assert len(rows) == 200
    for answer, right in ((found, truth), (~found, ~truth)):
        assert (answer & right).sum() / answer.sum() >= 0.9  # precision
        assert (answer & right).sum() / right.sum() >= 0.9  # recall


@pytest.mark.parametrize("word", ["zebra", "espresso", "accordion", "lighthouse"])
def test_a_name_of_a_class_points_to_the_class(side: Lite0Text, word: str) -> None:
    (match,) = side.match([word])
    assert match.direction is not None
    classes = [one.name for one in imagenet_classes()]
    scores = lite0_classifier().directions @ match.direction
    assert word in classes[int(scores.argmax())]


def test_weights_are_a_distribution_that_peaks_at_the_name() -> None:
    (meaning,) = meanings(["zebra"])
    assert meaning.weights.sum() == pytest.approx(1)
    assert imagenet_classes()[int(meaning.weights.argmax())].name == "zebra"
    assert meaning.nearest[0] == "zebra"


def test_two_things_in_one_text_count_alike(side: Lite0Text) -> None:
    both, cat, sofa = side.match(["a tabby cat on a sofa", "tabby cat", "sofa"])
    assert both.direction is not None
    assert cat.direction is not None
    assert sofa.direction is not None
    np.testing.assert_allclose(both.direction, (cat.direction + sofa.direction) / 2, atol=1e-6)


def test_what_is_unknown_is_named_and_the_rest_still_asks(side: Lite0Text) -> None:
    mixed, zebra, alone = side.match(["a zebra and an okapi", "zebra", "okapi"])
    assert mixed.unknown == alone.unknown == ("okapi",)
    assert mixed.known
    assert mixed.direction is not None
    np.testing.assert_array_equal(mixed.direction, zebra.direction)
    assert not alone.known  # its direction is that of the nearest names
    assert len(alone.nearest) == 3


def test_the_part_of_a_phrase_that_is_known_asks(side: Lite0Text) -> None:
    whole, part = side.match(["zebra behaviour", "zebra"])
    assert whole.known
    np.testing.assert_array_equal(whole.direction, part.direction)


def test_synonyms_count_where_the_word_has_one_meaning_of_the_same_thing() -> None:
    sofa = meaning_by_synonyms("sofa")
    assert sofa is not None
    assert "couch" in sofa.nearest
    assert meaning_by_synonyms("helicopter") is None  # a chopper, which ImageNet knows as a knife
    assert meaning_by_synonyms("rocket") is None  # several meanings


@pytest.mark.parametrize("text", ["", "of the", "..."])
def test_no_words_are_no_direction(side: Lite0Text, text: str) -> None:
    (match,) = side.match([text])
    assert match.direction is None
    assert match.unknown == ()


@pytest.mark.parametrize("backbone", ["onnx:model.onnx", "cnn:other"])
def test_other_features_know_no_words(backbone: str) -> None:
    with pytest.raises(UsageError, match=f"features of `{backbone}` know no words"):
        build_text_side(backbone)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    word_vectors._encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "wordllama", None)  # as if it was not installed
    with pytest.raises(UsageError, match="wordllama") as caught:
        word_vectors.embed_words(["cat"])
    assert "chainpipe-video[words]" in str(caught.value.hint)
    word_vectors._encoder.cache_clear()
