"""Config as TOML, `--set` and near misses."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from chainpipe.hashing.config import AnyConfig, Config
from chainpipe.hashing.config.fields import sections
from chainpipe.hashing.config.losses import loss_sections
from chainpipe.hashing.config.nearest_key import nearest_keys
from chainpipe.hashing.config.overrides import (
    apply,
    flatten,
    from_dict,
    key_names,
    parse_assignments,
    read_toml,
    to_dict,
    to_toml,
)
from chainpipe.hashing.config.presets import (
    TASKS,
    Survey,
    decision,
    number,
    only_tasks,
    paper_config,
    resolve,
    view_trust,
    why_no_epochs,
)
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.pipeline.errors import UsageError


@pytest.mark.parametrize("config", [Config(), paper_config(), resolve(Config(), Survey(77, 0.9))])
def test_a_config_survives_toml_and_json(config: Config) -> None:
    assert apply(Config(), flatten(tomllib.loads(to_toml(config)))) == config
    assert from_dict(to_dict(config), Config()) == config


DEFAULTS = [METHODS[name].config for name in ("chain", "conmh")]


@pytest.mark.parametrize("config", DEFAULTS)
def test_every_key_says_what_it_means_and_where_it_comes_from(config: AnyConfig) -> None:
    for section, part in sections(config).items():
        for item in fields(part):
            marks = ("[P]", "[I]", "[ours]", "[code]")
            marked = any(mark in item.metadata["doc"] for mark in marks)
            assert marked or section == "optim", f"{section}.{item.name}"


@pytest.mark.parametrize("config", DEFAULTS)
def test_the_default_of_every_key_is_a_value_it_takes(config: AnyConfig) -> None:
    assert apply(config, flatten(to_dict(config))) == config
    assert apply(config, flatten(tomllib.loads(to_toml(config)))) == config


def test_the_paper_preset_switches_our_extensions_off() -> None:
    paper = resolve(paper_config(), Survey(1000, 0.5))
    assert (paper.views.mode, paper.hash.init) == ("segment", "random")
    assert (paper.neighbours.k, paper.similarity.weight, paper.input.whitening) == (0, 0, 0)
    assert number(paper.order.weight) > 0
    assert number(paper.scene.weight) > 0
    assert paper.contrastive.temperature == 0.5


def test_nothing_is_automatic_once_resolved() -> None:
    resolved = flatten(to_dict(resolve(Config(), Survey(2, 1.0))))
    assert [name for name, value in resolved.items() if value == "auto"] == [
        "views.num_frames",
        "views.window",
        "views.spatial",
        "order.num_frames",
        "scene.num_clusters",
        "validation.every",
    ]


@pytest.mark.parametrize(
    ("survey", "leader"),
    [
        (Survey(1500, 0.6), "contrastive"),
        (Survey(150, 0.6), "similarity"),
        (Survey(1500, 0.95), "similarity"),
    ],
)
def test_contrastive_learning_leads_only_where_views_can_be_trusted(
    survey: Survey, leader: str
) -> None:
    config = resolve(Config(), survey)
    weights = {
        name: number(getattr(config, name).weight)
        for name in ("contrastive", "order", "scene", "similarity")
    }
    assert max(weights, key=lambda name: weights[name]) == leader
    assert all(weights.values())
    assert config.optim.epochs
    assert bool(config.neighbours.k) == (view_trust(survey) == 1) == (leader == "contrastive")


def test_an_unresolved_number_is_refused() -> None:
    with pytest.raises(ValueError, match="auto"):
        number("auto")


@pytest.mark.parametrize(
    ("assignment", "message", "hint"),
    [
        ("optim.epoch=3", "no config key `optim.epoch`", "`optim.epochs`"),
        ("weight=3", "no config key `weight`", "weight`"),
        ("qqqqq.zzzz=3", "no config key", "--show-config"),
        ("order.weight", "has no `=`", "section.key=value"),
        ("order.weight=nan", "`order.weight` is `nan`", "a number from 0"),
        ("order.weight=-1", "`order.weight` is `-1`", "`auto` or a number|a number.*or `auto`"),
        ("order.weight=much", "`order.weight` is `much`", "`auto`"),
        ("views.mode=both", "`views.mode` is `both`", "`halves` or `segment`"),
        ("optim.batch_size=2.5", "`optim.batch_size` is `2.5`", "an integer from 2"),
        ("optim.batch_size=true", "`optim.batch_size` is `True`", "an integer"),
        ("neighbours.mutual=1", "`neighbours.mutual` is `1`", "`true` or `false`"),
        ("encoder.num_heads=3", "is not divisible by 3 heads", "divisor"),
    ],
)
def test_a_wrong_assignment_is_named_with_what_would_be_right(
    assignment: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        apply(Config(), parse_assignments([assignment]))
    assert caught.value.hint is not None
    assert any(part in caught.value.hint for part in hint.replace(".*", "|").split("|"))


def test_assignments_are_read_as_toml_and_words_as_text() -> None:
    config = apply(
        Config(),
        parse_assignments(["views.mode=segment", "optim.lr=1e-2", "neighbours.mutual = true"]),
    )
    assert (config.views.mode, config.optim.lr, config.neighbours.mutual) == (
        "segment",
        0.01,
        True,
    )


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the config"):
        read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["a = = 1", "epochs = 3"])
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(UsageError, match=r"is not TOML|is not a section"):
        read_toml(tmp_path / "bad.toml")


@pytest.mark.parametrize("videos", [2, 31, 32, 100, 5000])
@pytest.mark.parametrize("cosine", [0.5, 0.99])
def test_all_three_tasks_are_trained_on_32_videos_or_more(videos: int, cosine: float) -> None:
    survey = Survey(videos, cosine)
    config = resolve(Config(), survey)
    assert bool(config.optim.epochs) == (videos >= 32)
    assert all(number(getattr(config, name).weight) > 0 for name in (*TASKS, "reflection"))
    assert why_no_epochs(survey) == f"{videos} videos, too few (needed: 32 or more)"


def test_one_frame_a_video_has_neither_order_nor_scenes() -> None:
    config = resolve(Config(), Survey(100, 0.5, 1))
    assert number(config.order.weight) == number(config.scene.weight) == 0
    assert number(config.contrastive.weight) > 0 < config.optim.epochs
    asked = resolve(apply(Config(), {"order.weight": 0.3}), Survey(100, 0.5, 1))
    assert asked.order.weight == 0.3


@pytest.mark.parametrize("names", [["contrastive"], ["order", "scene"], list(TASKS)])
def test_tasks_that_are_not_named_have_no_weight(names: list[str]) -> None:
    config = resolve(only_tasks(Config(), names), Survey(100, 0.5))
    assert [name for name in TASKS if number(getattr(config, name).weight)] == names
    assert number(config.similarity.weight) > 0 < number(config.reflection.weight)
    assert config.optim.epochs


@pytest.mark.parametrize("names", [[], ["contrast"], ["order", "similarity"]])
def test_a_task_that_is_none_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="no task ") as caught:
        only_tasks(Config(), names)
    assert "contrastive,order,scene" in str(caught.value.hint)


def test_the_decision_names_every_loss_with_weight_and_the_reason() -> None:
    survey = Survey(60, 0.9)
    config = resolve(only_tasks(Config(), ["contrastive"]), survey)
    line = decision(config, survey)
    used = {name for name, part in loss_sections(config).items() if number(part.weight)}
    assert {part.split()[0] for part in line.partition(":")[0].split(", ")} - {"no", "50%"} == used
    assert "no neighbours" in line
    assert "60 videos, whose halves are alike to 0.90" in line
    assert "15 neighbours" in decision(resolve(Config(), Survey(1500, 0.6)), Survey(1500, 0.6))


def test_a_task_or_epochs_asked_for_by_hand_are_trained_on_few_videos_too() -> None:
    few = Survey(20, 0.5)
    assert resolve(Config(), few).optim.epochs == 0
    by_weight = resolve(apply(Config(), {"contrastive.weight": 0.5}), few)
    assert by_weight.optim.epochs > 0
    by_epochs = resolve(apply(Config(), {"optim.epochs": 3}), few)
    assert by_epochs.optim.epochs == 3
    assert number(by_epochs.contrastive.weight) > 0


@pytest.mark.parametrize("kind", ["lstm", "mlp-mixer"])
def test_heads_need_not_divide_the_width_where_there_are_none(kind: str) -> None:
    values = {"encoder.kind": kind, "encoder.num_heads": 3}
    assert apply(Config(), values).encoder.num_heads == 3
    with pytest.raises(UsageError, match="is not divisible by 3 heads"):
        apply(Config(), values | {"encoder.kind": "transformer"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("contrastiv.temp", "contrastive.temperature"),
        ("contrastive.temprature", "contrastive.temperature"),
        ("similarity.temp", "similarity.temperature"),
        ("optim.epoch", "optim.epochs"),
        ("optimizer.epochs", "optim.epochs"),
        ("epochs", "optim.epochs"),
        ("optim.learning_rate", None),
        ("encoder.num_layer", "encoder.num_layers"),
        ("encoder.layer", "encoder.num_layers"),  # by its old name, `encoder.layers`
        ("order.wieght", "order.weight"),
        ("scene.min_st", "scene.min_std"),
        ("Order.Weight", "order.weight"),
        ("neighbors.k", "neighbours.k"),
        ("validation.frac", "validation.fraction"),
        ("swav.prototypes", "swav.num_prototypes"),
        ("x.y", None),
        ("contrastive.", None),
    ],
)
def test_a_mistyped_key_is_told_the_nearest_one(typed: str, meant: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        apply(Config(), {typed: 3})
    hint = str(caught.value.hint)
    assert hint == (f"did you mean `{meant}`?" if meant else hint)
    assert meant is not None or "--show-config" in hint


@pytest.mark.parametrize("section", ["contrastive", "order", "optim", "encoder"])
def test_one_letter_too_few_is_always_understood(section: str) -> None:
    keys = [name for name in key_names(Config()) if name.startswith(f"{section}.")]
    for name in (name for name in keys if len(name.partition(".")[2]) > 4):
        for at in range(len(section) + 1, len(name)):
            typed = name[:at] + name[at + 1 :]
            if typed not in key_names(Config()) and "." in typed:
                assert name in nearest_keys(typed, key_names(Config())), typed


def test_a_weight_that_was_set_by_hand_and_the_paper_are_never_switched_off() -> None:
    survey = Survey(1500, 0.6)
    asked = resolve(apply(Config(), {"order.weight": 0.1}), survey)
    assert (asked.order.if_unlearned, asked.scene.if_unlearned) == ("keep", "drop")
    paper = resolve(paper_config(), survey)
    assert (paper.order.if_unlearned, paper.scene.if_unlearned) == ("keep", "keep")
