"""The example of the documentation's page runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from lakelet.session import Workspace
from pipelines.writing import define, put

PAGE = Path(__file__).parents[2] / "docs" / "pipelines.md"


def test_the_example_in_python_runs(ws: Workspace) -> None:
    (example,) = re.findall(r"```python\n(# pipelines/forum.*?)```", PAGE.read_text(), re.DOTALL)
    define(ws, example, name="forum", file="scores.py")
    define(
        ws,
        "CREATE STREAMING TABLE raw_posts AS SELECT * FROM STREAM read_files('files/posts')",
        name="forum",
    )
    put(
        ws, "posts/a.jsonl",
        {"id": 1, "title": "a long one", "forum": "ml", "score": 2},
        {"id": 2, "forum": "ml", "score": 3},
        {"id": 3, "title": "abc", "forum": "llm", "score": 4},
    )  # fmt: skip
    ws.sql("CREATE TABLE gold.names AS SELECT 'ml' AS forum, 'Machine learning' AS name")
    ws.update("forum")
    assert ws.sql("SELECT id, name FROM forum.named").rows() == [(1, "Machine learning")]
    assert ws.sql("SELECT * FROM forum.per_forum ORDER BY forum").rows() == [("llm", 4), ("ml", 2)]
    assert ws.sql("SELECT * FROM forum.words ORDER BY id").rows() == [(1, 3), (2, 0), (3, 1)]
    assert len(ws.sql("SELECT * FROM forum.titled__rejected").rows()) == 1
