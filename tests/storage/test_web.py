"""Files of web servers are loaded like others, and no login is shown."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakelet.errors import LoadError, StorageError, UnreachableError
from lakelet.lake.storage import storage_for
from lakelet.lake.storage.url import WebAddress
from lakelet.session import Workspace
from storage.conftest import PUT, SECRET
from storage.process import command_line


@dataclass(frozen=True)
class Web:
    folder: Path
    host: str

    def url(self, name: str) -> str:
        return f"http://{self.host}/{name}"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    lines = "".join(json.dumps({"id": i, "text": f"text {i}"}) + "\n" for i in range(200_000))
    (folder / "posts.jsonl.gz").write_bytes(gzip.compress(lines.encode(), 1, mtime=0))
    (folder / "two words.csv").write_text("id,name\n1,a\n2,b\n")
    port = folder / ".port"
    program = Path(__file__).with_name("web_server.py")
    process = subprocess.Popen([sys.executable, str(program), str(folder), str(port)])
    try:
        while not port.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield Web(folder, f"127.0.0.1:{port.read_text()}")
    finally:
        process.kill()
        process.wait()


def test_a_file_is_loaded_once(web: Web, ws: Workspace) -> None:
    url = web.url("posts.jsonl.gz")
    (entry,) = ws.load(url, into="t.posts").entries
    assert (entry.kept, entry.rejected) == (200_000, 0)
    assert ws.load(url, into="t.posts").same == 1
    assert ws.sql("SELECT count(*), sum(id) FROM t.posts").rows() == [(200_000, 19_999_900_000)]
    (listed,) = ws.table("t.posts").files()
    assert listed["file"] == url
    assert listed["size"] == (web.folder / "posts.jsonl.gz").stat().st_size
    assert listed["modified"].isoformat() == "2026-11-04T08:00:00+00:00"


def test_names_with_spaces_and_queries(web: Web, ws: Workspace) -> None:
    ws.load(web.url("two words.csv?download=1"), into="t.names")
    assert ws.sql("SELECT id, name FROM t.names ORDER BY id").rows() == [(1, "a"), (2, "b")]


def test_a_broken_connection_is_taken_up_where_it_broke(web: Web, ws: Workspace) -> None:
    with ws.open(web.url("cut/posts.jsonl.gz")) as file:
        assert file.read() == (web.folder / "posts.jsonl.gz").read_bytes()


def test_a_server_that_refuses_head(web: Web, ws: Workspace) -> None:
    (entry,) = ws.load(web.url("headless/two words.csv"), into="t.headless").entries
    assert entry.kept == 2


def test_a_login_is_used_and_never_shown(web: Web, ws: Workspace) -> None:
    root = ws.folder.root
    url = f"http://reader:{SECRET}@{web.host}/login/two%20words.csv?X-Amz-Signature={SECRET}"
    code, said = command_line(root, "load", url, "--into", "t.secret")
    assert code == 0, said
    for arguments in (
        ("files", "t.secret", "--json"),
        ("sql", "SELECT * FROM t.secret", "--as", "json"),
        ("load", f"http://reader:{SECRET}x@{web.host}/login/none.csv", "--into", "t.secret"),
        ("load", f"http://reader:{SECRET}@{web.host}/nothing.csv", "--into", "t.secret"),
        ("load", f"http://reader:{SECRET}@{web.host}/broken/a.csv", "--into", "t.secret"),
        ("load", f"http://reader:{SECRET}@127.0.0.1:9/a.csv", "--into", "t.secret"),
    ):
        _, more = command_line(root, *arguments)
        said += more
    assert SECRET not in said
    assert "Traceback" not in said
    for path in root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    with pytest.raises(StorageError, match="401") as raised:
        ws.load(f"http://reader:{SECRET}x@{web.host}/login/a.csv", into="t.secret")
    assert SECRET not in str(raised.value)
    with pytest.raises(LoadError) as missing:
        ws.load(f"http://reader:{SECRET}@{web.host}/nothing.csv", into="t.secret")
    assert SECRET not in str(missing.value)


def test_a_login_does_not_travel_to_where_a_server_points(web: Web, ws: Workspace) -> None:
    url = f"http://reader:{SECRET}@{web.host}/elsewhere/two words.csv"
    with ws.open(url) as file:
        assert file.read().startswith(b"id,name")


def test_what_is_wrong_is_said_shortly(web: Web, ws: Workspace) -> None:
    with pytest.raises(LoadError, match="nothing to load"):
        ws.load(web.url("missing.json"), into="t.x")
    with pytest.raises(StorageError, match="is not there"):
        ws.open(web.url("missing.json"))
    with pytest.raises(UnreachableError, match="Connection refused"):
        ws.load("http://127.0.0.1:9/a.json", into="t.x")
    with pytest.raises(UnreachableError, match="503"):
        ws.load(web.url("broken/a.json"), into="t.x")
    with pytest.raises(StorageError, match="no address"):
        ws.load("https:///a.json", into="t.x")
    storage = storage_for(ws.folder, web.url("two words.csv"))
    for write in (lambda: storage.write(PUT, "x", b""), lambda: storage.remove(PUT, "x")):
        with pytest.raises(StorageError, match="only read from"):
            write()


def test_signatures_are_cut_out_of_names_and_other_parameters_stay() -> None:
    address = WebAddress.parse(
        "https://u:p%40ss@host.example:8443/a/b.json?id=7&X-Amz-Signature=abcdef0123&sig=0123456789"
    )
    assert address.shown == "https://host.example:8443/a/b.json?id=7"
    assert address.asked.endswith("?id=7&X-Amz-Signature=abcdef0123&sig=0123456789")
    assert address.login == b"u:p@ss"
    assert "abcdef0123" not in repr(address)
