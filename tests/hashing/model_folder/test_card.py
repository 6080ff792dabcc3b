"""The model card: front matter, facts, parameters that count, quality once it is measured."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard

from chainpipe.hashing.config.presets import TASKS
from chainpipe.hashing.model_folder.card import model_card
from chainpipe.hashing.model_folder.folder import ModelFacts, read_facts, read_tensors, save_model
from chainpipe.hashing.model_folder.parameters import parameter_counts, unused_count
from chainpipe.hashing.model_folder.quality import QUALITY, add_quality, read_quality
from chainpipe.hashing.model_folder.task_effects import add_task_effects
from chainpipe.hashing.monitoring.history import HistoryRow
from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.records import Fingerprint

DATA = {"videos": 40, "split": "all", "frames": 25, "copies": 1, "bad": 0}
FACTS = ModelFacts(
    method="chain",
    bits=16,
    seed=0,
    fingerprint=Fingerprint("cnn", "ab", 4, "fit=crop"),
    store='/data/my: "odd" \udcff.h5',
    data=DATA,
    created="2026-11-28T12:00:00+00:00",
)
MEASURED: dict[str, Any] = {
    "protocol": {"name": "leave-one-out"},
    "queries": 40,
    "database": 40,
    **{
        name: {str(k): 0.5 + k / 1000 for k in (5, 20, 40, 60, 80, 100)}
        for name in ("map", "map_min", "map_tied")
    },
    "gmap": 0.55,
    "pr_rank": [1, 2, 3],
}


def card_of(facts: ModelFacts = FACTS, unused: int = 0, history: Sequence[HistoryRow] = ()) -> str:
    return model_card(
        facts,
        about="CHAIN",
        notes=["A note."],
        history=[*history],
        parameters={"hash_layer": 1000},
        unused=unused,
        paper=False,
    )


def metadata(card: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


@pytest.fixture
def facts(folder: Path) -> ModelFacts:
    return save_model(folder, FACTS, {"a": np.ones(2)}, {"README.md": card_of().encode()})


def test_the_front_matter_is_what_the_hub_reads() -> None:
    found = metadata(card_of())
    assert found["library_name"] == "chainpipe"
    assert (found["pipeline_tag"], found["license"]) == ("feature-extraction", "unknown")
    assert {"chain", "video-retrieval"} <= set(found["tags"])
    assert ModelCard(card_of()).data.to_dict() == found


def test_the_card_says_when_on_what_and_how_to_use_it() -> None:
    card = card_of(replace(FACTS, data={**DATA, "no_epochs": "40 videos, too few"}))
    assert "| date | 2026-11-28 |" in card
    assert "| training videos | 40 (all of the store) |" in card
    assert r'| store | `my: "odd" \xff.h5` |' in card
    assert "No epochs were trained: 40 videos, too few." in card
    python = card.split("```python\n")[1].split("```")[0]
    compile(python, "card", "exec")
    assert "Not measured yet" in card
    assert "| store | arrays |" in card_of(replace(FACTS, store=""))


def test_only_parameters_that_change_codes_count() -> None:
    head = {"hash_layer.head.weight": np.zeros((4, 3)), "hash_layer.head.bias": np.zeros(4)}
    before = {"encoder.x.weight": np.ones(50), "hash_layer.norm.weight": np.ones(3)}
    start = {
        **head,
        **before,
        "hash_layer.shortcut.weight": np.ones((4, 2)),
        "pca_mean": np.ones(9),
    }
    assert (parameter_counts(start), unused_count(start)) == ({"hash_layer": 8}, 69)
    trained = {**start, "hash_layer.head.bias": np.ones(4)}
    assert (parameter_counts(trained), unused_count(trained)) == (
        {"hash_layer": 27, "encoder": 50},
        0,
    )
    bare = {**head, **before}  # without a shortcut the zeros are all there is
    assert unused_count(bare) == 0
    assert "1,000; 69 more are stored but change no code" in card_of(unused=69)


def test_measured_quality_is_in_the_card_once_a_store_and_protocol(
    folder: Path, facts: ModelFacts
) -> None:
    words = ["Every video asks."]
    add_quality(folder, facts, MEASURED, words=words)
    better = {**MEASURED, "map": {k: value + 0.1 for k, value in MEASURED["map"].items()}}
    add_quality(folder, facts, better, words=words)
    other = {**MEASURED, "protocol": {"name": "split"}}
    add_quality(folder, facts, other, words=words)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Not measured yet" not in card
    assert "| 0.6050 | 0.6200 | 0.7000 |" in card
    assert card.count("- Every video asks.") == 2
    assert card.count("## Quality") == 1
    results = metadata(card)["model-index"][0]["results"]
    assert [one["metrics"][1]["value"] for one in results] == [0.62, 0.52]
    evaluated = ModelCard(card).data.eval_results
    assert evaluated is not None
    assert {one.metric_name for one in evaluated} >= {"mAP@20, leave-one-out", "mAP@20, split"}
    assert [one["gmap"] for one in read_quality(folder, facts)] == [0.55, 0.55]
    assert np.array_equal(read_tensors(folder)["a"], np.ones(2))  # no checksum is broken


def test_what_the_user_wrote_into_the_card_stays(folder: Path, facts: ModelFacts) -> None:
    path = folder / "README.md"
    path.write_text(card_of().replace("license: unknown", "license: mit") + "\nMine.\n")
    add_quality(folder, facts, MEASURED, words=[])
    card = path.read_text()
    assert metadata(card)["license"] == "mit"
    assert card.endswith("\nMine.\n")
    path.write_text("A card of an older version.\n")
    add_quality(folder, facts, MEASURED, words=[])
    assert path.read_text() == "A card of an older version.\n"


def test_task_effects_are_in_the_card_beside_what_the_user_wrote(tmp_path: Path) -> None:
    config = {**{task: {"weight": 0.1} for task in TASKS}, "optim": {"epochs": 3}}
    facts = replace(FACTS, config=config)
    text = card_of(facts, history=[{"epoch": 1, "loss": 0.5}])
    assert "How many bits each task changes is not measured" in text
    facts = save_model(tmp_path / "m", facts, {}, {"README.md": f"{text}\nMine.\n".encode()})
    found = add_task_effects(
        tmp_path / "m", facts, {"contrastive": 0.3, "order": 0.0, "scene": 0.0001}
    )
    card = (tmp_path / "m" / "README.md").read_text()
    assert "- Task `contrastive` changed 30.0 % of the bits (same seed without it)." in card
    assert "- Task `order` changed no bit: it does not move the codes" in card
    assert "- Task `scene` changed less than 0.1 % of the bits" in card
    assert "not measured: `chainpipe train" not in card
    assert card.endswith("\nMine.\n")
    assert read_facts(tmp_path / "m") == found
    assert found.data["task_effects"]["contrastive"] == 0.3
    (tmp_path / "m" / "README.md").write_text("A card of an older version.\n")
    add_task_effects(tmp_path / "m", facts, {})
    assert (tmp_path / "m" / "README.md").read_text() == "A card of an older version.\n"


def test_quality_of_another_model_is_not_kept(folder: Path, facts: ModelFacts) -> None:
    add_quality(folder, facts, MEASURED, words=[])
    newer = replace(facts, weights_sha256="00")
    assert read_quality(folder, newer) == []
    before = (folder / QUALITY).read_bytes()
    add_quality(folder, newer, MEASURED, words=[])
    assert (folder / QUALITY).read_bytes() == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"weights_sha256": 1, "measured": [3]}'])
def test_a_file_of_scores_that_is_none_is_written_anew(
    folder: Path, facts: ModelFacts, content: str
) -> None:
    (folder / QUALITY).write_text(content)
    add_quality(folder, facts, MEASURED, words=[])
    assert len(json.loads((folder / QUALITY).read_bytes())["measured"]) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(folder: Path, facts: ModelFacts) -> None:
    folder.chmod(0o500)
    with pytest.raises(StorageError, match="cannot write"):
        add_quality(folder, facts, MEASURED, words=[])
