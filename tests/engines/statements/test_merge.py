"""MERGE INTO: every clause, every refusal, and the same rows as a plain model in Python."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.statements.rows import refused, rows, version
from lakelet.errors import ConstraintError, SchemaError, SqlError
from lakelet.session import Workspace

Row = tuple[int | None, int | None]


@pytest.fixture
def t(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE b.t (id BIGINT, n INT, s STRING)")
    ws.sql("INSERT INTO b.t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')")
    ws.sql("CREATE TABLE b.s (id BIGINT, n INT, s STRING, extra INT)")
    ws.sql("INSERT INTO b.s VALUES (2, 200, 'B', 0), (4, 400, 'D', 0)")
    return ws


def everything(ws: Workspace) -> list[tuple]:
    return rows(ws, "SELECT id, n, s FROM b.t ORDER BY id, n")


def test_columns_may_be_written_with_their_tables_schema(t: Workspace) -> None:
    t.sql(
        "MERGE INTO b.t USING b.s ON b.t.id = `B`.s.id WHEN MATCHED AND b.s.n > 0 THEN UPDATE "
        "SET n = b.t.n + b.s.n WHEN NOT MATCHED THEN INSERT (id, s) VALUES (b.s.id, 'b.s.id')"
    )
    assert everything(t) == [(1, 10, "a"), (2, 220, "b"), (3, 30, "c"), (4, None, "b.s.id")]
    t.sql("UPDATE b.t SET n = b.t.n + 1 WHERE b.t.id = 2 AND b.t.n = (SELECT max(b.t.n) FROM b.t)")
    t.sql("DELETE FROM b.t WHERE b.t.id = 4")
    assert everything(t) == [(1, 10, "a"), (2, 221, "b"), (3, 30, "c")]
    refused(t, "DELETE FROM b.t AS x WHERE b.t.id = 4", "b.t")


def test_stars_take_the_columns_by_name(t: Workspace) -> None:
    done = t.sql(
        "MERGE INTO b.t USING b.s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    assert done.dicts() == [
        {"num_affected_rows": 2, "num_updated_rows": 1, "num_deleted_rows": 0,
         "num_inserted_rows": 1}
    ]  # fmt: skip
    assert everything(t) == [(1, 10, "a"), (2, 200, "B"), (3, 30, "c"), (4, 400, "D")]
    assert version(t, "b.t") == 2


def test_every_clause_in_one_statement(t: Workspace) -> None:
    t.sql(
        """
        MERGE INTO b.t AS target
        USING (SELECT id, n + 1 AS n FROM b.s UNION ALL SELECT 1, 5) AS source
        ON target.id = source.id
        WHEN MATCHED AND source.n > 100 THEN UPDATE SET target.n = source.n + target.n, s = 'u'
        WHEN MATCHED THEN DELETE
        WHEN NOT MATCHED BY TARGET AND source.n < 0 THEN INSERT (id) VALUES (source.id)
        WHEN NOT MATCHED THEN INSERT (id, s) VALUES (source.id * 10, CASE WHEN source.n > 0
            THEN 'new' ELSE 'old' END)
        WHEN NOT MATCHED BY SOURCE AND target.id = 3 THEN UPDATE SET s = 'kept'
        WHEN NOT MATCHED BY SOURCE THEN DELETE
        """
    )
    assert everything(t) == [(2, 221, "u"), (3, 30, "kept"), (40, None, "new")]


def test_the_source_may_be_an_earlier_version_of_the_target(t: Workspace) -> None:
    t.sql("UPDATE b.t SET n = 0")
    for spelled in ("b.t@v1 AS old", "b.t VERSION AS OF 1 old", "b.t VERSION AS OF 1 AS old",
                    "(SELECT * FROM b.t@v1) old"):  # fmt: skip
        t.sql(f"MERGE INTO b.t USING {spelled} ON t.id = old.id AND t.n <> old.n "
              "WHEN MATCHED THEN UPDATE SET *")  # fmt: skip
        assert [row[1] for row in everything(t)] == [10, 20, 30]
        t.sql("UPDATE b.t SET n = 0")


def test_a_row_matched_twice_is_refused_unless_it_goes_anyway(t: Workspace) -> None:
    twice = "MERGE INTO b.t USING (SELECT 1 AS id, x.id AS n FROM range(2) x) s ON t.id = s.id"
    refused(t, f"{twice} WHEN MATCHED THEN UPDATE SET n = s.n", "matched by several source rows",
            error=SqlError)  # fmt: skip
    t.sql(f"{twice} WHEN MATCHED AND s.n = 1 THEN UPDATE SET n = s.n")
    assert everything(t)[0] == (1, 1, "a")
    assert t.sql(f"{twice} WHEN MATCHED THEN DELETE").rows() == [(1, 0, 1, 0)]


def test_a_merge_with_nothing_to_do_commits_nothing(t: Workspace) -> None:
    t.sql("MERGE INTO b.t USING b.s ON t.id = s.id AND false WHEN MATCHED THEN DELETE")
    assert version(t, "b.t") == 1


@pytest.mark.parametrize(
    ("clauses", "said", "error"),
    [
        ("WHEN MATCHED THEN UPDATE SET n = s.s", "n is INT, the value is STRING", SchemaError),
        ("WHEN MATCHED THEN UPDATE SET x = 1", "has no column 'x'", SchemaError),
        (
            "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (1)",
            "names 2 columns and gives 1",
            SqlError,
        ),
        ("WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id)", "t", SqlError),
        ("WHEN NOT MATCHED THEN UPDATE SET n = 1", "INSERT is expected", SqlError),
        ("WHEN NOT MATCHED BY SOURCE THEN UPDATE SET *", "no source row", SqlError),
        ("WHEN MATCHED THEN DELETE WHEN MATCHED THEN DELETE", "only the last", SqlError),
        ("WHEN MATCHED AND uuid() = 'x' THEN DELETE", "left to chance", SqlError),
        ("", "WHEN is expected", SqlError),
        ("WHEN MATCHED THEN UPDATE SET n = 99999999999", "does not fit the column n", SqlError),
    ],
)
def test_what_is_wrong_changes_nothing(
    t: Workspace, clauses: str, said: str, error: type[Exception]
) -> None:
    refused(t, f"MERGE INTO b.t USING b.s ON t.id = s.id {clauses}", said, error=error)  # type: ignore[arg-type]
    assert version(t, "b.t") == 1


def test_stars_need_every_column_of_the_target(t: Workspace) -> None:
    refused(t, "MERGE INTO b.t USING (SELECT 1 AS id) s ON t.id = s.id "
            "WHEN NOT MATCHED THEN INSERT *", "the source has no column n")  # fmt: skip
    refused(t, "MERGE INTO b.t USING b.t ON true WHEN MATCHED THEN DELETE", "both called t")
    refused(t, "MERGE WITH SCHEMA EVOLUTION INTO b.t USING b.s ON true WHEN MATCHED THEN DELETE",
            "ADD COLUMN first")  # fmt: skip


def test_constraints_hold_in_a_merge(t: Workspace) -> None:
    t.sql("ALTER TABLE b.t ADD CONSTRAINT low CHECK (n < 100)")
    refused(t, "MERGE INTO b.t USING b.s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *",
            "break", error=ConstraintError)  # fmt: skip
    assert everything(t)[1] == (2, 20, "b")


KEYS = st.one_of(st.none(), st.integers(0, 6))
VALUES = st.one_of(st.none(), st.integers(-3, 3))
TARGET = st.lists(st.tuples(KEYS, VALUES), max_size=8)
SOURCE = st.lists(st.tuples(KEYS, VALUES), max_size=8, unique_by=lambda row: row[0])
MATCHED = ("WHEN MATCHED AND s.n > 0 THEN UPDATE SET n = t.n + s.n", "WHEN MATCHED THEN DELETE",
           "WHEN MATCHED THEN UPDATE SET n = s.n", "")  # fmt: skip
INSERTS = ("WHEN NOT MATCHED AND s.n <= 1 THEN INSERT (id, n) VALUES (s.id, s.n)",
           "WHEN NOT MATCHED THEN INSERT *", "")  # fmt: skip
MISSING = ("WHEN NOT MATCHED BY SOURCE AND t.n < 0 THEN DELETE",
           "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = 9", "")  # fmt: skip


def model(target: list[Row], source: list[Row], chosen: tuple[str, str, str]) -> list[Row]:
    """What MERGE must give, row by row, written without SQL."""
    matched, insert, missing = chosen
    found: list[Row] = []
    by_key = {key: n for key, n in source if key is not None}
    for key, n in target:
        if key is not None and key in by_key:
            new = by_key[key]
            if "t.n + s.n" in matched:
                applies = new is not None and new > 0
                found.append((key, (None if n is None else n + new) if applies else n))
            elif "DELETE" in matched:
                continue
            else:
                found.append((key, new if matched else n))
        elif "DELETE" in missing and n is not None and n < 0:
            continue
        else:
            found.append((key, 9 if "SET n = 9" in missing else n))
    there = {key for key, _ in target if key is not None}
    for key, n in source:
        if key is not None and key in there:
            continue
        if "*" in insert or ("<= 1" in insert and n is not None and n <= 1):
            found.append((key, n))
    return found


def _values(some: list[Row]) -> str:
    return ", ".join(f"({k if k is not None else 'NULL'}, {n if n is not None else 'NULL'})"
                     for k, n in some)  # fmt: skip


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    target=TARGET,
    source=SOURCE,
    chosen=st.sampled_from([c for c in itertools.product(MATCHED, INSERTS, MISSING) if any(c)]),
)
def test_merge_equals_the_model(
    ws: Workspace, target: list[Row], source: list[Row], chosen: tuple[str, str, str]
) -> None:
    for name, some in (("t", target), ("s", source)):
        ws.sql(f"CREATE OR REPLACE TABLE b.{name} (id INT, n INT)")
        half = len(some) // 2
        for part in (some[:half], some[half:]):
            if part:
                ws.sql(f"INSERT INTO b.{name} VALUES {_values(part)}")
    ws.sql(f"MERGE INTO b.t USING b.s ON t.id = s.id {' '.join(chosen)}")
    key = str
    assert sorted(rows(ws, "SELECT id, n FROM b.t"), key=key) == sorted(
        model(target, source, chosen), key=key
    )
