"""A real server among people and programs that are slow, rude, many, or gone."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lakelet.session import Workspace
from lakelet.workspace.loopback import listen_on_loopback

SQL = """
CREATE OR REFRESH STREAMING TABLE raw_posts
AS SELECT * FROM STREAM read_files('files/posts', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW best AS SELECT max(score) AS score FROM raw_posts;
"""
PAGES = (
    "/", "/home.json", "/tables", "/tables/forum", "/tables/forum/raw_posts",
    "/tables/forum/raw_posts/sample.json", "/tables/forum/raw_posts/history",
    "/tables/forum/best/lineage.json", "/pipelines", "/pipelines/forum", "/search.json?q=score",
    "/file.json?path=files/posts/a.jsonl",
)  # fmt: skip


@pytest.fixture
def forum(ws: Workspace) -> Workspace:
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    (ws.folder.files / "posts").mkdir()
    (ws.folder.files / "posts" / "a.jsonl").write_text('{"id":1,"score":5}\n')
    ws.update("forum")
    return ws


def place(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return str(parts.hostname), int(parts.port or 0)


def get(address: str, path: str, **headers: str) -> tuple[int, bytes]:
    asking = http.client.HTTPConnection(*place(address), timeout=60)
    try:
        asking.request("GET", path, headers=headers)
        answer = asking.getresponse()
        return answer.status, answer.read()
    finally:
        asking.close()


def say(address: str, text: bytes) -> bytes:
    """What the server answers to bytes, until it hangs up."""
    told = b""
    with socket.create_connection(place(address), timeout=20) as asking:
        try:
            for start in range(0, len(text), 1 << 16):
                asking.sendall(text[start : start + (1 << 16)])
            while block := asking.recv(65536):
                told += block
        except (ConnectionResetError, BrokenPipeError):
            pass  # it hung up on what it does not want to hear the end of
    return told


def refused(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert set(told) == {"error"} and set(told["error"]) == {"kind", "message", "hint"}
    return int(head.split(b" ")[1]), told["error"]


class Server:
    """A server whose end can be looked at."""

    def __init__(self, root: Path, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lakelet", "up", "--port", str(port), "--no-browser"],
            cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert " at http://127.0.0.1:" in line, line
        self.address = line.split(" at ")[1].split(" ")[0].rstrip("/")

    def end(self, how: signal.Signals) -> tuple[int, str, float]:
        """End it; its exit code, what it said, and how many seconds it took."""
        start = time.monotonic()
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said, time.monotonic() - start


@pytest.fixture
def server(forum: Workspace) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(port: int = 0) -> Server:
        started.append(Server(forum.folder.root, port))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_a_slow_client_keeps_nobody_waiting(forum: Workspace, serve: Callable[[Path], str]) -> None:
    address = serve(forum.folder.root)
    get(address, "/")
    slow = [socket.create_connection(place(address), timeout=20) for _ in range(50)]
    host = f"{place(address)[0]}:{place(address)[1]}"
    ask = f"GET /home.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    stop = threading.Event()

    def drip() -> bytes:
        for byte in ask:
            slow[0].sendall(bytes([byte]))
            if not stop.is_set():
                stop.wait(0.02)
        told = b""
        while block := slow[0].recv(65536):
            told += block
        return told

    for one in slow[1:]:
        one.sendall(b"GET / HTTP/1.1\r\nHost: ")  # and never another word
    with ThreadPoolExecutor(1) as beside:
        dripping = beside.submit(drip)
        start = time.monotonic()
        for page in PAGES:
            assert get(address, page)[0] == 200
        assert time.monotonic() - start < 20
        stop.set()
        assert dripping.result(30).startswith(b"HTTP/1.1 200")
    for one in slow:
        one.close()
    assert get(address, "/")[0] == 200


def test_what_is_no_request_is_refused_and_the_server_lives_on(
    forum: Workspace, serve: Callable[[Path], str]
) -> None:
    address = serve(forum.folder.root)
    host = f"Host: {place(address)[0]}:{place(address)[1]}\r\n".encode()
    long = b"a" * 10_000_000
    for text, status in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, 400),  # TLS
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),  # HTTP/0.9
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no host
        (b"GET / HTTP/1.1\r\n" + host + b"no colon here\r\n\r\n", 400),
        (b"GET /tables/\x00 HTTP/1.1\r\n" + host + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 70_000, 431),
    ):
        found, _ = refused(say(address, text))
        assert found == status, (text[:60], found)
    # Of what is far too long the beginning is enough: the rest may find nobody who listens.
    for text in (
        b"GET /" + long + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: " + long + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: y\r\n" * 2_000_000,
    ):
        answer = say(address, text)
        assert not answer or answer.startswith(b"HTTP/1.1 431"), answer[:100]
    for path in ("/%", "/%00", "/%ff%fe", "/tables/%2e%2e/x", "//", "/tables/" + "a" * 60_000):
        answer = say(address, f"GET {path} HTTP/1.0\r\n".encode() + host + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 4"), (path[:40], answer[:200])
        refused(answer)
    assert get(address, "/")[0] == 200


def test_every_method_is_answered(forum: Workspace, serve: Callable[[Path], str]) -> None:
    address = serve(forum.folder.root)
    for path in (
        "/",
        "/home.json",
        "/tables/forum/raw_posts",
        "/file/bytes?path=files/posts/a.jsonl",
    ):
        for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"):
            asking = http.client.HTTPConnection(*place(address), timeout=20)
            asking.request(method, path, body=b"x=1" if method == "POST" else None)
            answer = asking.getresponse()
            body = answer.read()
            asking.close()
            if method == "HEAD":
                assert answer.status == 200 and body == b"", (method, path, answer.status)
                continue
            assert answer.status == 405, (method, path, answer.status)
            assert set(json.loads(body)) == {"error"}
            assert "GET" in answer.headers["allow"]
    assert get(address, "/")[0] == 200


def test_ten_people_read_while_a_pipeline_runs(
    forum: Workspace, serve: Callable[[Path], str]
) -> None:
    address = serve(forum.folder.root)
    over = threading.Event()

    def read(number: int) -> list[tuple[str, int]]:
        found = []
        while not over.is_set() or not found:
            for page in PAGES[number % 3 :: 3]:
                found.append((page, get(address, page)[0]))
        return found

    with ThreadPoolExecutor(10) as people:
        reading = [people.submit(read, number) for number in range(10)]
        try:
            for number in range(2):
                posts = forum.folder.files / "posts" / f"more{number}.jsonl"
                posts.write_text(f'{{"id":{number},"score":{number}}}\n')
                subprocess.run(
                    [sys.executable, "-m", "lakelet", "update", "forum"],
                    cwd=forum.folder.root, check=True, capture_output=True,
                )  # fmt: skip
        finally:
            over.set()
        seen = [one for each in reading for one in each.result(60)]
    assert len(seen) > 40
    assert [one for one in seen if one[1] != 200] == []


def test_a_killed_server_leaves_nothing_half_done(
    forum: Workspace, server: Callable[..., Server]
) -> None:
    first = server()
    port = place(first.address)[1]
    with ThreadPoolExecutor(6) as people:
        reading = [people.submit(get, first.address, page) for page in PAGES * 2]
        first.process.kill()
        first.process.communicate()
        for one in reading:
            with suppress(OSError, http.client.HTTPException):
                one.result(30)
    second = server(port)
    assert place(second.address)[1] == port
    for page in PAGES:
        status, body = get(second.address, page)
        assert status == 200, (page, body[:300])
    forum.update("forum")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_at_once_with_somebody_listening(
    forum: Workspace, server: Callable[..., Server], how: signal.Signals
) -> None:
    running = server()
    with socket.create_connection(place(running.address), timeout=20) as listening:
        host, port = place(running.address)
        listening.sendall(
            f"GET /pipelines/forum/live HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        )
        told = b""
        while b"data: 1 published" not in told:
            told += listening.recv(65536)
        code, said, seconds = running.end(how)
    assert seconds < 5
    assert "Traceback" not in said and "Cancel" not in said, said
    assert code in ((0, 130) if how == signal.SIGINT else (0, 143, -signal.SIGTERM))


ENDLESS = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b"


def children(process: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    found: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process:
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(place.name)] = line
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for under /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_a_server_began_ends_with_it(
    forum: Workspace, server: Callable[..., Server], how: signal.Signals
) -> None:
    if how != signal.SIGKILL:  # a scheduler that is left behind by a kill goes on: jobs are kept
        forum.add_job("forum", cron="0 0 1 1 *")
    running = server()
    page = get(running.address, "/sql")[1].decode()
    token = page.partition('data-token="')[2].partition('"')[0]
    host, port = place(running.address)
    asking = http.client.HTTPConnection(host, port, timeout=60)
    asking.request("POST", "/sql/runs", json.dumps({"text": ENDLESS, "dialect": "duckdb"}),
                   {"x-lakelet-token": token})  # fmt: skip
    run = json.loads(asking.getresponse().read())["id"]
    asking.close()
    until = time.monotonic() + 60
    while json.loads(get(running.address, f"/sql/runs/{run}")[1])["state"] != "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    below = children(running.process.pid)
    assert any("web.sql.worker" in line for line in below.values()), below
    with socket.create_connection(place(running.address), timeout=20) as listening:
        ask = f"GET /sql/runs/{run}?seen=99 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
        listening.sendall(ask.encode())
        _, said, _ = running.end(how)
    assert "Traceback" not in said, said
    until = time.monotonic() + 60
    while left := [one for one in below if Path(f"/proc/{one}").exists()]:
        assert time.monotonic() < until, (left, below)
        time.sleep(0.05)


def test_answers_are_sent_at_once() -> None:
    """A kept connection's answer never waits for an acknowledgement (Nagle's algorithm)."""

    async def accepted() -> int:
        found: list[int] = []

        def heard(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            its = writer.get_extra_info("socket")
            found.append(its.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen_on_loopback(0)
        server = await asyncio.start_server(heard, sock=listening)
        async with server:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            assert await reader.read() == b""
            writer.close()
        return found[0]

    # A browser driven beside it has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(asyncio.run, accepted()).result()
