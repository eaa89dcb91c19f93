"""SQL statements that write do so in a bucket, too."""

from __future__ import annotations

import pytest

from lakelet.errors import LakeletError
from lakelet.session import Workspace
from storage.conftest import Server, root_of

STATEMENTS = (
    "CREATE TABLE t.made AS SELECT id, n FROM read_files('raw:a.jsonl')",
    "INSERT INTO t.made VALUES (4, 40)",
    "UPDATE t.made SET n = n + 1 WHERE id = 1",
    "DELETE FROM t.made WHERE id = 2",
    "MERGE INTO t.made AS m USING (SELECT 3 AS id, 33 AS n UNION ALL SELECT 5, 50) AS s "
    "ON m.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n "
    "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, s.n)",
    "OPTIMIZE t.made",
    "ALTER TABLE t.made ADD COLUMN late STRING",
    "COMMENT ON TABLE t.made IS 'kept in a bucket'",
)


def test_a_table_is_made_changed_and_read(s3: Server, bucket_ws: Workspace) -> None:
    lines = '{"id": 1, "n": 10}\n{"id": 2, "n": 20}\n{"id": 3, "n": 30}\n'
    s3.put(f"{root_of(bucket_ws)}/raw/a.jsonl", lines)
    for statement in STATEMENTS:
        bucket_ws.sql(statement).rows()
    rows = bucket_ws.sql("SELECT id, n, late FROM t.made ORDER BY id").rows()
    assert rows == [(1, 11, None), (3, 33, None), (4, 40, None), (5, 50, None)]
    assert bucket_ws.table("t.made").describe()["comment"] == "kept in a bucket"
    assert bucket_ws.sql("SELECT count(*) FROM t.made VERSION AS OF 0").rows() == [(3,)]


def test_parquet_of_a_bucket_is_read_and_loaded(s3: Server, bucket_ws: Workspace, tmp_path) -> None:
    import duckdb

    file = tmp_path / "p.parquet"
    duckdb.sql(f"COPY (SELECT range::BIGINT AS id FROM range(1000)) TO '{file}'")
    s3.put(f"{root_of(bucket_ws)}/raw/p.parquet", file.read_bytes())
    found = "SELECT count(*), sum(id) FROM read_files('raw:p.parquet')"
    assert bucket_ws.sql(found).rows() == [(1000, 499_500)]
    bucket_ws.load("raw:p.parquet", into="t.parquet")
    assert bucket_ws.sql("SELECT count(*), sum(id) FROM t.parquet").rows() == [(1000, 499_500)]


@pytest.mark.parametrize("statement", ["ALTER TABLE t.posts RENAME TO t.others"])
def test_what_a_bucket_cannot_do_is_refused(
    s3: Server, bucket_ws: Workspace, statement: str
) -> None:
    s3.put(f"{root_of(bucket_ws)}/raw/a.jsonl", '{"id": 1}')
    bucket_ws.load("raw:", into="t.posts")
    with pytest.raises(LakeletError, match="CREATE TABLE"):
        bucket_ws.sql(statement).rows()
    assert bucket_ws.sql("SELECT id FROM t.posts").rows() == [(1,)]


@pytest.mark.parametrize("path", ["s3://b/x.parquet", "https://host.invalid/x.parquet"])
def test_duckdb_fetches_no_extension_unasked(ws: Workspace, path: str) -> None:
    with pytest.raises(LakeletError) as raised:
        ws.sql(f"SELECT * FROM read_parquet('{path}')", dialect="duckdb").rows()
    assert "download" not in str(raised.value)
    assert "extensions.duckdb.org" not in str(raised.value)
