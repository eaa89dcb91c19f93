"""The page `docs/sql.md`: what it shows runs, and what it says is refused is refused."""

from __future__ import annotations

import re
from pathlib import Path

from engines.statements.rows import refused
from lakelet.engines.dialect.tokens import tokenize
from lakelet.session import Workspace

PAGE = Path(__file__).parents[3] / "docs" / "sql.md"


def statements(block: str) -> list[str]:
    found = [""]
    for token in tokenize(block):
        if token.text == ";":
            found.append("")
        else:
            found[-1] += token.text
    return [text.strip() for text in found if text.strip()]


def test_examples_run_in_order_and_refusals_are_refusals(ws: Workspace) -> None:
    posts = ws.folder.files / "posts"
    posts.mkdir()
    (posts / "a.jsonl").write_text('{"id": 1, "text": "hello"}\n')
    ws.load("files/posts", into="web.posts")
    blocks = re.findall(r"^```sql( refused)?\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(blocks) >= 6
    for is_refused, block in blocks:
        for text in statements(block):
            if is_refused:
                refused(ws, text)
            else:
                ws.sql(text).rows()
    assert ws.sql("SELECT text FROM lab.posts").rows() == [("hello",)]
