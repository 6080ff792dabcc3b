"""The demo stops where a verb stops, and goes on past failed videos."""

from collections.abc import Sequence

import pytest
import typer

from chainpipe.hashing.cli.demo import Verbs


def test_an_interrupted_verb_ends_the_demo_with_its_code() -> None:
    verb = Verbs(run=lambda words: (130, ""), log=lambda line: None)
    with pytest.raises(typer.Exit) as caught:
        verb("extract", "videos")
    assert caught.value.exit_code == 130


@pytest.mark.parametrize("code", [0, 3])
def test_failed_videos_do_not_end_it(code: int) -> None:
    shown: list[str] = []
    verb = Verbs(run=lambda words: (code, " ".join(words)), log=shown.append)
    assert verb("extract", "my videos") == "extract my videos"
    assert shown == ["$ chainpipe extract 'my videos'"]


def test_restart_reaches_what_writes_the_store_and_the_models() -> None:
    asked: list[list[str]] = []

    def run(words: Sequence[str]) -> tuple[int, str]:
        asked.append(list(words))
        return 0, ""

    verb = Verbs(run, lambda line: None, restart=True)
    for name in ("extract", "train", "encode", "eval", "search"):
        verb(name)
    assert [words for words in asked if "--restart" in words] == [
        ["extract", "--restart"],
        ["train", "--restart"],
    ]
