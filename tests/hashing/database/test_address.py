"""Addresses of collections: what is understood, what is refused, and that no password is shown."""

from __future__ import annotations

import pytest

from chainpipe.hashing.database.address import DatabaseAddress, parse_address
from chainpipe.hashing.database.collection import CollectionFacts, facts_of_json
from chainpipe.pipeline.errors import UsageError

SECRET = "hush"
FACTS = CollectionFacts(64, "ab" * 32, "cnn")


@pytest.mark.parametrize(
    ("text", "kind", "server", "collection"),
    [
        (
            *("postgresql://me@db:5433/videos", "postgresql"),
            *("postgresql://me@db:5433/videos", "chainpipe_codes"),
        ),
        (
            *("postgres://db/v?table=media.Clips&sslmode=require", "postgresql"),
            *("postgresql://db/v?sslmode=require", "media.Clips"),
        ),
        ("milvus://10.0.0.1:99/clips", "milvus", "http://10.0.0.1:99", "clips"),
        ("milvus://[::1]/clips", "milvus", "http://[::1]:19530", "clips"),
        ("milvus+https://host/clips", "milvus", "https://host:19530", "clips"),
        ("milvus+file:/data/a%20b.db", "milvus+file", "/data/a b.db", "chainpipe_codes"),
        ("milvus+file:codes.db?collection=c", "milvus+file", "codes.db", "c"),
    ],
)
def test_addresses_are_understood(text: str, kind: str, server: str, collection: str) -> None:
    found = parse_address(text)
    assert found.kind.removesuffix("+https") == kind
    assert (found.server, found.collection) == (server, collection)
    assert isinstance(found, DatabaseAddress)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("codes", "no address of codes"),
        ("mysql://me@db/videos", "no address of codes"),
        ("postgresql://me@db:port/videos", "cannot be read"),
        ("postgresql://me@db/videos?table=a;b", "no name of a table"),
        ("postgresql://me@db/videos?table=a.b.c", "no name of a table"),
        ("milvus://host:19530", "a host and a collection are needed"),
        ("milvus:///clips", "a host and a collection are needed"),
        ("milvus://host/clips-1", "no name of a collection"),
        ("milvus://me@host/clips", "takes no user"),
        ("milvus+file:", "a path is needed"),
        ("milvus+file://host/codes.db", "a path is needed"),
        ("milvus+file:codes.db?collection=a.b", "no name of a collection"),
    ],
)
def test_what_is_no_address_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_address(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://me:{SECRET}@db/videos",
        f"postgresql://me@db/videos?password={SECRET}",
        f"postgresql://me@db/videos?sslpassword={SECRET}",
        f"milvus://me:{SECRET}@host/clips",
        f"postgresql://me:{SECRET}/x@db/videos",
    ],
)
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_facts_are_kept_as_json() -> None:
    assert facts_of_json(FACTS.to_json(), "x") == FACTS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "chainpipe did not make it"),
        ("a comment of the user", "chainpipe did not make it"),
        ("[1]", "chainpipe did not make it"),
        (FACTS.to_json().replace("chainpipe-codes", "others"), "chainpipe did not make it"),
        (FACTS.to_json().replace('"schema": 1', '"schema": 2'), "has schema 2"),
        (FACTS.to_json().replace('"bits"', '"bit"'), "does not say its 'bits'"),
    ],
)
def test_other_descriptions_are_refused(text: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        facts_of_json(text, "x")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (CollectionFacts(32, "ab" * 32, "cnn"), "codes of 64 bits, not 32"),
        (CollectionFacts(64, "cd" * 32, "cnn"), "codes of model abababababab, not cdcdcdcdcdcd"),
        (CollectionFacts(64, "ab" * 32, "cnn", "windows"), "codes of videos, not windows"),
    ],
)
def test_codes_that_do_not_compare_are_not_mixed(other: CollectionFacts, words: str) -> None:
    FACTS.check_same(FACTS, "x")
    with pytest.raises(UsageError, match=words):
        FACTS.check_same(other, "x")
