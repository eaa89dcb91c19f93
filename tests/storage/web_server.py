"""A web server for the tests: files from a folder, with ranges, and manners as asked.

``/cut/NAME`` breaks the connection after half of the file, once; ``/login/NAME`` wants a user and a
password; ``/headless/NAME`` refuses HEAD; ``/elsewhere/NAME`` points to the file at another place
and answers 400 there if the login came along.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLDER = Path(sys.argv[1])
LOGIN = base64.b64encode(b"reader:planted-secret-3f9c1b").decode()
cut: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.serve(body=False)

    def do_GET(self) -> None:
        self.serve(body=True)

    def serve(self, *, body: bool) -> None:
        manner, _, name = unquote(urlsplit(self.path).path).strip("/").rpartition("/")
        path = FOLDER / name
        login = self.headers.get("Authorization", "")
        if manner == "elsewhere":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/bare/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif manner == "login" and login != f"Basic {LOGIN}":
            self.send_error(401)
        elif manner == "bare" and login:
            self.send_error(400)
        elif (manner == "headless" and not body) or manner == "broken":
            self.send_error(501 if manner == "headless" else 503)
        elif not path.is_file():
            self.send_error(404)
        else:
            self.send_file(path, manner, body=body)

    def send_file(self, path: Path, manner: str, *, body: bool) -> None:
        data, start = path.read_bytes(), 0
        tag = f'"{path.stat().st_mtime_ns:x}"'
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", "Wed, 04 Nov 2026 08:00:00 GMT")
        self.end_headers()
        if not body:
            return
        if manner == "cut" and self.path not in cut:
            cut.add(self.path)
            self.wfile.write(data[start : len(data) // 2])
            return
        self.wfile.write(data[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    part = Path(f"{sys.argv[2]}.part")
    part.write_text(str(server.server_port))
    part.replace(sys.argv[2])
    threading.Thread(target=end_with_parent, daemon=True).start()
    server.serve_forever()
