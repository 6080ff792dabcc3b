"""The JSON API of a real server process: answers are those of the command line."""

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainpipe.hashing.retrieval.codes import read_codes
from tests.chainpipe.server.server_process import Server, run

KEYS = ("rank", "path", "id", "distance", "similarity", "answer")


def told_by_search(home: Path, *words: object) -> list[dict[str, object]]:
    lines = run(home, "search", *words, "--json", "--store", "feats.h5").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return [{key: one[key] for key in KEYS} for one in found if one["path"] is not None]


def ids_of(home: Path) -> dict[str, str]:
    codes = read_codes(home / "models/feats-lsh-32/codes.npz")
    return {
        os.fsdecode(path): bytes(one).hex()
        for path, one in zip(codes.paths, codes.video_ids, strict=True)
    }


def test_answers_are_those_of_search(shelf: Path, server: Server) -> None:
    row = server.ask("/search?row=2&k=4").json
    assert row["results"] == told_by_search(shelf, "2.mp4", "-k", 4)
    by_id = server.ask(f"/api/search?id={ids_of(shelf)['2.mp4'][:12]}&k=4").json
    assert by_id == row
    assert server.post("/search", {"row": 2, "k": 4}).json == row
    plain = server.ask("/search?row=2&k=4&distance=hamming").json["results"]
    assert plain == told_by_search(shelf, "2.mp4", "-k", 4, "--distance", "hamming")
    real = server.ask("/search?row=2&k=4&distance=asymmetric").json["results"]
    assert real == told_by_search(shelf, "2.mp4", "-k", 4, "--distance", "asymmetric")


def test_an_uploaded_file_is_searched_for(shelf: Path, server: Server) -> None:
    new = (shelf / "clips/5.mp4").read_bytes()
    reply = server.send("/search", new, "5.mp4", k=3)
    assert reply.json["query"] == "5.mp4"
    assert reply.json["results"] == told_by_search(shelf, "clips/5.mp4", "-k", 3)
    known = server.send("/api/search", (shelf / "clips/0.mp4").read_bytes(), k=3).json["results"]
    assert {(one["path"], one["answer"]) for one in known[:2]} == {
        ("0.mp4", "copy"), ("twin.mp4", "copy"),
    }  # fmt: skip
    picture = io.BytesIO()
    Image.fromarray(np.zeros((64, 96, 3), np.uint8) + 90).save(picture, "PNG")
    assert server.send("/search", picture.getvalue(), "still.png").status == 200
    assert [path for path in shelf.glob("chainpipe-serve-*/uploads/*")] == []


def test_codes_of_uploads_are_those_of_the_codes_file(shelf: Path, server: Server) -> None:
    codes = read_codes(shelf / "models/feats-lsh-32/codes.npz")
    row = list(codes.paths).index(b"3.mp4")
    data = (shelf / "clips/3.mp4").read_bytes()
    known = server.send("/encode", data).json
    other = server.send("/encode", data + b"\0\0\0\x08free").json  # other bytes, same pictures
    assert known["code"] == other["code"] == bytes(codes.packed[row]).hex()
    assert (known["in_library"], other["in_library"], known["bits"]) == (True, False, 32)
    assert (known["id"], other["id"]) == (ids_of(shelf)["3.mp4"], sha256(data + b"\0\0\0\x08free"))


def sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def test_duplicates_are_those_of_dedup_and_decisions_are_kept(shelf: Path) -> None:
    told = [json.loads(x) for x in run(shelf, "dedup", "feats.h5", "--json").stdout.splitlines()]
    ids = ids_of(shelf)
    with Server(shelf, "--no-build", "--decisions", "made.jsonl") as server:
        found = server.ask("/duplicates").json
        pairs = [
            {k: v for k, v in pair.items() if k not in ("id_a", "id_b", "decision")}
            for pair in found["pairs"]
        ]
        drop = ("distance", "score")
        plain = [{k: v for k, v in one.items() if k not in drop} for one in pairs]
        assert plain == [{k: v for k, v in x.items() if k not in drop} for x in told if "a" in x]
        assert found["total"] == len(pairs)
        copy = server.ask("/api/duplicates?answer=copy&limit=1").json["pairs"][0]
        assert {copy["a"], copy["b"]} == {"0.mp4", "twin.mp4"}
        line = {"schema": 1, "a": ids["1.mp4"], "b": ids["2.mp4"], "decision": "ignore"}
        made = server.post("/api/decisions", line | {"path_a": "/etc/passwd", "path_b": "x"})
        assert (made.status, made.json) == (201, line | {"path_a": "1.mp4", "path_b": "2.mp4"})
        words = [("accept", "ignore")[n % 2] for n in range(12)]
        with ThreadPoolExecutor(12) as pool:
            replies = pool.map(lambda w: server.post("/decisions", line | {"decision": w}), words)
            assert [reply.status for reply in replies] == [201] * 12
        kept = server.ask("/decisions").json["decisions"]
        assert kept == [json.loads(x) for x in (shelf / "made.jsonl").read_text().splitlines()]
        assert sorted(one["decision"] for one in kept[1:]) == sorted(words)
        for pair in server.ask("/duplicates").json["pairs"]:
            both = {pair["id_a"], pair["id_b"]} == {ids["1.mp4"], ids["2.mp4"]}
            assert pair["decision"] == (kept[-1]["decision"] if both else None)
        (shelf / "made.jsonl").write_text("broken\n")
        assert server.post("/decisions", line).code == "server_files"
        assert (shelf / "made.jsonl").read_text() == "broken\n"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/search", 400, "no_query"),
        ("/search?row=0&id=00000000", 400, "no_query"),
        ("/search?row=99", 404, "not_found"),
        ("/search?row=-1", 404, "not_found"),
        ("/search?row=many", 400, "bad_value"),
        ("/search?id=0123", 400, "bad_value"),
        ("/search?id=../../etc/passwd", 400, "bad_value"),
        ("/search?id=0000000000", 404, "not_found"),
        ("/search?row=0&k=0", 400, "bad_value"),
        ("/search?row=0&k=1001", 400, "bad_value"),
        ("/search?row=0&distance=cosine", 400, "bad_value"),
        ("/duplicates?answer=twins", 400, "bad_value"),
        ("/duplicates?limit=0", 400, "bad_value"),
        ("/nothing", 404, "http"),
        ("/../feats.h5", 404, "http"),
        ("/%2e%2e/feats.h5", 404, "http"),
        ("/..%2ffeats.h5", 404, "http"),
        ("//etc/passwd", 404, "http"),
        ("/leak.json", 404, "http"),
    ],
)
def test_what_is_refused(shelf: Path, server: Server, path: str, status: int, code: str) -> None:
    leak = shelf / "gallery/leak.json"
    leak.unlink(missing_ok=True)
    leak.symlink_to(shelf / "models/feats-lsh-32/config.json")
    reply = server.ask(path)
    assert (reply.status, reply.code) == (status, code)


def test_bodies_that_are_refused(server: Server) -> None:
    text = {"Content_Type": "text/plain"}
    json_ = {"Content_Type": "application/json"}
    ids = ["0" * 64, "1" * 64]
    unknown = {"schema": 1, "a": ids[0], "b": ids[1], "decision": "ignore"}
    cut = b"--x\r\nContent-Disposition: form-data; name=file; filename=a.mp4\r\n\r\nabc"
    kind = {"Content_Type": "multipart/form-data; boundary=x"}
    long = {"Content_Type": f"multipart/form-data; boundary={'x' * 300}"}
    no_file = b"--x\r\nContent-Disposition: form-data; name=k\r\n\r\n3\r\n--x--\r\n"
    many = b"".join(
        b"--x\r\nContent-Disposition: form-data; name=f%d\r\n\r\n1\r\n" % n for n in range(9)
    )
    for path, body, headers, status, code in (
        ("/search", b"row=0", text, 415, "no_json"),
        ("/search", b"[]", json_, 400, "no_json"),
        ("/search", b"{", json_, 400, "no_json"),
        ("/search", b'{"path": "/etc/passwd"}', json_, 400, "bad_value"),
        ("/search", b'{"row": true}', json_, 400, "bad_value"),
        ("/search", b'{"k": "3"}', json_, 400, "bad_value"),
        ("/decisions", b"{}", text, 415, "no_json"),
        ("/decisions", b"{}", json_, 400, "no_decision"),
        ("/decisions", json.dumps(unknown).encode(), json_, 404, "not_found"),
        ("/decisions", b" " * 70_000, json_, 413, "too_large"),
        ("/decisions", b"[" * 60_000, json_, 400, "no_decision"),
        ("/search", b'{"row": 0, "distance": "\\ud800"}', json_, 400, "bad_value"),
        ("/search", b'{"text": "\\ud800"}', json_, 400, "bad_value"),
        ("/encode", b"abc", long, 400, "bad_form"),
        ("/encode", b"abc", text, 415, "no_form"),
        ("/encode", b"abc", kind, 400, "bad_form"),
        ("/encode", cut, kind, 400, "bad_form"),
        ("/encode", no_file, kind, 400, "no_file"),
        ("/encode", many, kind, 400, "bad_form"),
        ("/encode", no_file.replace(b"3", b"3" * 5000), kind, 400, "bad_form"),
        ("/encode", no_file.replace(b"name=k", b"name=" + b"k" * 9000), kind, 400, "bad_form"),
        ("/encode", cut.replace(b"=file;", b"=other;"), kind, 400, "bad_form"),
    ):
        reply = server.ask(path, body, **headers)
        assert (reply.status, reply.code) == (status, code), (path, body[:60])
    assert server.send("/encode", b"").code == "no_file"
    assert server.send("/search", b"x", k="many").code == "bad_value"
    assert server.send("/search", b"x", k=5000).code == "bad_value"
    assert server.ask("/search", method="DELETE").status == 405


def test_the_api_is_described(server: Server) -> None:
    found = server.ask("/openapi.json").json
    assert sorted(found["paths"]) == ["/decisions", "/duplicates", "/encode", "/healthz", "/search"]
    assert "multipart/form-data" in found["paths"]["/search"]["post"]["requestBody"]["content"]
    assert server.ask("/healthz").json == {"schema": 1, "status": "ok"}


def test_no_path_of_the_server_is_shown(shelf: Path, server: Server) -> None:
    server.send("/search", b"no video", "../../etc/evil\\name.mp4")
    assert "`name.mp4` cannot be read" in server.replies[-1].json["error"]["message"]
    assert len(server.replies) > 40
    for reply in server.replies:
        assert str(shelf).encode() not in reply.body
        assert b"upload-" not in reply.body
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "server" not in reply.headers


def test_words_are_answered_as_the_command_answers_them(server: Server, shelf: Path) -> None:
    told = run(shelf, "search", "--text", "a zebra", "--json", "-k", 3).stdout
    lines = [json.loads(line) for line in told.splitlines()]
    found = server.ask("/search?text=a%20zebra&k=3")
    assert found.json["distance"] == "asymmetric"
    assert [one["path"] for one in found.json["results"]] == [line["path"] for line in lines]
    assert [one["seconds"] for one in found.json["results"]] == [line["seconds"] for line in lines]


def test_unknown_words_are_named(server: Server) -> None:
    found = server.ask("/search?text=okapi").json
    assert found["unknown"] == ["okapi"]
    assert len(found["nearest"]) == 3
    assert server.ask("/search?text=of%20the").json["near"] is False


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("text=cat&distance=rerank", "bad_value"),
        ("text=cat&row=0", "no_query"),
        (f"text={'a' * 501}", "bad_value"),
    ],
)
def test_words_that_cannot_be_asked_are_refused(server: Server, query: str, code: str) -> None:
    found = server.ask(f"/search?{query}")
    assert found.status == 400
    assert found.code == code
