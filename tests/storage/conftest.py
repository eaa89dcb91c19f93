"""A real S3-protocol server and workspaces whose lake is in one of its buckets."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import lakelet
from conftest import make_workspace
from lakelet.lake.storage.access import BucketAccess
from lakelet.lake.storage.bucket import BucketStorage
from lakelet.session import Workspace
from lakelet.workspace.steps import Step

PUT = Step("test.put", "an object of a test is there")
SECRET = "planted-secret-3f9c1b"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """The server, and the requests it has seen."""

    endpoint: str

    def ask(self, path: str) -> bytes:
        with urllib.request.urlopen(self.endpoint + path) as answer:
            return bytes(answer.read())

    def bucket(self, kind: str = "bucket") -> str:
        """A new bucket; see s3_server.py for kinds that misbehave."""
        name = f"{kind}-{next(_numbers)}"
        self.ask(f"/new-bucket/{name}")
        return name

    def requests(self) -> list[tuple[str, str, str]]:
        """Method, path and range of what was asked since the last time."""
        return [(a, b, c) for a, b, c in json.loads(self.ask("/requests-seen"))]

    def storage(self, bucket: str, key: str = "right-key") -> BucketStorage:
        keys = {"access_key_id": key, "secret_access_key": SECRET}
        return BucketStorage(BucketAccess(bucket, self.endpoint, "us-east-1", keys))

    def put(self, uri: str, data: bytes | str) -> None:
        storage = self.storage(uri.split("/")[2])
        storage.write(PUT, uri, data.encode() if isinstance(data, str) else data)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port_file = tmp_path_factory.mktemp("s3") / "port"
    program = Path(__file__).with_name("s3_server.py")
    process = subprocess.Popen([sys.executable, str(program), str(port_file)])
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            assert process.poll() is None, "the S3 server did not start"
            assert time.monotonic() < deadline, "the S3 server took too long to start"
            time.sleep(0.05)
        yield Server(f"http://127.0.0.1:{port_file.read_text()}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own AWS settings, and the secret the settings refer to."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "PROFILE",
                 "DEFAULT_REGION", "ENDPOINT_URL", "ENDPOINT_URL_S3", "TOKEN"):  # fmt: skip
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("LAKE_SECRET", SECRET)


MakeWorkspace = Callable[..., Workspace]


def configure(root: Path, bucket: str, endpoint: str, *, key: str = "right-key") -> Workspace:
    """Put the lake of a workspace into a bucket, and make the bucket's folder `raw` a volume."""
    settings = root / "lakelet.toml"
    text = settings.read_text()
    text = text.replace('# path = "lake"', f'path = "s3://{bucket}/lake"')
    text = text.replace('# raw = "s3://my-bucket/raw"', f'raw = "s3://{bucket}/raw"')
    text += f"""
[storage.{bucket}]
endpoint = "{endpoint}"
access_key_id = "{key}"
secret_access_key = "env:LAKE_SECRET"
"""
    settings.write_text(text)
    return lakelet.open(root)


@pytest.fixture
def bucket_ws(s3: Server, tmp_path: Path) -> Workspace:
    """A workspace with an empty lake in a bucket of its own."""
    make_workspace(tmp_path / "ws")
    return configure(tmp_path / "ws", s3.bucket(), s3.endpoint)


def root_of(ws: Workspace) -> str:
    """``s3://bucket`` of a workspace made here."""
    return ws.lake.root.removesuffix("/lake")
