"""A server on this machine that answers as the Hub does, as far as downloading a model or a dataset goes."""

import json
from collections.abc import Mapping
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """Serves folders as repositories; `gated` ones answer 403, unknown ones 404.

    Attributes:
        revisions: folders that a repository has under other revisions than `main`, by revision.
        asked: path of each request, in order.
    """

    def __init__(
        self,
        repositories: Mapping[str, Path],
        gated: frozenset[str] = frozenset(),
        revisions: Mapping[str, Path] | None = None,
    ) -> None:
        self.repositories = repositories
        self.revisions = {commit_of(revision): folder for revision, folder in (revisions or {}).items()}
        self.gated = gated
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        path = urlsplit(request.path).path
        self.asked.append(path)
        parts = path.strip("/").removeprefix("datasets/").split("/")
        is_api = parts[:2] in (["api", "models"], ["api", "datasets"])
        name = "/".join(parts[2:4] if is_api else parts[:2])
        if name not in self.repositories:
            _send(request, 404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name in self.gated and not (is_api and "revision" in parts):
            _send(request, 403, b"", {"X-Error-Code": "GatedRepo"})
        elif is_api:
            self._answer_api(request, name, parts[4:])
        else:
            folder, commit = self._folder(name, parts[3]), commit_of(parts[3])
            self._send_file(request, folder / "/".join(parts[4:]), commit)

    def _folder(self, name: str, revision: str) -> Path:
        return self.revisions.get(commit_of(revision), self.repositories[name])

    def _answer_api(self, request: BaseHTTPRequestHandler, name: str, rest: list[str]) -> None:
        if rest[:1] == ["tree"]:
            document: object = _listed(self._folder(name, rest[1]))
        elif rest[:1] == ["paths-info"]:
            form = request.rfile.read(int(request.headers["Content-Length"])).decode()
            paths = parse_qs(form).get("paths", [])
            document = [file for file in _listed(self._folder(name, rest[1])) if file["path"] in paths]
        elif rest[1:] and rest[1] not in ("main", "bfloat16", COMMIT, commit_of("bfloat16")):
            _send(request, 404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        else:
            sha = commit_of(rest[1]) if rest[1:] else COMMIT
            siblings = [{"rfilename": file["path"]} for file in _listed(self._folder(name, "main"))]
            document = {"id": name, "modelId": name, "sha": sha, "siblings": siblings}
        _send(request, 200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _send_file(self, request: BaseHTTPRequestHandler, path: Path, commit: str) -> None:
        if not path.is_file():
            _send(request, 404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        _send(request, 200, path.read_bytes(), {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": commit})


def _listed(folder: Path) -> list[dict[str, object]]:
    """The files of a repository as the Hub lists them."""
    return [
        {
            "type": "file",
            "path": path.relative_to(folder).as_posix(),
            "size": path.stat().st_size,
            "oid": _etag(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def commit_of(revision: str) -> str:
    """The commit of a revision: `main`'s, one made of another's name, and a commit's own."""
    if len(revision) == len(COMMIT):
        return revision
    return COMMIT if revision == "main" else sha1(revision.encode()).hexdigest()


def _etag(path: Path) -> str:
    return sha1(path.read_bytes()).hexdigest()


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
