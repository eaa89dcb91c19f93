"""A planted secret appears in no output, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import make_workspace
from storage.conftest import SECRET, Server, configure, root_of
from storage.process import command_line

COMMANDS = (
    ("doctor",),
    ("doctor", "--json"),
    ("tables",),
    ("volumes",),
    ("volumes", "raw"),
    ("load", "raw:", "--into", "t.posts"),
    ("sql", "SELECT * FROM t.posts"),
    ("sql", "SELECT * FROM delta.`s3://BUCKET/lake/t/posts`"),
    ("attach", "s3://BUCKET/lake/t/posts", "--name", "t.other"),
    ("show", "t.posts", "--json"),
    ("history", "t.posts"),
    ("files", "t.posts", "--json"),
)


@pytest.mark.parametrize(
    ("kind", "key", "endpoint", "fails"),
    [
        ("bucket", "right-key", None, False),
        ("guarded", "wrong-key", None, True),
        pytest.param("bucket", "right-key", "http://127.0.0.1:9", True, marks=pytest.mark.slow),
    ],
)
def test_nothing_that_is_said_or_kept_holds_the_secret(
    s3: Server, tmp_path: Path, kind: str, key: str, endpoint: str | None, fails: bool
) -> None:
    root = tmp_path / "ws"
    make_workspace(root)
    bucket = s3.bucket(kind)
    s3.put(f"s3://{bucket}/raw/a.jsonl", '{"id": 1}')
    ws = configure(root, bucket, endpoint or s3.endpoint, key=key)
    assert root_of(ws) == f"s3://{bucket}"
    for command in COMMANDS:
        code, said = command_line(root, *(part.replace("BUCKET", bucket) for part in command))
        assert SECRET not in said
        assert "Traceback" not in said, said
        if fails and command != ("volumes",):
            assert code == 1, (command, said)
            assert len(said) < 400 or "doctor" in command, said
    for path in root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
