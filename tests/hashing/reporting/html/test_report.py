"""``chainpipe report``: what the page says is what the folders and ``eval`` say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.hashing.model_folder.folder import read_facts, write_facts
from chainpipe.hashing.monitoring.history import history_csv, read_history
from chainpipe.hashing.reporting.html.page import write_report
from chainpipe.hashing.runs.train_command import train_command
from chainpipe.pipeline.errors import DamageError, StorageError
from tests.browser import errors_of, open_browser
from tests.hashing.reporting.html.page_reader import ReadPage, read_page

MakeStore = Callable[..., Path]
EVIL = '<script>document.title="owned"<&"b'
TINY = (
    *("input.dims=8", "encoder.hidden_dim=16", "encoder.num_heads=2"),
    *("encoder.feed_forward_dim=16", "optim.epochs=3", "optim.batch_size=16"),
    *("validation.fraction=0.5", "contrastive.temperature=0.4"),
)
SETTINGS = [word for value in TINY for word in ("--set", value)]


class Library:
    """A labelled store and two models in a working folder."""

    def __init__(self, home: Path) -> None:
        self.store, self.chain, self.lsh = home / "feats.h5", home / EVIL, home / "lsh"

    def train(self) -> None:
        run("train", self.store, "--bits", 8, "--out", self.chain, *SETTINGS)
        run("train", self.store, "--bits", 12, "--method", "lsh", "--out", self.lsh)


def run(*words: object) -> None:
    assert command.run([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def trained() -> dict[str, Path]:
    """Where the store and the models lie that the first test made: each test gets a copy."""
    return {}


@pytest.fixture
def library(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    make_store: MakeStore,
    planted: np.ndarray,
    trained: dict[str, Path],
) -> Library:
    if not trained:
        make_store(planted, labels=[f"class {i % 4}" for i in range(len(planted))])
        Library(tmp_path).train()
        trained["home"] = tmp_path_factory.mktemp("trained") / "home"
        trained["home"].mkdir()
        for path in list(tmp_path.iterdir()):
            shutil.move(path, trained["home"])
    home = shutil.copytree(trained["home"], tmp_path / "home")
    monkeypatch.chdir(home)
    return Library(home)


def report(*words: object, out: str = "report.html") -> ReadPage:
    run("report", *words, "--out", out)
    return read_page(Path(out).read_text())


def test_scores_and_curves_are_those_of_eval(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    page = report(library.chain, library.lsh)
    capsys.readouterr()
    run("eval", "--model", library.chain, "--model", library.lsh, "--json")
    found = json.loads(capsys.readouterr().out)["models"]
    rows = page.tables["feats.h5, leave-one-out: 40 queries in 40 videos"][1:]
    for row, one in zip(rows, found, strict=True):
        scores = [one["map"]["5"], one["map"]["20"], one["map"]["100"], one["map_min"]["20"]]
        scores += [one["map_tied"]["20"], one["precision"]["20"], one["recall"]["100"]]
        scores += [one["precision_radius_2"], one["gmap"]]
        assert [float(cell) for cell in row[2:]] == pytest.approx(scores, abs=6e-5)
    for start, name in (("precision over recall by rank", "pr_rank"), ("mAP@K", "map")):
        for line, one in zip(page.chart(start), found, strict=True):
            if name == "map":
                truth = [(float(k), value) for k, value in one["map"].items()]
            else:
                curve = one["pr_rank"]
                truth = list(zip(curve["recall"], curve["precision"], strict=True))
            assert np.array(line) == pytest.approx(
                np.array(truth), abs=0.3 if name == "map" else 2e-3
            )
    assert {"script", "img"} & page.tags == set()
    links = re.findall(r"<link[^>]*>", Path("report.html").read_text())
    assert [link.startswith('<link rel="icon" href="data:') for link in links] == [True]


def test_losses_settings_and_health_are_those_of_the_folder(library: Library) -> None:
    run("encode", "--model", library.chain)
    page = report(library.chain)
    with (library.chain / "history.csv").open() as file:
        names = file.readline().strip().split(",")
    table = np.genfromtxt(library.chain / "history.csv", delimiter=",", skip_header=1)
    for metric in ("loss", "contrastive", "order_accuracy"):
        lines = page.chart(metric.replace("_", " ") + ":")
        span = np.ptp([y for line in lines for _, y in line])
        for line, key in zip(lines, (metric, "val_" + metric), strict=True):
            truth = table[:, [names.index("epoch"), names.index(key)]]
            truth = truth[np.isfinite(truth).all(axis=1)]
            values = np.array(line)
            assert values[:, 0] == pytest.approx(truth[:, 0], abs=0.02)
            assert values[:, 1] == pytest.approx(truth[:, 1], abs=span / 1000 + 1e-9)
    config = json.loads((library.chain / "config.json").read_text())["model"]["config"]
    shown = dict(page.tables[f"All settings of {EVIL}"][1:])
    assert shown == {f"{s}.{k}": str(v) for s, part in config.items() for k, v in part.items()}
    with np.load(library.chain / "codes.npz") as codes:
        bits = np.unpackbits(codes["codes"], axis=1, bitorder="little")[:, :8].astype(float)
    balance = np.mean(1 - np.abs(2 * bits.mean(axis=0) - 1))
    distinct = len(np.unique(bits, axis=0)) / len(bits)
    [row] = page.tables["Codes of the library, without labels"][1:]
    assert float(row[3]) == pytest.approx(balance, abs=6e-4)
    assert float(row[7]) == pytest.approx(distinct, abs=6e-4)


def test_the_command_trains_the_same_model(library: Library) -> None:
    facts = read_facts(library.chain)
    words = shlex.split(train_command(facts).line)
    assert {f"{k}={v}" for k, v in train_command(facts).changed.items()} == set(TINY)
    run(*words[1:], "--out", "again")
    assert read_facts(Path("again")).weights_sha256 == facts.weights_sha256
    run("train", library.store, "--bits", 8, "--paper", "--set", "optim.epochs=0", "--out", "paper")
    words = shlex.split(train_command(read_facts(Path("paper"))).line)
    assert "--paper" in words
    assert words[-2:] == ["--set", "optim.epochs=0"]


def test_signatures_of_the_history_are_told(library: Library) -> None:
    history = [
        {"epoch": float(epoch), "loss": 1.0, "val_bit_entropy": 0.1, "val_dead_bits": 0.5}
        | {"val_bit_correlation": 0.9, "val_neighbours_kept": 0.5, "val_halves_found": 0.5}
        | {"val_distinct_codes": 1.0}
        for epoch in range(3)
    ]
    (library.chain / "history.csv").write_bytes(history_csv(history))
    page = report(library.chain)
    assert page.tables["Models"][1][-1] == "collapsed bits"
    assert any("50% of the bits hardly ever change" in item for item in page.items)


def test_what_a_model_lacks_is_said(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    run("eval", "--model", library.lsh)
    library.store.rename("away")
    page = report(library.lsh, library.chain)
    assert (
        "lsh: not evaluated: the store that the model was trained on is gone: feats.h5"
        in page.items
    )
    kept = json.loads((library.lsh / "quality.json").read_text())["measured"][0]["map"]["20"]
    assert float(page.tables["Models"][1][5]) == pytest.approx(kept, abs=6e-5)
    assert page.tables["Models"][2][4:7] == ["-"] * 3
    assert "No epochs and so no losses: lsh." in page.items
    assert str(library.store.parent) not in Path("report.html").read_text()


def test_a_store_without_labels_has_health_but_no_scores(
    library: Library, make_store: MakeStore, planted: np.ndarray
) -> None:
    plain = make_store(planted, name="plain.h5")
    page = report(library.lsh, "--store", plain)
    assert any("no video that could ask has a label" in item for item in page.items)
    assert page.tables["Codes of the library, without labels"][1][2] == "40"


def test_experiments_are_summarised(library: Library) -> None:
    Path("classes.txt").write_text("class 0\nclass 1\n")
    words = ["--seeds", 2, "--rows", "lsh", "--rows", "pca-itq"]
    run("experiment", "methods", library.store, "--bits", 8, *words, "--apart", "classes.txt")
    words = ["--bytes", 1, "--seeds", 2, "--rows", "lsh", "--new-content", "classes.txt"]
    run("experiment", "rivals", library.store, *words)
    page = report(
        library.lsh, "--experiment", "experiments/methods", "--experiment", "experiments/rivals"
    )
    results = [
        json.loads(path.read_text())
        for path in sorted(Path("experiments/methods/runs/feats").glob("lsh-*.json"))
    ]
    mean = np.mean([one["scores"]["all"]["map"]["20"] for one in results])
    row = next(row for row in page.tables["methods: feats, 8 bits"] if row[0] == "lsh")
    assert float(row[4].split(" ±")[0]) == pytest.approx(mean, abs=6e-4)
    assert "methods: the listed classes only" in page.tables
    rivals = [
        json.loads(p.read_text())
        for p in Path("experiments/rivals/runs/feats/new-rest").glob("*.json")
    ]
    [_, row] = page.tables["feats: new content, trained on the listed classes"]
    mean = np.mean([one["scores"]["map@20"] for one in rivals])
    assert float(row[2].split(" ±")[0]) == pytest.approx(mean, abs=6e-4)
    assert not any("New content was not measured" in item for item in page.items)
    assert any("Copies were not measured" in item for item in page.items)
    broken = next(Path("experiments/methods/runs/feats").glob("lsh-*.json"))
    broken.write_text("{")
    assert command.run(["report", str(library.lsh), "--experiment", "experiments/methods"]) == 4


def test_the_page_in_a_browser(library: Library) -> None:
    report(library.chain, library.lsh)
    with open_browser() as browser:
        for width in (360, 1400):
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": 800}, color_scheme=scheme
                )
                page = context.new_page()
                errors = errors_of(page)
                page.goto(Path("report.html").resolve().as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert page.title() == f"{EVIL}, lsh"
                assert page.locator("h1").inner_text() == f"{EVIL}, lsh"
                assert page.locator("svg path.line").count() > 20
                assert page.evaluate(LEAST_CONTRAST) >= 4.5
                page.keyboard.press("Tab")
                assert page.evaluate("document.activeElement.className") == "skip"
                assert errors == []
                if width == 1400:
                    page.set_viewport_size({"width": 720, "height": 1000})  # of a sheet of paper
                    page.emulate_media(media="print")
                    assert page.evaluate("document.documentElement.scrollWidth") == 720
                    assert page.pdf().startswith(b"%PDF")
                context.close()


LEAST_CONTRAST = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = parse(c).map((v) => {
      v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (parse(c)[3] !== 0) return c; }
    return "rgb(255, 255, 255)"; };
  let least = 21;
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest("svg") ? style.fill : style.color), light(behind(e))];
    least = Math.min(least, (Math.max(a, b) + .05) / (Math.min(a, b) + .05)); }
  return least; }"""


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    capsys.readouterr()
    code = command.run(["report", *(str(word) for word in words)])
    return code, capsys.readouterr().err


def test_bad_input_is_refused(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.html").write_text("my own page")
    report(library.lsh)
    report(library.lsh)  # a report may be replaced
    for words, code, told in (
        ([library.lsh, "--out", "report.pdf"], 2, "cannot write the report `report.pdf`"),
        ([library.lsh, "--out", "notes.html"], 2, "`notes.html` is there and is no report"),
        ([library.lsh, library.lsh], 2, "is given twice"),
        ([library.lsh, "--protocol", "best"], 2, "no protocol `best`"),
        ([library.lsh, "--protocol", "split"], 2, "the protocol does not fit"),
        ([library.lsh, "--store", "nowhere.h5"], 10, "nowhere.h5"),
        ([library.lsh, "--experiment", "lsh"], 10, "no finished run of an experiment in `lsh`"),
        (["nothing"], 10, "no model in `nothing`"),
        ([library.lsh, "--out", "notes.html/report.html"], 5, "cannot write"),
    ):
        assert refused(capsys, *words)[0] == code
        assert told in refused(capsys, *words)[1]
    assert Path("notes.html").read_text() == "my own page"
    facts = read_facts(library.lsh)
    used = {"kind": "loss", "name": "mine", "file": "mine.py", "sha256": "00"}
    write_facts(library.lsh, replace(facts, data={**facts.data, "plugins": [used]}))
    assert refused(capsys, library.lsh)[0] == 2
    assert "load it by `--plugin mine.py`" in refused(capsys, library.lsh)[1]
    (library.chain / "history.csv").write_text("epoch,loss\n1,much\n")
    assert refused(capsys, library.chain)[0] == 4


def test_a_damaged_history_and_a_full_disk_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    assert read_history(path) == []
    rows = [{"epoch": 1.0, "loss": 0.25}, {"epoch": 2.0, "loss": 0.125, "val_loss": 3.0}]
    path.write_bytes(history_csv(rows))
    assert read_history(path) == rows
    path.write_text("epoch\n1,2,3\n")
    with pytest.raises(DamageError, match="altered"):
        read_history(path)
    shutil.rmtree(tmp_path)
    with pytest.raises(StorageError):
        write_report(tmp_path / "report.html", "")
