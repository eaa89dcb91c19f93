"""Tables that a Spark-compatible engine wrote: same rows here as there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engines.routes.handmade import VIEW, rows
from lakelet.engines.routes import open_snapshot, plan_route

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("write_with_sail.py")
NAMES = [
    f"{kind}_{shape}"
    for kind in ("plain", "vectors", "by_name", "by_id", "both")
    for shape in ("whole", "parts")
]
KINDS = {
    "plain": "files",
    "vectors": "vectors",
    "by_name": "mapped",
    "by_id": "mapped",
    "both": "vectors",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sail")
    command = [sys.executable, str(SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return folder, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_rows(written: tuple[Path, dict[str, Any]], name: str) -> None:
    folder, expected = written
    route = plan_route(open_snapshot(str(folder / name)))
    kind = name.rsplit("_", 1)[0]
    assert route.kind == KINDS[kind]
    query = (
        "SELECT id::VARCHAR, word, n.a::VARCHAR, n.b, len(list)::VARCHAR, day::VARCHAR, "
        f"price::VARCHAR, p FROM {VIEW} ORDER BY id"
    )
    here = [[None if v == "-1" else v for v in row] for row in rows(route, query)]
    there = [[None if v == "-1" else v for v in row] for row in expected[name]]
    assert here == there
    assert [row[0] for row in here] == ["1", "2", "3"]
