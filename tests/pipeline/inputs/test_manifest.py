"""A manifest names the right videos, whatever they are called, and says which line is wrong."""

import json
import os
from pathlib import Path

import pytest

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.inputs.manifest import FOLDERS, Manifest, read_manifest
from chainpipe.pipeline.records import Split, VideoItem

ODD_NAMES = [
    b"-rf.mp4",
    b"new\nline.mp4",
    b"quote\"'.mp4",
    b"%03d.mp4",
    b"concat:a|b.mp4",
    b"not utf-8 \xff\xfe.mp4",
    "\u202etfel-ot-thgir.mp4".encode(),
    "\u00e9.mp4".encode(),
    "e\u0301.mp4".encode(),
    b"x" * 251 + b".mp4",
]


def touch(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).touch()


def paths(manifest: Manifest) -> list[bytes]:
    return [item.path for item in manifest.items]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8", errors="surrogateescape")
    return path


def test_a_folder_gives_its_videos_at_any_depth_sorted_by_bytes(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a/z.webm", "a/b/c.GIF", "B.mkv", "notes.txt", "a/cover.jpg")
    assert paths(read_manifest(tmp_path)) == [b"B.mkv", b"a/b/c.GIF", b"a/z.webm", b"b.mp4"]


def test_the_first_folder_is_the_label_where_that_is_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.mp4", "cat/deep/2.mp4", "3.mp4", b"caf\xe9/4.mp4")
    labels = {item.path: item.labels for item in read_manifest(tmp_path, FOLDERS).items}
    assert labels == {
        b"cat/1.mp4": ("cat",),
        b"cat/deep/2.mp4": ("cat",),
        b"3.mp4": (),
        b"caf\xe9/4.mp4": ("caf\ufffd",),
    }


def test_nobody_labels_a_video_unasked(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.mp4")
    assert read_manifest(tmp_path).items == (VideoItem(b"cat/1.mp4", None, None),)


def test_folders_label_what_a_list_does_not(tmp_path: Path) -> None:
    bare = write(tmp_path / "list.csv", "path,split", "cat/1.mp4,test")
    assert read_manifest(bare, FOLDERS).items == (VideoItem(b"cat/1.mp4", ("cat",), Split.TEST),)
    labelled = write(tmp_path / "list.csv", "path,label", "cat/1.mp4,tiger")
    assert read_manifest(labelled, FOLDERS).items == (VideoItem(b"cat/1.mp4", ("tiger",)),)


def test_a_file_may_be_called_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "videos/cat/1.mp4")
    write(tmp_path / "folders", "path,label", "videos/cat/1.mp4,tiger")
    with pytest.raises(UsageError, match=r"`.*/folders` is neither a folder nor a list"):
        read_manifest(tmp_path / "videos", Path("./folders"))


def test_hidden_names_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4", "._1.mp4", ".Trash/2.mp4")
    assert paths(read_manifest(tmp_path)) == [b"1.mp4"]


def test_odd_names_come_back_byte_for_byte(tmp_path: Path) -> None:
    touch(tmp_path, *ODD_NAMES)
    manifest = read_manifest(tmp_path)
    assert paths(manifest) == sorted(ODD_NAMES)
    assert all(manifest.path_of(item).is_file() for item in manifest.items)


def test_a_folder_named_like_a_video_is_entered_but_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "odd.mp4/1.mp4")
    assert paths(read_manifest(tmp_path)) == [b"odd.mp4/1.mp4"]


def test_linked_folders_are_entered_only_on_request(tmp_path: Path) -> None:
    touch(tmp_path, "in/1.mp4", "out/2.mp4")
    (tmp_path / "in/link").symlink_to(tmp_path / "out")
    assert paths(read_manifest(tmp_path / "in")) == [b"1.mp4"]
    followed = read_manifest(tmp_path / "in", follow_symlinks=True)
    assert paths(followed) == [b"1.mp4", b"link/2.mp4"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert paths(read_manifest(tmp_path, follow_symlinks=True)) == [b"a/1.mp4"]


def test_a_relative_root_is_stored_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "videos/1.mp4")
    monkeypatch.chdir(tmp_path)
    manifest = read_manifest(Path("videos"))
    assert manifest.root == os.fsencode(tmp_path / "videos")
    assert repr(manifest) == f"Manifest({str(tmp_path / 'videos')!r}, 1 videos)"


@pytest.mark.parametrize("name", ["missing", "missing.csv"])
def test_a_missing_input_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no `.*{name}`"):
        read_manifest(tmp_path / name)


def test_an_empty_folder_is_named_and_the_hint_lists_suffixes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no videos in") as caught:
        read_manifest(tmp_path)
    assert ".mp4" in str(caught.value.hint)


def test_a_file_that_is_no_list_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "list.doc")
    with pytest.raises(UsageError, match="neither a folder nor a list"):
        read_manifest(tmp_path / "list.doc")


def test_a_folder_that_must_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(folder: bytes) -> object:  # root may read every folder, so its mode proves nothing
        raise PermissionError(13, "Permission denied", folder)

    touch(tmp_path, "locked/1.mp4")
    monkeypatch.setattr("chainpipe.pipeline.inputs.manifest.os.scandir", locked)
    with pytest.raises(UsageError, match=r"cannot read folder `.*`: Permission denied"):
        read_manifest(tmp_path)


EXPECTED = (
    VideoItem(b"b.mp4", ("cat", "indoor"), Split.TRAIN),
    VideoItem(b"sub/a.mp4", (), Split.NONE),
    VideoItem(b"c.mp4", ("dog",), Split.DATABASE),
)


def test_a_csv_keeps_its_order_labels_and_splits(tmp_path: Path) -> None:
    lines = ["path,label,split", "./b.mp4,cat; indoor,train", "sub//a.mp4,,", "c.mp4,dog,Database"]
    manifest = read_manifest(write(tmp_path / "list.csv", *lines))
    assert manifest == Manifest(os.fsencode(tmp_path), EXPECTED)


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"path": "b.mp4", "label": ["cat", "indoor"], "split": "train"},
        {"path": "sub/a.mp4", "label": None, "split": None},
        {"path": str(tmp_path / "c.mp4"), "label": "dog", "split": "database"},
    ]
    lines = [json.dumps(row) for row in rows]
    manifest = read_manifest(write(tmp_path / "list.jsonl", lines[0], "", *lines[1:]))
    assert manifest == Manifest(os.fsencode(tmp_path), EXPECTED)


def test_a_list_written_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b'\xef\xbb\xbfpath,label\r\n"a,b.mp4","two\nlines"\r\n')
    assert read_manifest(file).items == (VideoItem(b"a,b.mp4", ("two\nlines",)),)


def test_a_table_with_an_index_of_its_own_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", ",path,label", "0,a.mp4,x", "1,b.mp4,y")
    assert read_manifest(file).items == (
        VideoItem(b"a.mp4", ("x",)), VideoItem(b"b.mp4", ("y",))
    )  # fmt: skip


def test_odd_names_survive_lists(tmp_path: Path) -> None:
    names = [os.fsdecode(name) for name in ODD_NAMES]
    jsonl = write(tmp_path / "list.jsonl", *(json.dumps({"path": name}) for name in names))
    assert paths(read_manifest(jsonl)) == ODD_NAMES
    cells = ['"' + name.replace('"', '""') + '"' for name in names]
    assert paths(read_manifest(write(tmp_path / "list.csv", "path", *cells))) == ODD_NAMES


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["video,label", "a.mp4,x"], "line 1 has no `path`"),
        (["path,Path", "a.mp4,x"], "line 1: a column is there twice"),
        (["path,split", "a.mp4,train", "b.mp4,dev"], "line 3: unknown split `dev`"),
        (["path", "a.mp4", "b.mp4", "./a.mp4"], "line 4: `a.mp4` is there twice"),
        (["path,label", ",x"], "line 2: `` is no path"),
        (["path,label", "a.mp4,x,y"], "line 2: `y` is below no column"),
        (["path,label,,", "a,b.mp4,x,"], "line 2: `x` is below no column"),
        (["path;label", "a;b.mp4;x"], "line 2: `x` is below no column"),
        (["path", '"a.mp4'], "line 2: unexpected end of data"),
        (["path", "a\0.mp4"], "line 2"),
        (["", "", "Pfad;Klasse"], "line 3 has no `path`; it was read as UTF-8, separated by semi"),
        (["sep=:", "file:label"], "line 2 has no `path`; .* separated by `:`: `file`, `label`"),
        (["path"], "no videos in"),
        ([], "line 1 has no `path`: the list is empty"),
    ],
)
def test_a_wrong_csv_line_is_named(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_manifest(write(tmp_path / "list.csv", *lines))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not an object"),
        ('{"label": "x"}', "line 2 has no `path`"),
        ('{"path": 3}', "line 2: `3` is no path"),
        ('{"path": "b.mp4", "label": 3}', "line 2: label 3 is no text"),
        ('{"path": "b.mp4", "label": [3]}', r"line 2: label \[3\] is no text"),
        ('{"path": "b.mp4", "Path": "x"}', "line 2: a column is there twice"),
        ('{"path": "b.mp4", "label": "\\ud800"}', "line 2: label .* is no text"),
        ('{"path": "\\ud800.mp4"}', "line 2: `.*` is no path"),
        ('{"path": "x/../a.mp4"}', "line 2: `a.mp4` is there twice"),
    ],
)
def test_a_wrong_json_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_manifest(write(tmp_path / "list.jsonl", '{"path": "a.mp4"}', line))


def test_a_list_of_labels_wins_where_it_speaks(tmp_path: Path) -> None:
    touch(tmp_path, "videos/cat/1.mp4", "videos/cat/2.mp4", "videos/dog/3.mp4")
    lines = ["path,label", "videos/cat/1.mp4,tiger", "videos/dog/3.mp4,", "elsewhere.mp4,x"]
    labels = write(tmp_path / "labels.csv", *lines)
    items = read_manifest(tmp_path / "videos", labels).items
    assert [item.labels for item in items] == [("tiger",), None, ()]


def test_labels_may_be_relative_to_the_videos_and_give_splits_only(tmp_path: Path) -> None:
    touch(tmp_path, "videos/cat/1.mp4", "videos/cat/2.mp4")
    labels = write(tmp_path / "labels.csv", "path,split", "cat/1.mp4,query")
    items = read_manifest(tmp_path / "videos", labels).items
    assert [(item.labels, item.split) for item in items] == [
        (None, Split.QUERY),
        (None, None),
    ]


def test_labels_that_fit_no_video_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "videos/1.mp4")
    labels = write(tmp_path / "labels.csv", "path,label", "2.mp4,x")
    with pytest.raises(UsageError, match=r"no line of `.*labels.csv` names one of the videos"):
        read_manifest(tmp_path / "videos", labels)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.csv").mkdir()
    touch(tmp_path, "videos/1.mp4")
    with pytest.raises(UsageError, match=r"cannot read `.*list.csv`"):
        read_manifest(tmp_path / "videos", tmp_path / "list.csv")


TABLE = [("Path", "Label", "Split"), ("cat/1.mp4", "cat;indoor", "train"), ("2.mp4", "café", "val")]
TABLE_ITEMS = (
    VideoItem(b"cat/1.mp4", ("cat", "indoor"), Split.TRAIN),
    VideoItem(b"2.mp4", ("café",), Split.VAL),
)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("told", [False, True])
def test_a_table_of_any_spreadsheet_is_read(
    tmp_path: Path, separator: str, end: str, encoding: str, told: bool
) -> None:
    rows = [separator.join(f'"{cell}"' for cell in row) + 2 * separator for row in TABLE]
    blank = 4 * separator
    lines = [f"sep={separator}"] * told + [rows[0], "", rows[1], blank, rows[2], "", blank]
    file = tmp_path / "list.csv"
    file.write_bytes((end.join(lines) + end).encode(encoding))
    manifest = read_manifest(file)
    assert (manifest.items, manifest.notes) == (TABLE_ITEMS, ())


@pytest.mark.parametrize("suffix", [".tsv", ".TXT", ".csv"])
def test_other_columns_are_ignored_and_told_once(tmp_path: Path, suffix: str) -> None:
    lines = ["id\tpath\tNotes\tsplit", "1\ta.mp4\tnice\ttest", "2\tb.mp4\t\tValidation"]
    manifest = read_manifest(write(tmp_path / f"list{suffix}", *lines))
    expected = VideoItem(b"a.mp4", None, Split.TEST), VideoItem(b"b.mp4", None, Split.VAL)
    assert manifest.items == expected
    (note,) = manifest.notes
    assert note.endswith("ignored: `id`, `notes`")
    rows = ['{"path": "a.mp4", "n": 1}', '{"Path": "b.mp4", "n": 2, "m": 0}']
    (note,) = read_manifest(write(tmp_path / "list.jsonl", *rows)).notes
    assert note.endswith("ignored: `n`, `m`")


def test_the_first_ignored_columns_are_named(tmp_path: Path) -> None:
    columns = ",".join(f"c{number}" for number in range(20))
    (note,) = read_manifest(write(tmp_path / "list.csv", f"path,{columns}", "a.mp4")).notes
    assert note.endswith("`c6`, `c7` ...")


@pytest.mark.parametrize("cut", [1, 3])
def test_a_cut_list_in_two_byte_letters_is_named(tmp_path: Path, cut: int) -> None:
    data = "path\na.mp4\n".encode("utf-16")
    (tmp_path / "list.csv").write_bytes(data[:-cut])
    with pytest.raises(UsageError, match=r"list.csv` is UTF-16 and breaks off at byte"):
        read_manifest(tmp_path / "list.csv")


OTHER_SPELLINGS = [
    (b"cat\\1.mp4", b"cat/1.mp4"),
    (b".\\cat\\1.mp4", b"cat/1.mp4"),
    (b" cat/1.mp4 ", b"cat/1.mp4"),
    ("caf\u00e9/1.mp4".encode(), "cafe\u0301/1.mp4".encode()),
    ("cafe\u0301/1.mp4".encode(), "caf\u00e9/1.mp4".encode()),
    ("caf\u00e9\\\u00fc.mp4".encode(), "cafe\u0301/u\u0308.mp4".encode()),
    (b"caf\xe9/1.mp4", "caf\u00e9/1.mp4".encode()),
]


@pytest.mark.parametrize(("listed", "path"), OTHER_SPELLINGS)
def test_a_path_that_another_system_wrote_is_found(
    tmp_path: Path, listed: bytes, path: bytes
) -> None:
    touch(tmp_path, path, b"other.mp4")
    file = tmp_path / "list.csv"
    file.write_bytes(b"path,label\n" + listed + b",x\n")
    assert read_manifest(file).items == (VideoItem(path, ("x",)),)
    items = read_manifest(tmp_path, file).items
    assert {item.path: item.labels for item in items} == {path: ("x",), b"other.mp4": None}


@pytest.mark.parametrize(
    ("listed", "path"), [pair for pair in OTHER_SPELLINGS if not pair[0].startswith(b".")]
)
def test_a_file_that_is_spelled_as_listed_comes_first(
    tmp_path: Path, listed: bytes, path: bytes
) -> None:
    touch(tmp_path, path, listed)
    file = tmp_path / "list.csv"
    file.write_bytes(b"path,label\n" + listed + b",x\n")
    literal = os.path.normpath(listed)
    assert paths(read_manifest(file)) == [literal]
    found = {
        item.path: item.labels for item in read_manifest(tmp_path, file, any_suffix=True).items
    }
    assert found[path] is None
    assert found[literal] == ("x",)


def test_two_spellings_of_one_file_are_there_twice(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.mp4")
    with pytest.raises(UsageError, match=r"line 3: `cat/1.mp4` is there twice"):
        read_manifest(write(tmp_path / "list.csv", "path", "cat/1.mp4", r"cat\1.mp4"))


def test_lines_of_labels_that_fit_no_video_are_counted_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4", "2.mp4")
    lines = ["path,label", "1.mp4,x", "no/3.mp4,x", "4.mp4,x", "5.mp4,y", "6.mp4,y"]
    manifest = read_manifest(tmp_path, write(tmp_path / "list.csv", *lines))
    told = "fit no video: `no/3.mp4`, `4.mp4`, `5.mp4` ..."
    assert manifest.notes == (f"4 lines of `{tmp_path / 'list.csv'}` {told}",)
    assert [item.labels for item in manifest.items] == [("x",), None]
    one = read_manifest(tmp_path, write(tmp_path / "list.csv", *lines[:3]))
    assert one.notes[-1].startswith("1 line of")
    assert one.notes[-1].endswith("fits no video: `no/3.mp4`")


def test_what_is_passed_over_is_counted_by_suffix(tmp_path: Path) -> None:
    names = "1.mp4", "a.TXT", "b.txt", "deep/c.jpg", "README", ".hidden.txt"
    touch(tmp_path, *names)
    manifest = read_manifest(tmp_path)
    assert paths(manifest) == [b"1.mp4"]
    told = "passed over 4 files by suffix: 2 .txt, 1 without one, 1 .jpg"
    assert manifest.notes == (f"{told}; `--any-suffix` reads them, too",)
    touch(tmp_path, "feats.h5", "list.csv", "more.zarr/feats/c/0", "feats.h5.parts/journal.sqlite")
    assert read_manifest(tmp_path).notes == manifest.notes
    more = read_manifest(tmp_path, any_suffix=True)
    assert paths(more) == [b"1.mp4", b"README", b"a.TXT", b"b.txt", b"deep/c.jpg"]


def test_a_folder_without_videos_says_what_was_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.doc", "b.doc")
    with pytest.raises(UsageError, match=r"no videos in .*; passed over 2 files by suffix: 2 .doc"):
        read_manifest(tmp_path)


def test_many_suffixes_are_told_in_short(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4", *(f"{n}.s{n}" for n in range(9)), "10.s1")
    (note,) = read_manifest(tmp_path).notes
    assert "passed over 10 files by suffix: 2 .s1, " in note
    assert "3 others" in note


def test_a_label_is_one_whatever_its_unicode_form(tmp_path: Path) -> None:
    touch(tmp_path, "cafe\u0301/1.mp4", "2.mp4")
    listed = write(tmp_path / "list.csv", "path,label", "2.mp4,cafe\u0301;caf\u00e9")
    items = read_manifest(tmp_path, FOLDERS).items + read_manifest(listed).items
    assert [item.labels for item in items] == [(), ("caf\u00e9",), ("caf\u00e9",)]
