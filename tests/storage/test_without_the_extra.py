"""Without the extra `s3` a bucket asks for it, and everything else works."""

from __future__ import annotations

import subprocess
import sys

from lakelet.session import Workspace

PROGRAM = """
import sys
sys.modules["obstore"] = sys.modules["fsspec"] = None
from lakelet.cli import main
main(["--workspace", *sys.argv[1:]])
"""


def lakelet_without(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_bucket_asks_for_the_extra(bucket_ws: Workspace) -> None:
    for command in (
        ("tables",),
        ("load", "raw:", "--into", "t.posts"),
        ("sql", "SELECT * FROM t.posts"),
    ):
        code, said = lakelet_without(str(bucket_ws.folder.root), *command)
        assert code == 1
        assert "pip install 'lakelet[s3]'" in said
        assert "Traceback" not in said


def test_a_lake_on_disk_does_not(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id": 1}\n')
    root = str(ws.folder.root)
    assert lakelet_without(root, "load", "files:", "--into", "t.posts")[0] == 0
    code, said = lakelet_without(root, "sql", "SELECT count(*) FROM t.posts", "--as", "csv")
    assert (code, said.split()[-1]) == (0, "1")


def test_nothing_of_it_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, lakelet.cli, lakelet.session, lakelet.lake, lakelet.engines.bucket_files\n"
        "print(sorted({'obstore', 'fsspec', 'pyarrow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
