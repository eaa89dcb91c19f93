"""A server that speaks the shapes of Hugging Face which its own library asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """A hub with one repository, ``org/name``.

    Attributes:
        files: its files by their paths.
        promised: SHA-256 that it promises instead of the true ones, by path.
        cut: after how many bytes a file breaks off, one for each time it is sent.
        asked: paths that were asked for, with the range where one was.
        shown: the authorization that was shown last, by path.
        status: what it answers to everything, with an error code; None for what is right.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.promised: dict[str, str] = {}
        self.cut: list[int] = []
        self.asked: list[tuple[str, str | None]] = []
        self.shown: dict[str, str | None] = {}
        self.status: tuple[int, str] | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
                pass

            def do_GET(self) -> None:
                hub.answer(self, send=True)

            def do_HEAD(self) -> None:
                hub.answer(self, send=False)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.elsewhere = f"http://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, to: BaseHTTPRequestHandler, *, send: bool) -> None:
        to.close_connection = True
        path = to.path.partition("?")[0]
        self.shown[path] = to.headers["authorization"]
        if self.status is not None:
            to.send_response(self.status[0])
            to.send_header("x-error-code", self.status[1])
            if self.status[0] == 429:
                to.send_header("retry-after", "7")
            to.send_header("content-length", "0")
            to.end_headers()
        elif path in ("/api/models/org/name", f"/api/models/org/name/revision/{COMMIT}"):
            self.tell(to, self.listed())
        elif path.startswith(f"/org/name/resolve/{COMMIT}/"):
            # Large files are kept elsewhere, which is said by a redirect.
            named = path.removeprefix(f"/org/name/resolve/{COMMIT}/")
            to.send_response(302 if named in self.files else 404)
            if named in self.files:
                to.send_header("location", f"{self.elsewhere}/kept/{named}")
                to.send_header("x-repo-commit", COMMIT)
                to.send_header("x-linked-etag", f'"{self.digest(named)}"')
                to.send_header("x-linked-size", str(len(self.files[named])))
            else:
                to.send_header("x-error-code", "EntryNotFound")
            to.send_header("content-length", "0")
            to.end_headers()
        elif path.startswith("/kept/"):
            self.send(to, path.removeprefix("/kept/"), send=send)
        else:
            to.send_response(401)  # as the hub does where it has none of that name
            to.send_header("x-error-code", "RepoNotFound")
            to.send_header("content-length", "0")
            to.end_headers()

    def digest(self, path: str) -> str:
        return self.promised.get(path) or hashlib.sha256(self.files[path]).hexdigest()

    def listed(self) -> dict[str, Any]:
        siblings = [
            {"rfilename": path, "size": len(content), "blobId": "0" * 40,
             "lfs": {"size": len(content), "sha256": self.digest(path), "pointerSize": 134}}
            for path, content in self.files.items()
        ]  # fmt: skip
        return {"id": "org/name", "modelId": "org/name", "sha": COMMIT, "private": False,
                "tags": [], "downloads": 0, "siblings": siblings}  # fmt: skip

    def tell(self, to: BaseHTTPRequestHandler, told: Any) -> None:
        body = json.dumps(told).encode()
        to.send_response(200)
        to.send_header("content-type", "application/json")
        to.send_header("content-length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def send(self, to: BaseHTTPRequestHandler, path: str, *, send: bool) -> None:
        content, asked = self.files[path], to.headers["range"]
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if send:
            self.asked.append((path, asked))
        to.send_response(206 if asked else 200)
        if asked:
            to.send_header("content-range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        to.send_header("content-length", str(len(content) - begin))
        to.end_headers()
        if send:
            most = self.cut.pop(0) if self.cut else len(content)
            to.wfile.write(content[begin : begin + most])
