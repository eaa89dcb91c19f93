"""Datasets in Python over a lake in a bucket: what their process cannot read is handed over."""

from __future__ import annotations

from lakelet.session import Workspace
from pipelines.writing import define, put


def test_python_datasets_over_a_lake_in_a_bucket(bucket_ws: Workspace) -> None:
    ws = bucket_ws
    put(ws, "posts/a.jsonl", {"id": 1, "title": "a"}, {"id": 2, "title": "b"})
    define(ws, "CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/posts')")
    define(
        ws,
        "from lakelet import pipelines as dp\n"
        "@dp.materialized_view\ndef m(raw): return raw.select('id * 10 AS n')\n"
        "@dp.table(stream=['raw'])\ndef seen(raw): yield {'ids': [r['id'] for r in raw.rows()]}\n",
        file="b.py",
    )
    ws.update("p")
    put(ws, "posts/b.jsonl", {"id": 3, "title": "c"})
    ws.update("p")
    assert ws.sql("SELECT n FROM p.m ORDER BY n").rows() == [(10,), (20,), (30,)]
    assert ws.sql("SELECT ids FROM p.seen ORDER BY size(ids)").rows() == [([3],), ([1, 2],)]
    assert not list(ws.folder.temp.glob("rows-*"))
