"""An S3-protocol server for the tests: moto behind a thin layer that misbehaves where asked.

Run as a process of its own, on loopback and single-threaded: moto looks whether an object is there
and stores it in two steps, which only then make one conditional write. It ends with its parent.

- A bucket whose name begins with ``careless`` ignores ``If-None-Match``, as some stores do.
- A bucket whose name begins with ``guarded`` lets in only the key ``right-key``.
- ``GET /new-bucket/NAME`` makes a bucket.
- ``GET /break/BUCKET/KEY`` makes that object answer 503, ``/deny/…`` 403, until ``GET /mend``.
- ``GET /swallow/BUCKET/KEY`` stores the next object written there, but answers that it failed.
- ``GET /requests-seen`` gives the requests since it was last asked, as JSON lists of method, path
  with query, and range.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3 import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

DENIED = b"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>SignatureDoesNotMatch</Code>
<Message>The request signature we calculated does not match.</Message></Error>"""

SWALLOW = ("", b"")
FAULTS = {
    "swallow": SWALLOW,
    "break": ("503 Service Unavailable", b""),
    "deny": ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>"),
}


def answer(start: Callable[..., Any], status: str, body: bytes) -> Iterable[bytes]:
    start(status, [("Content-Length", str(len(body)))])
    return [body]


def layer(app: App) -> App:
    seen: list[tuple[str, str, str]] = []
    faults: dict[str, tuple[str, bytes]] = {}

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if path == "/requests-seen":
            body = json.dumps(seen).encode()
            seen.clear()
            return answer(start, "200 OK", body)
        if path.startswith("/new-bucket/"):
            name = path.removeprefix("/new-bucket/")
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, "us-east-1")
            return answer(start, "200 OK", b"")
        if path == "/mend":
            faults.clear()
            return answer(start, "200 OK", b"")
        for name, fault in FAULTS.items():
            if path.startswith(f"/{name}/"):
                faults[path.removeprefix(f"/{name}")] = fault
                return answer(start, "200 OK", b"")
        place = f"{path}?{query}" if query else path
        seen.append((environ["REQUEST_METHOD"], place, environ.get("HTTP_RANGE", "")))
        if faults.get(path) == SWALLOW:
            if environ["REQUEST_METHOD"] == "PUT":
                del faults[path]
                list(app(environ, lambda *_: None))
                return answer(start, "500 Internal Server Error", b"")
        elif path in faults:
            return answer(start, *faults[path])
        if path.startswith("/careless"):
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if path.startswith("/guarded") and "right-key/" not in environ.get(
            "HTTP_AUTHORIZATION", ""
        ):
            return answer(start, "403 Forbidden", DENIED)
        return app(environ, start)

    return serve


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log(self, _kind: str, message: str, *args: Any) -> None:
        """Say nothing."""


def end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main(port_file: str) -> None:
    app = layer(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=False, request_handler=Quiet)
    part = f"{port_file}.part"
    with open(part, "w", encoding="ascii") as file:
        file.write(str(server.port))
    os.replace(part, port_file)
    threading.Thread(target=end_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
