"""Names of models on the hub, and what a public copy leaves out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.hashing.model_folder.hub import HubName, is_hub_name, parse_hub_name
from chainpipe.hashing.model_folder.public_copy import public_extras, public_facts
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Fingerprint

SECRET = "/home/someone/secret"
FACTS = ModelFacts(
    "mine",
    8,
    0,
    Fingerprint(f"clip:ViT-B-32/{SECRET}/weights.safetensors", "00", 16, "fit=crop"),
    f"{SECRET}/feats.h5",
    data={
        "store_from_folder": "../secret/feats.h5",
        "content_sample": ["0123"],
        "digest": "ab",
        "plugins": [{"kind": "method", "name": "mine", "file": f"{SECRET}/mine.py", "sha256": "c"}],
    },
    weights_sha256="d" * 64,
)


def quality(weights: str) -> bytes:
    entry = {
        "store": FACTS.store,
        "date": "2026-01-01T00:00:00+00:00",
        "words": ["By heart."],
        "protocol": {"name": "leave-one-out"},
        "queries": 3,
        "database": 3,
        "map": {"5": 0.25, "20": 0.5, "100": 0.75},
    }
    return json.dumps({"schema": 1, "weights_sha256": weights, "measured": [entry]}).encode()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf:org/name", HubName("org/name")),
        ("org/name", HubName("org/name")),
        ("hf:org/na.me-2@v1.0", HubName("org/na.me-2", "v1.0")),
        ("org/name@refs/pr/1", HubName("org/name", "refs/pr/1")),
    ],
)
def test_names_have_a_repository_and_perhaps_a_revision(text: str, name: HubName) -> None:
    assert parse_hub_name(text) == name
    assert parse_hub_name(str(name)) == name


@pytest.mark.parametrize(
    "text",
    ["", "hf:", "name", "hf:name", "hf:../name", "a/b/c", "a/b@", "a/b@-x", "hf:a/b c", "a/b@v\n"],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no model on the hub"):
        parse_hub_name(text)


def test_a_revision_is_given_once() -> None:
    assert parse_hub_name("a/b", "v1") == parse_hub_name("a/b@v1", "v1") == HubName("a/b", "v1")
    with pytest.raises(UsageError, match="differ"):
        parse_hub_name("a/b@v1", "v2")


def test_only_the_scheme_names_the_hub() -> None:
    assert is_hub_name("hf:a/b")
    assert not is_hub_name("./hf:a/b")
    assert not is_hub_name("a/b")


def test_public_metadata_name_no_place_and_no_single_video() -> None:
    facts = public_facts(FACTS)
    assert facts.store == ""
    assert facts.fingerprint.backbone == "clip:ViT-B-32/weights.safetensors"
    assert facts.data["plugins"][0]["file"] == "mine.py"
    assert set(facts.data) == {"digest", "plugins"}
    assert not facts.fingerprint.differences(FACTS.fingerprint)
    assert replace(facts, store="", data={}, fingerprint=FACTS.fingerprint) == replace(
        FACTS, store="", data={}
    )


def test_a_public_card_lists_what_was_measured_and_nothing_else() -> None:
    card = (
        "---\nlicense: mit\nmodel-index:\n- name: invented\n---\n"
        f"store {FACTS.store}, {FACTS.fingerprint.backbone}, {SECRET}/mine.py\n"
        "<!-- quality: begin -->\nold\n<!-- quality: end -->\n`THIS_FOLDER`\n"
    ).encode()
    extras = {"README.md": card, "quality.json": quality(FACTS.weights_sha256), "curves.png": b"p"}
    made = public_extras(FACTS, extras, name="org/name", source="hf:org/name")
    text = made["README.md"].decode()
    assert SECRET not in text + made["quality.json"].decode()
    assert "license: mit\n" in text
    assert '- name: "org/name"' in text
    assert "value: 0.500000" in text
    assert "| 0.2500 | 0.5000 | 0.7500 |" in text
    assert "`hf:org/name`" in text
    assert made["curves.png"] == b"p"
    assert json.loads(made["quality.json"])["measured"][0]["store"] == "feats.h5"


@pytest.mark.parametrize("content", [quality("other weights"), b"no JSON", b"[]", b""])
def test_scores_of_other_weights_are_not_published(content: bytes) -> None:
    card = b"---\nlicense: mit\nmodel-index:\n- name: invented\n---\nbody\n"
    made = public_extras(
        FACTS, {"README.md": card, "quality.json": content}, name="n", source="folder"
    )
    assert "quality.json" not in made
    assert made["README.md"] == b"---\nlicense: mit\n---\nbody\n"
