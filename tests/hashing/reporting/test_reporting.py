"""The contact sheet and the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor
from rich.text import Text

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.evaluate import evaluate
from chainpipe.hashing.evaluation.published import published
from chainpipe.hashing.reporting.contact_sheet import (
    COLOURS,
    TILE,
    SheetRow,
    Tile,
    Verdict,
    draw_sheet,
    write_sheet,
)
from chainpipe.hashing.reporting.figures import write_png
from chainpipe.hashing.reporting.line_plots import (
    LinePanel,
    PlotLine,
    comparison_panels,
    draw_panels,
)
from chainpipe.hashing.reporting.metric_plots import draw_scores
from chainpipe.hashing.reporting.tables import (
    answers_table,
    print_out,
    published_notes,
    published_table,
    scores_table,
)
from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

BLUE = (30, 60, 200)


def tile(verdict: Verdict, size: tuple[int, int] | None = (90, 160)) -> Tile:
    picture = None if size is None else np.full((*size, 3), BLUE, np.uint8)
    return Tile(picture, "distance 3", "some/long/name/of/a/video/\xff-[bold]-0001.mp4", verdict)


def pixels_of(sheet: Image.Image, colour: str | tuple[int, int, int]) -> int:
    wanted = ImageColor.getrgb(colour) if isinstance(colour, str) else colour
    return int((np.asarray(sheet) == wanted).all(axis=2).sum())


def test_right_answers_are_framed_green_and_wrong_ones_red() -> None:
    row = SheetRow(tile("query"), [tile("right"), tile("wrong"), tile("right")])
    sheet = draw_sheet([row], title="three")
    green, red = pixels_of(sheet, COLOURS["right"]), pixels_of(sheet, COLOURS["wrong"])
    frame = 2 * 5 * (TILE[0] + TILE[1] - 10)
    assert 2 * frame <= green < 2.2 * frame
    assert frame <= red < 1.3 * frame


def test_without_labels_nothing_is_judged() -> None:
    sheet = draw_sheet([SheetRow(tile("query"), [tile("unknown")] * 4)], title="no labels")
    assert pixels_of(sheet, COLOURS["right"]) == pixels_of(sheet, COLOURS["wrong"]) == 0


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (4, 4), (2000, 10)])
def test_a_picture_keeps_its_shape(size: tuple[int, int]) -> None:
    sheet = draw_sheet([SheetRow(tile("query", size), [])], title="one")
    found = np.argwhere((np.asarray(sheet) == BLUE).all(axis=2))
    height, width = np.ptp(found, axis=0) + 1
    scale = min((TILE[0] - 10) / size[1], (TILE[1] - 10) / size[0])
    assert (width, height) == pytest.approx((size[1] * scale, size[0] * scale), abs=1)


def test_several_queries_stand_in_rows_and_long_answers_wrap() -> None:
    one = draw_sheet([SheetRow(tile("query"), [tile("right")] * 5)], title="a")
    two = draw_sheet([SheetRow(tile("query"), [tile("right")] * 5)] * 2, title="a")
    wrapped = draw_sheet([SheetRow(tile("query"), [tile("right")] * 10)], title="a")
    assert one.width == two.width == wrapped.width
    assert two.height == wrapped.height > one.height + TILE[1]


def test_a_video_without_picture_has_an_empty_tile() -> None:
    sheet = draw_sheet([SheetRow(tile("query", None), [tile("wrong", None)])], title="gone")
    assert pixels_of(sheet, BLUE) == 0
    assert pixels_of(sheet, COLOURS["wrong"]) > 0


def test_a_sheet_without_queries_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one query"):
        draw_sheet([], title="nothing")


def test_the_sheet_is_written_as_png_or_not_at_all(tmp_path: Path) -> None:
    sheet = draw_sheet([SheetRow(tile("query"), [tile("right")])], title="one")
    write_sheet(tmp_path / "sheet.png", sheet)
    with Image.open(tmp_path / "sheet.png") as found:
        assert found.format == "PNG"
        assert np.array_equal(np.asarray(found), np.asarray(sheet))
    with pytest.raises(StorageError, match="nowhere"):
        write_sheet(tmp_path / "nowhere" / "sheet.png", sheet)


def test_the_table_of_scores_shows_each_metric_at_each_k(
    capsys: pytest.CaptureFixture[str],
) -> None:
    evaluation = evaluate(sample_codes(random_bits(30, 16), [[0]] * 30), method="lsh")
    print_out(scores_table(evaluation))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lsh, 16 bits: 30 queries in 30 videos")
    assert lines[1].split() == ["@5", "@20", "@40", "@60", "@80", "@100"]
    head = next(line for line in lines if line.startswith("mAP@K "))
    assert head.split()[1:] == [f"{v:.4f}" for v in evaluation.scores["map"].values()]


def test_answers_are_not_cut_in_a_pipe_and_markup_is_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = b"[red]" + b"long/" * 60 + b"\n\xff.mp4"
    row = (1, "0.25", "0.75", "similar", path, ("a[b]", "c"))
    print_out(Text("nearest to [bold]x"), answers_table([row]))
    out = capsys.readouterr().out
    assert "nearest to [bold]x" in out
    assert "[red]" + "long/" * 60 + r"\n\xff.mp4" in out
    assert "a[b]; c" in out


def test_a_table_in_a_pipe_is_as_wide_as_columns_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = (1, "0.25", "0.75", "similar", b"long/" * 60, ())
    monkeypatch.setenv("COLUMNS", "60")
    print_out(answers_table([row]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.count("long/") for line in lines) > 10
    for odd in ("0", "many", ""):
        monkeypatch.setenv("COLUMNS", odd)
        print_out(answers_table([row]))
        assert "long/" * 60 in capsys.readouterr().out


def test_without_labels_the_table_has_no_column_for_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_out(answers_table([(1, "0", "1.00", "", b"x.mp4", ())]))
    heads = ["rank", "distance", "similarity", "answer", "path"]
    assert capsys.readouterr().out.splitlines()[0].split() == heads


def test_published_rows_stand_beside_ours_by_gmap_and_say_what_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    split = [Split.QUERY, Split.DATABASE] * 15
    codes = sample_codes(random_bits(30, 32), [[0]] * 30, split)
    protocol = choose_protocol(codes.labels, codes.split, name="activitynet")
    evaluation = evaluate(codes, method="lsh", protocol=protocol)
    peers = published("activitynet", bits=32)
    print_out(published_table(evaluation, peers), *published_notes(peers))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line.endswith(("published", "measured here"))]
    assert len(rows) == len(peers) + 1
    assert rows[0].split()[0] == "MFH"
    assert rows[-1].split()[0] == "lsh"
    assert rows[-1].endswith("measured here")
    assert "third hand" in next(line for line in lines if line.startswith("Published rows of MFH"))
    assert any(line.startswith("AutoSSVH: K * mAP@K falls") for line in lines)


def test_the_picture_of_scores_has_three_panels_that_show_something(tmp_path: Path) -> None:
    codes = sample_codes(random_bits(40, 32), [[row % 3] for row in range(40)])
    evaluation = evaluate(codes, method="lsh")
    write_png(tmp_path / "plain.png", draw_scores(evaluation))
    beside_published = draw_scores(evaluation, peers=published("fcvid", bits=32))
    write_png(tmp_path / "peers.png", beside_published)
    plain, beside = (
        Image.open(tmp_path / name).convert("RGB") for name in ("plain.png", "peers.png")
    )
    width = plain.width // 3
    dark = np.asarray(plain.convert("L")) < 128
    for panel in range(3):
        assert dark[:, panel * width : (panel + 1) * width].sum() > 500
    assert pixels_of(plain, "#6b7785") == 0
    assert pixels_of(beside, "#6b7785") > 100  # the line of the best rival


def test_a_png_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_png(tmp_path / "no" / "where.png", b"")


def test_the_comparison_panels_hold_the_scores_and_curves_of_each_model() -> None:
    found = [
        (
            name,
            evaluate(
                sample_codes(random_bits(30, bits), [[row % 3] for row in range(30)]), method="lsh"
            ),
        )
        for name, bits in (("short", 8), ("long", 32))
    ]
    scores, by_radius, by_rank = comparison_panels(found)
    for panel in (scores, by_radius, by_rank):
        assert [line.label for line in panel.lines] == ["short", "long"]
    for (_, one), score, radius, rank in zip(
        found, scores.lines, by_radius.lines, by_rank.lines, strict=True
    ):
        assert list(score.y) == list(one.scores["map"].values())
        assert rank.x[-1] == pytest.approx(1.0)  # at the last rank everything is found
        answered = one.pr_radius.answered > 0
        assert list(radius.y) == one.pr_radius.precision[answered].tolist()


@pytest.mark.parametrize("count", [1, 3, 20])
def test_every_line_of_a_plot_has_its_own_look_and_a_place_in_the_legend(
    tmp_path: Path, count: int
) -> None:
    lines = [PlotLine(f"line {i}, {'long ' * 12}", [0, 1], [i + 1, i + 1]) for i in range(count)]
    panel = LinePanel("panel", "across", "up", lines)
    write_png(tmp_path / "plot.png", draw_panels([panel] * 2, title="title " * 60))
    picture = Image.open(tmp_path / "plot.png").convert("RGB")
    assert picture.height > 396  # a panel of 3.6 inches at 110 dots, and the legend
    colours = {"#1f3a5f", "#d1495b", "#2a9d8f"} if count >= 3 else {"#1f3a5f"}
    for colour in colours:
        assert pixels_of(picture, colour) > 500


def test_a_plot_without_panels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one panel"):
        draw_panels([], title="nothing")
