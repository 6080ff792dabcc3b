"""A model hub on the loopback interface: what the hub's own client asks of it, kept in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_test"
Files = dict[str, bytes]


class HubServer(ThreadingHTTPServer):
    """Repositories by name; each has its commits, the newest last.

    Attributes:
        repos: The commits of each repository: its files by name.
        asked: Method and path of each request.
        private: The repositories that were made private.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, list[Files]] = {}
        self.asked: list[str] = []
        self.private: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def commit_of(repo: str, number: int) -> str:
    return hashlib.sha1(f"{repo} {number}".encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def _get(self) -> None:
        path = self._path()
        parts = path.strip("/").split("/")
        if path == "/":
            return self._answer(200, b"hub")
        if parts[:2] == ["api", "models"]:
            return self._facts("/".join(parts[2:4]), parts[4:])
        if len(parts) > 4 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self._error(404, "EntryNotFound")

    def do_POST(self) -> None:
        path = self._path()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/api/validate-yaml":
            return self._json({"warnings": [], "errors": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(401, "")
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if asked.get("private") or asked.get("visibility") == "private":
                self.server.private.add(name)
            self.server.repos.setdefault(name, [])
            return self._json({"url": f"{self.server.address}/{name}", "name": name, "id": name})
        parts = path.strip("/").split("/")
        repo = "/".join(parts[2:4])
        if parts[4] == "preupload":
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        if parts[4] == "commit":
            lines = [json.loads(line) for line in body.splitlines()]
            before = self.server.repos[repo][-1] if self.server.repos[repo] else {}
            more = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            self.server.repos[repo].append({**before, **more})
            commit = commit_of(repo, len(self.server.repos[repo]) - 1)
            url = f"{self.server.address}/{repo}/commit/{commit}"
            return self._json({"success": True, "commitOid": commit, "commitUrl": url})
        return self._error(404, "EntryNotFound")

    def _facts(self, repo: str, rest: list[str]) -> None:
        if (found := self._commit(repo, rest[1] if len(rest) > 1 else "main")) is None:
            return
        number, files = found
        if rest and rest[0] == "tree":
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
                for name, data in files.items()
            ]
            return self._json(entries)
        sha = commit_of(repo, number)
        self._json(
            {
                "id": repo,
                "modelId": repo,
                "sha": sha,
                "private": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": name} for name in files],
            }
        )

    def _file(self, repo: str, revision: str, name: str) -> None:
        if (found := self._commit(repo, revision)) is None:
            return
        number, files = found
        if name not in files:
            return self._error(404, "EntryNotFound")
        data = files[name]
        headers = {"ETag": f'"{_etag(data)}"', "X-Repo-Commit": commit_of(repo, number)}
        self._answer(200, data, headers, kind="application/octet-stream")

    def _commit(self, repo: str, revision: str) -> tuple[int, Files] | None:
        """Return a commit of a repository; without one, the error is sent."""
        commits = self.server.repos.get(repo)
        if not commits:
            self._error(404, "RepoNotFound")
            return None
        names = {commit_of(repo, number): number for number in range(len(commits))}
        names |= {"main": len(commits) - 1, "v0": 0}
        if revision not in names:
            self._error(404, "RevisionNotFound")
            return None
        return names[revision], commits[names[revision]]

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        return path

    def _json(self, content: object) -> None:
        self._answer(200, json.dumps(content).encode())

    def _error(self, status: int, code: str) -> None:
        self._answer(status, b'{"error": "no"}', {"X-Error-Code": code} if code else {})

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        kind: str = "application/json",
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving() -> Iterator[HubServer]:
    """Yield a hub with no repository."""
    server = HubServer()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
