"""Who may ask: hosts, origins, tokens; and what does not start."""

from __future__ import annotations

import signal
import socket
import sys
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from chainpipe import command
from chainpipe.pipeline.errors import UsageError
from chainpipe.server.access import access_rules
from chainpipe.server.listening import listening_socket
from chainpipe.server.problems import RequestProblem
from tests.chainpipe.server.server_process import Server, run

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.nip.io", "", "::"])
def test_another_name_is_refused(server: Server, host: str) -> None:
    reply = server.ask("/", Host=host)
    assert (reply.status, reply.code) == (421, "wrong_host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(server: Server, headers: dict[str, str]) -> None:
    for path in ("/search", "/encode", "/decisions"):
        reply = server.ask(path, b"{}", Content_Type="application/json", **headers)
        assert (reply.status, reply.code) == (403, "other_site")
    own = {"Origin": server.url.rstrip("/"), "Sec_Fetch_Site": "same-origin"}
    assert server.ask("/decisions", b"{}", Content_Type="application/json", **own).status == 400


def test_a_token_is_asked_for(shelf: Path) -> None:
    with Server(shelf, "--no-build", "--token", TOKEN, "--allow-host", "Media.example") as server:
        assert server.ask("/healthz").status == 200
        for path in ("/", "/search?row=0", "/api/decisions", "/openapi.json", "/gallery.json"):
            assert server.ask(path).code == "no_token"
        for wrong in ("Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"):
            assert server.ask("/search?row=0", Authorization=wrong).status == 401
        assert server.ask("/search?row=0", Authorization=f"Bearer {TOKEN}").status == 200
        page = server.ask("/", Accept="text/html")
        assert (page.status, b'type="password"' in page.body) == (401, True)
        assert b"not the token" in server.ask("/?token=wrong", Accept="text/html").body
        login = server.ask(f"/?token={TOKEN}&x=1", Accept="text/html")
        assert (login.status, login.headers["location"]) == (303, "/?x=1")
        assert server.ask(f"//evil.example/?token={TOKEN}").headers["location"] == "/evil.example/"
        cookie = SimpleCookie(login.headers["set-cookie"])["chainpipe_session"]
        assert cookie["httponly"]
        assert cookie["samesite"].lower() == "strict"
        assert TOKEN not in login.headers["set-cookie"]
        named = f"chainpipe_session={cookie.value}"
        assert b"<!doctype html>" in server.ask("/", Cookie=named, Host="media.example").body
        assert server.ask("/", Cookie=f"chainpipe_session={cookie.value[:-1]}0").status == 401
        assert server.stop(signal.SIGTERM) == 143
        assert TOKEN not in "".join(server.said)


def test_rules_of_a_server_for_other_machines() -> None:
    rules = access_rules("0.0.0.0", ["media.example"], "auto")
    assert len(rules.token) >= 32
    for host in ("192.168.1.7:8000", "[fe80::1]:8000", "Media.example", "localhost:1"):
        rules.check_host(host)
    for host in ("other.example", "192.168.1.7.evil.example", "[::1", "a@b:c:d"):
        with pytest.raises(RequestProblem):
            rules.check_host(host)
    assert not access_rules("127.0.0.1", [], None).fits("")
    for token in (None, ""):
        with pytest.raises(UsageError, match="without a token"):
            access_rules("192.168.1.7", [], token)
    for token in ("short", "long enough, but \u00e9", "tab\tin the middle of it"):
        with pytest.raises(UsageError, match="too easy"):
            access_rules("127.0.0.1", [], token)


def test_what_does_not_start(shelf: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run(shelf, "serve", "feats.h5", "--port", port, code=2).stderr
        assert f"error: port {port} of 127.0.0.1 is taken" in told
        assert "hint: `--port 0` takes one that is free" in told
    for words, code, said in (
        (["feats.h5", "--host", "0.0.0.0"], 2, "serves other machines, without a token"),
        (["feats.h5", "--port", 0, "--model", "nowhere"], 10, "no model in `nowhere`"),
        (["away.h5", "--port", 0], 10, "there is no store `away.h5`"),
        (["feats.h5", "--port", 0, "--no-build", "--gallery", "g"], 10, "no gallery in `g`"),
        (["feats.h5", "--port", 0, "--gallery", "clips"], 2, "`clips` holds other files"),
        (["feats.h5", "--port", 0, "--duplicates", "none.jsonl"], 10, "no file `none.jsonl`"),
    ):
        assert said in run(shelf, "serve", *words, code=code).stderr
    assert not (shelf / "g").exists()


def test_addresses_that_are_not_ours() -> None:
    for host in ("no such host", "192.0.2.1"):
        with pytest.raises(UsageError):
            listening_socket(host, 0)


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert command.run(["serve"]) == 2
    told = capsys.readouterr().err
    assert "error: `serve` needs the package `uvicorn`, which is not installed" in told
    assert "pip install 'chainpipe-video[serve]'" in told


def test_ctrl_c_ends_it(shelf: Path) -> None:
    before = set(shelf.glob("chainpipe-serve-*"))
    with Server(shelf, "--no-build", "--no-look", "--token", "auto") as server:
        assert server.ask("/duplicates").code == "no_token"
        token = next(line for line in server.said if line.startswith("token: ")).split()[1]
        shown = {"Authorization": f"Bearer {token}"}
        assert server.ask("/duplicates", **shown).code == "not_looked_for"
        assert server.stop(signal.SIGINT) == 130
        assert "Traceback" not in "".join(server.said)
    assert set(shelf.glob("chainpipe-serve-*")) == before
