"""The lakehouse works with the core packages alone, and says which extra the rest needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys

class Blocked:
    names = {"pandas", "pyarrow", "polars", "numpy", "fsspec", "obstore", "keyring", "pyspark",
             "mlflow", "fastapi", "starlette", "jinja2", "uvicorn", "pydantic"}
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not in the core", name=name)

sys.meta_path.insert(0, Blocked())
import datetime as dt
import lakelet
from lakelet.errors import MissingExtraError

ws = lakelet.init(sys.argv[1])
(ws.folder.files / "a.jsonl").write_text(
    '{"id": 1, "t": "2026-01-02T03:04:05Z", "m": {"x": [1.5]}}\\n{"id": 2, "n": "x"}\\nbroken\\n')
ws.load("files", into="b.t")
t = ws.table("b.t")
assert t.sql("SELECT t FROM this WHERE id = 1").rows()[0][0] == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
t.append([{"id": 3, "t": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}])
t.merge([{"id": 3, "n": "y"}], on=["id"])
ws.sql("CREATE TABLE b.u AS SELECT id, count(*) AS c FROM b.t GROUP BY id")
ws.sql("DELETE FROM b.u WHERE id = 1")
assert ws.sql("SELECT sum(c) FROM b.u").rows() == [(2,)]
assert t.diff(1, t.version).added == 1
assert len(list(t.changes(since=0).dicts())) >= 3
assert len(t.rejected()) == 1 and t.history() and t.describe()["rows"] == 3
t.restore(1)
assert sum(batch.num_rows for batch in t.batches()) == 2
try:
    ws.sql("SELECT 1").polars()
except MissingExtraError as error:
    assert "lakelet[frames]" in str(error)
else:
    raise AssertionError("Polars is blocked")
try:
    with ws.run("a/b"):
        raise AssertionError("MLflow is blocked")
except MissingExtraError as error:
    assert "lakelet[runs]" in str(error)
assert ws.runs() == [] and ws.sql("SELECT count(*) FROM system.runs").rows() == [(0,)]
from click.testing import CliRunner
from lakelet.cli.app import cli
done = CliRunner().invoke(cli, ["--workspace", sys.argv[1], "up", "--no-browser"])
assert "lakelet[web]" in str(done.exception), done.exception
loaded = {name.split(".")[0] for name in sys.modules} & Blocked.names
assert not loaded, loaded
"""


def test_everything_the_core_promises_works_without_an_extra(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "ws")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_importing_lakelet_imports_no_engine(tmp_path: Path) -> None:
    script = "import sys, lakelet; print(sorted({'duckdb', 'deltalake', 'sqlglot', 'click'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
