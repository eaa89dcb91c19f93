"""Files from addresses, by a server that does what the standard says, and by others."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lakelet.errors import CommandError, ModelFileError, StorageError
from lakelet.models import ModelStore, add_model, downloading
from models.files import write_gguf


class Site:
    """A server of one file.

    Attributes:
        content: the file.
        etag: what this version of it is called.
        cut: after how many bytes an answer is cut off, one for each; None for never.
        asked: the ranges that were asked for.
        linked: the SHA-256 it promises.
        slow: whether it sends a little at a time.
    """

    def __init__(self) -> None:
        self.content = b""
        self.etag = '"one"'
        self.cut: list[int | None] = []
        self.asked: list[str | None] = []
        self.linked = ""
        self.slow = False
        self.ranges = True
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
                pass

            def do_GET(self) -> None:
                site.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self.thread.start()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{path}"

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        kind = to.path.strip("/").partition("/")[0]
        if kind.isdecimal():
            to.send_response(int(kind))
            if kind == "429":
                to.send_header("retry-after", "7")
            to.end_headers()
            return
        if kind == "moved":
            to.send_response(302)
            to.send_header("location", "/files/model-Q8_0.gguf?download=true")
            to.end_headers()
            return
        asked = to.headers["range"]
        self.asked.append(asked)
        begin = 0
        if asked and self.ranges and to.headers["if-range"] == self.etag:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            to.send_response(206)
            to.send_header(
                "content-range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}"
            )
        else:
            to.send_response(200)
        to.send_header("content-length", str(len(self.content) - begin))
        to.send_header("etag", self.etag)
        if self.linked:
            to.send_header("x-linked-etag", f'"{self.linked}"')
        to.end_headers()
        to.close_connection = True
        most = self.cut.pop(0) if self.cut else None
        whole = self.content[begin:] if most is None else self.content[begin : begin + most]
        for place in range(0, len(whole), 4096):
            to.wfile.write(whole[place : place + 4096])
            if self.slow:
                to.wfile.flush()
                time.sleep(0.02)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site()
    tensors = {"token_embd.weight": ((256, 300), "F32")}
    found.content = write_gguf(tmp_path / "source.gguf", tensors=tensors).read_bytes()
    yield found
    found.server.shutdown()
    found.thread.join()
    found.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def left(store: ModelStore) -> list[str]:
    folder = store.root / "downloads"
    return sorted(one.suffix for one in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_fetched_into_the_store(site: Site, store: ModelStore) -> None:
    told: list[tuple[int, int]] = []
    model = add_model(store, site.at("moved"), name="mine",
                      progress=lambda read, whole: told.append((read, whole)))  # fmt: skip
    assert model.name == "mine" and model.files[0].owned
    assert model.digest == hashlib.sha256(site.content).hexdigest()
    assert (len(site.content), len(site.content)) in told and left(store) == [".lock"]
    named = add_model(store, site.at("files/Model-Q8_0.gguf?download=true"))
    assert named.name == "model-q8_0" and named.path == model.path


def test_what_was_cut_off_goes_on(site: Site, store: ModelStore) -> None:
    site.cut = [100_000, 50_000]
    model = add_model(store, site.at("files/a.gguf"))
    assert site.asked == [None, "bytes=100000-", "bytes=150000-"]
    assert model.path.read_bytes() == site.content


def test_another_version_is_fetched_anew(site: Site, store: ModelStore) -> None:
    site.cut = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(CommandError, match="5 times in a row; 100,000 bytes are kept"):
        add_model(store, site.at("files/a.gguf"))
    assert left(store) == [".json", ".lock", ".part"]
    site.etag, site.cut, site.asked = '"two"', [], []
    assert add_model(store, site.at("files/a.gguf")).path.read_bytes() == site.content
    assert site.asked == ["bytes=100000-"]  # asked for, and answered with the whole


def test_a_server_without_ranges_begins_again(site: Site, store: ModelStore) -> None:
    site.ranges, site.cut = False, [100_000]
    assert add_model(store, site.at("files/a.gguf")).path.read_bytes() == site.content


def test_it_goes_on_after_a_kill(
    site: Site, store: ModelStore, request: pytest.FixtureRequest
) -> None:
    site.slow = True
    address = site.at("files/a.gguf")
    code = (
        f"from pathlib import Path; from lakelet.models import ModelStore, add_model; "
        f"add_model(ModelStore(Path({str(store.root)!r})), {address!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    request.addfinalizer(lambda: (child.kill(), child.wait()))
    until = time.monotonic() + 60
    while not any(part.stat().st_size > 20_000 for part in store.root.glob("downloads/*.part")):
        assert time.monotonic() < until
        time.sleep(0.01)
    with pytest.raises(CommandError, match="is being fetched already"):
        add_model(store, address)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    (part,) = store.root.glob("downloads/*.part")
    come = part.stat().st_size
    site.slow, site.asked = False, []
    assert add_model(store, address).path.read_bytes() == site.content
    assert site.asked == [f"bytes={come}-"] and come > 0


@pytest.mark.parametrize(
    ("path", "said", "hint"),
    [
        ("401/a.gguf", "answers 401", "who asks"), ("403/a.gguf", "answers 403", "who asks"),
        ("404/a.gguf", "answers 404", "no such file"), ("429/a.gguf", "answers 429", "in 7 seconds"),
        ("500/a.gguf", "answers 500", ""),
    ],
)  # fmt: skip
def test_a_server_that_says_no_is_told_of(
    site: Site, store: ModelStore, path: str, said: str, hint: str
) -> None:
    with pytest.raises(CommandError, match=f"{said}.*nothing was added") as refused:
        add_model(store, site.at(path))
    assert hint in (refused.value.hint or "")
    assert store.models() == []


def test_a_wrong_digest_is_deleted(site: Site, store: ModelStore) -> None:
    right = hashlib.sha256(site.content).hexdigest()
    assert add_model(store, site.at("files/a.gguf"), sha256=right.upper()).digest == right
    with pytest.raises(ModelFileError, match=r"and 0{64} was promised; it was deleted"):
        add_model(store, site.at("files/b.gguf"), sha256="0" * 64)
    site.linked = "1" * 64
    with pytest.raises(ModelFileError, match=r"1{64} was promised"):
        add_model(store, site.at("files/c.gguf"))
    assert list(store.root.glob("downloads/*.part")) == []
    with pytest.raises(CommandError, match="from an address only"):
        add_model(store, "smollm2", sha256=right)


def test_a_page_is_no_model(site: Site, store: ModelStore) -> None:
    site.content = b"<!doctype html><title>Sign in</title>"
    with pytest.raises(ModelFileError, match="is no GGUF file: it begins with b'<!doctype ht'"):
        add_model(store, site.at("files/a.gguf"))
    assert store.models() == []


def test_room_is_looked_for_first(
    site: Site, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(folder: Path, size: int, name: str) -> None:
        raise StorageError(f"{name} has {size} bytes, and 0 are free; nothing was written.")

    monkeypatch.setattr(downloading, "refuse_without_room", none)
    with pytest.raises(StorageError, match=f"has {len(site.content)} bytes"):
        add_model(store, site.at("files/a.gguf"))


def test_without_a_network_one_message_comes_soon(store: ModelStore) -> None:
    with pytest.raises(CommandError, match="is not reached") as refused:
        add_model(store, "http://127.0.0.1:9/a.gguf")
    assert "lakelet models add FILE" in (refused.value.hint or "")
