"""A server between a client and a real one that does one thing wrong, as servers in the wild do."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

__all__ = ("faulty",)


@contextmanager
def faulty(real: str, key: str, fault: str) -> Iterator[tuple[str, list[Any]]]:
    """A server in front of a real one; its address, and the requests that it was sent.

    Args:
        real: the address of a server of OpenAI's API.
        key: what the real one is shown.
        fault: ``none``; ``halves`` (keeps the end of a prompt that is long), ``dies``, ``garbage``,
            ``stalls``, ``feeds thoughts`` (back to the model), ``ignores sampling``, ``error inside``, ``keepalive`` (comments in the stream), ``silent`` (counts
            nothing), ``hidden`` (shows neither template nor tokenizer).
    """
    asked: list[Any] = []
    parts = urlsplit(real)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
            pass

        def do_GET(self) -> None:
            self.forward("GET", None)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(body)
            if fault == "feeds thoughts" and "messages" in body:
                for one in body["messages"]:
                    one["content"] = one.pop("reasoning_content", "") + one["content"]
            if fault == "ignores sampling":
                body |= {"temperature": 0}
            if fault == "halves" and "messages" in body:
                last = body["messages"][-1]
                if len(last["content"]) > 250:
                    last["content"] = last["content"][-100:]
            self.forward("POST", body)

        def forward(self, method: str, body: Any) -> None:
            own = self.path.startswith(("/v1", "/api"))
            if fault != "none" and not own:
                self.send_error(404)
                return
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
            head = {"authorization": f"Bearer {key}", "content-type": "application/json"}
            text = None if body is None else json.dumps(body)
            connection.request(method, self.path, text, head)
            answer = connection.getresponse()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.end_headers()
            self.close_connection = True
            try:
                if method == "GET" or answer.status != 200:
                    self.wfile.write(answer.read())
                else:
                    self.pieces(answer)
            finally:
                answer.close()
                connection.close()

        def pieces(self, answer: http.client.HTTPResponse) -> None:
            amid = 12 if self.path.startswith("/v1") else 5  # in Ollama's API a line is a piece
            for number, line in enumerate(answer):
                if fault == "keepalive":
                    self.wfile.write(b": still here\n\n")
                if fault == "silent" and b'"usage"' in line:
                    continue
                if number > amid and fault in ("dies", "garbage", "stalls", "error inside"):
                    if fault == "garbage":
                        self.wfile.write(b"data: {oh\n\n")
                    elif fault == "error inside":
                        self.wfile.write(b'data: {"error": {"message": "out of memory"}}\n\n')
                    elif fault == "stalls":
                        self.wfile.flush()
                        time.sleep(10)
                    return
                self.wfile.write(line)

    with _served(Handler) as address:
        yield address, asked


@contextmanager
def answering(status: int, kind: str, body: bytes) -> Iterator[str]:
    """A server that says the same to everything; the address of its API.

    Args:
        status: of its answers.
        kind: their media type.
        body: what they hold.
    """

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.send_error(404)

    with _served(Handler) as address:
        yield address


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
