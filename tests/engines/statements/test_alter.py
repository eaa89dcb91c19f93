"""ALTER TABLE and COMMENT ON: what changes, what is kept, what is refused, and time travel after."""

from __future__ import annotations

import pytest

from engines.statements.rows import refused, rows, version
from lakelet.errors import ConstraintError, SchemaError, SqlError, TableExistsError
from lakelet.session import Workspace


@pytest.fixture
def t(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE b.t (id BIGINT NOT NULL, n INT COMMENT 'count', s STRING)")
    ws.sql("INSERT INTO b.t VALUES (1, 10, 'a'), (2, NULL, 'b')")
    return ws


def test_added_columns_are_null_so_far(t: Workspace) -> None:
    t.sql("ALTER TABLE b.t ADD COLUMN z DOUBLE COMMENT 'later'")
    t.sql("ALTER TABLE b.t ADD COLUMNS (y ARRAY<STRING>, x DATE)")
    assert rows(t, "SELECT z, y, x FROM b.t WHERE id = 1") == [(None, None, None)]
    assert t.table("b.t").columns[3].comment == "later"
    refused(t, "ALTER TABLE b.t ADD COLUMN q INT NOT NULL", "NULL in all rows so far")
    refused(t, "ALTER TABLE b.t ADD COLUMN N INT", "two columns", error=SchemaError)
    refused(t, "ALTER TABLE b.t ADD COLUMN q INT FIRST", "is the last")


def test_rewriting_changes_say_the_bytes_and_keep_the_past(t: Workspace) -> None:
    said: list[str] = []
    t.say = said.append
    done = t.sql("ALTER TABLE b.t ALTER COLUMN n TYPE BIGINT")
    assert done.columns == ["status", "bytes_rewritten"]
    t.sql("ALTER TABLE b.t RENAME COLUMN n TO amount")
    t.sql("ALTER TABLE b.t DROP COLUMN s")
    assert len(said) == 3
    assert all("b.t: rewriting" in line and "in one commit" in line for line in said)
    columns = [(c.name, c.type.sql, c.nullable, c.comment) for c in t.table("b.t").columns]
    assert columns == [("id", "BIGINT", False, None), ("amount", "BIGINT", True, "count")]
    assert rows(t, "SELECT * FROM b.t ORDER BY id") == [(1, 10), (2, None)]
    assert rows(t, "SELECT * FROM b.t VERSION AS OF 1 ORDER BY id") == [
        (1, 10, "a"),
        (2, None, "b"),
    ]
    assert version(t, "b.t") == 4
    t.sql("RESTORE TABLE b.t TO VERSION AS OF 1")
    assert rows(t, "SELECT n, s FROM b.t WHERE id = 1") == [(10, "a")]


def test_a_type_that_would_lose_a_value_is_refused(t: Workspace) -> None:
    refused(t, "ALTER TABLE b.t ALTER COLUMN s TYPE INT", "would not survive", error=SchemaError)
    assert version(t, "b.t") == 1
    t.sql("ALTER TABLE b.t ALTER COLUMN n TYPE STRING")
    t.sql("ALTER TABLE b.t ALTER COLUMN n SET DATA TYPE INT")
    assert rows(t, "SELECT n FROM b.t ORDER BY id") == [(10,), (None,)]


def test_not_null_is_set_where_it_holds_and_dropped(t: Workspace) -> None:
    refused(t, "ALTER TABLE b.t ALTER COLUMN n SET NOT NULL", "1 row breaks NOT NULL",
            error=ConstraintError)  # fmt: skip
    t.sql("ALTER TABLE b.t ALTER COLUMN s SET NOT NULL")
    refused(t, "INSERT INTO b.t (id) VALUES (3)", "break", error=ConstraintError)
    t.sql("ALTER TABLE b.t ALTER COLUMN s DROP NOT NULL")
    t.sql("INSERT INTO b.t (id) VALUES (3)")


def test_constraints_are_checked_kept_and_dropped(t: Workspace) -> None:
    refused(t, "ALTER TABLE b.t ADD CONSTRAINT low CHECK (id < 2)", "1 row breaks CHECK")
    t.sql("ALTER TABLE b.t ADD CONSTRAINT low CHECK (id < 10 AND (s = 'a' OR s IN ('b', 'c')))")
    refused(t, "ALTER TABLE b.t ADD CONSTRAINT low CHECK (id < 9)", "has a constraint low")
    refused(t, "INSERT INTO b.t VALUES (10, 1, 'a')", error=ConstraintError)
    refused(t, "INSERT INTO b.t VALUES (3, 1, 'z')", error=ConstraintError)
    refused(t, "UPDATE b.t SET s = 'z'", error=ConstraintError)
    refused(t, "ALTER TABLE b.t DROP COLUMN s", "the constraint low names s", error=SchemaError)
    refused(t, "ALTER TABLE b.t RENAME COLUMN s TO z", "DROP CONSTRAINT low first")
    refused(t, "ALTER TABLE b.t DROP CONSTRAINT lo", "did you mean low")
    t.sql("ALTER TABLE b.t DROP CONSTRAINT low")
    t.sql("ALTER TABLE b.t DROP CONSTRAINT IF EXISTS low")
    t.sql("INSERT INTO b.t VALUES (10, 1, 'z')")


CHECKS = [
    ("id > 0 AND (n IS NULL OR n < 100)", "(1, 99, 'x')", "(1, 100, 'x')"),
    ("NOT (id = 5 OR s = 'bad')", "(4, 1, 'ok')", "(4, 1, 'bad')"),
    ("s LIKE 'a%' OR length(s) = 1", "(1, 1, 'abc')", "(1, 1, 'bc')"),
    ("id * 2 - 1 BETWEEN 1 AND 9", "(5, 1, 'x')", "(6, 1, 'x')"),
    ("id NOT IN (7, 8) AND id <> 9", "(6, 1, 'x')", "(8, 1, 'x')"),
    ("lower(s) = s", "(1, 1, 'é')", "(1, 1, 'É')"),
    ("s = 'a' OR id + n > 10", "(1, 10, 'b')", "(1, 9, 'b')"),
]


@pytest.mark.parametrize(("check", "good", "bad"), CHECKS)
def test_constraints_mean_what_they_say_in_both_ways_of_writing(
    ws: Workspace, check: str, good: str, bad: str
) -> None:
    ws.sql(f"CREATE TABLE b.c (id BIGINT, n INT, s STRING, CONSTRAINT c CHECK ({check}))")
    ws.sql(f"INSERT INTO b.c VALUES {good}")
    refused(ws, f"INSERT INTO b.c VALUES {bad}", error=ConstraintError)
    merge = "MERGE INTO b.c USING (SELECT * FROM VALUES {} AS v(id, n, s)) s ON false WHEN NOT "
    ws.sql(merge.format(good) + "MATCHED THEN INSERT *")
    refused(ws, merge.format(bad) + "MATCHED THEN INSERT *", error=ConstraintError)
    assert rows(ws, "SELECT count(*) FROM b.c") == [(2,)]


def test_properties_and_comments_are_set(t: Workspace) -> None:
    t.sql("ALTER TABLE b.t SET TBLPROPERTIES ('team' = 'x', delta.logRetentionDuration = "
          "'interval 60 days')")  # fmt: skip
    t.sql("COMMENT ON TABLE b.t IS 'all of it'")
    t.sql("COMMENT ON COLUMN b.t.s IS 'text'")
    t.sql("ALTER TABLE b.t ALTER COLUMN id COMMENT 'key'")
    said = t.table("b.t").describe()
    assert said["properties"]["team"] == "x"
    assert said["comment"] == "all of it"
    assert [c["comment"] for c in said["columns"]] == ["key", "count", "text"]
    t.sql("COMMENT ON TABLE b.t IS NULL")
    assert t.table("b.t").describe()["comment"] is None
    refused(t, "COMMENT ON COLUMN b.t.q IS 'x'", "has no column 'q'", error=SchemaError)
    refused(t, "ALTER TABLE b.t SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
            "refused", error=SqlError)  # fmt: skip


def test_what_others_need_cannot_be_taken_away(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.t (a INT, b INT, g INT GENERATED ALWAYS AS (a + 1), p INT) "
           "PARTITIONED BY (p)")  # fmt: skip
    refused(ws, "ALTER TABLE b.t DROP COLUMN a", "g is computed from a")
    refused(ws, "ALTER TABLE b.t DROP COLUMN p", "partitioned by p")
    refused(ws, "ALTER TABLE b.t DROP COLUMNS (a, b)", "g is computed from a")
    ws.sql("ALTER TABLE b.t DROP COLUMN IF EXISTS zz")
    refused(ws, "ALTER TABLE b.t DROP COLUMN bb", "did you mean 'b'")
    ws.sql("INSERT INTO b.t VALUES (1, 2, 3)")
    ws.sql("ALTER TABLE b.t DROP COLUMN b")
    assert rows(ws, "SELECT * FROM b.t") == [(1, 2, 3)]


def test_a_renamed_table_takes_history_and_ledger_with_it(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id": 1}\nbroken\n')
    ws.load("files", into="b.old")
    ws.sql("ALTER TABLE b.old RENAME TO c.new")
    assert [str(name) for name in ws.tables() if name.schema != "system"] == [
        "c.new", "c.new__rejected",
    ]  # fmt: skip
    assert ws.load("files", into="c.new").same == 1
    assert len(ws.table("c.new").rejected()) == 1
    assert rows(ws, "SELECT table_name FROM system.loaded_files") == [("c.new",)]
    ws.sql("CREATE TABLE b.other (a INT)")
    refused(ws, "ALTER TABLE b.other RENAME TO c.new", "is taken", error=TableExistsError)
    ws.load("files", into="b.old")
    assert rows(ws, "SELECT id FROM b.old") == [(1,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ALTER TABLE b.t UNSET TBLPROPERTIES ('x')", "SET TBLPROPERTIES gives it another"),
        ("ALTER TABLE b.t SET LOCATION '/x'", "work"),
        ("ALTER TABLE b.t ADD PARTITION (p = 1)", "COLUMN, COLUMNS or CONSTRAINT is expected"),
        ("ALTER TABLE b.t ALTER COLUMN n SET DEFAULT 1", "SET NOT NULL"),
        ("ALTER TABLE b.t RENAME COLUMN a.b TO c", "field inside a column"),
        ("ALTER TABLE b.nothing ADD COLUMN x INT", "there is no table b.nothing"),
        ("ALTER VIEW b.t AS SELECT 1", "ALTER TABLE"),
        ("ALTER TABLE b.t ADD CONSTRAINT p PRIMARY KEY (id)", "MERGE INTO"),
    ],
)
def test_other_alterations_are_refused_by_name(t: Workspace, text: str, said: str) -> None:
    refused(t, text, said)
    assert version(t, "b.t") == 1


def tags(ws: Workspace) -> dict[str, str]:
    return dict(ws.table("b.t").describe()["tags"])


def test_tags_are_set_and_taken_off(t: Workspace) -> None:
    t.sql("ALTER TABLE b.t SET TAGS ('team' = 'lab', 'reviewed', 'zu prüfen' = 'it''s \"so\"')")
    assert tags(t)["reviewed"] == ""
    t.sql("ALTER TABLE b.t SET TAGS ('team' = 'other')")
    t.sql("ALTER TABLE b.t UNSET TAGS ('reviewed', 'zu prüfen')")
    assert tags(t) == {"team": "other"}
    assert ("Tag team", "other", "") in rows(t, "DESCRIBE EXTENDED b.t")
    assert "lakelet.tags" not in t.table("b.t").describe()["properties"]
    t.sql("RESTORE TABLE b.t TO VERSION AS OF 1")
    assert tags(t) == {}
    actions = [row[0] for row in rows(t, "SELECT action FROM system.audit ORDER BY id")]
    assert actions[-4:] == ["SET TAGS", "SET TAGS", "UNSET TAGS", "RESTORE"]


def test_tags_that_are_none_are_refused(t: Workspace) -> None:
    now = version(t, "b.t")
    for said, why in (
        ("SET TAGS ('a.b' = 'x')", "has no '.' in it"),
        ("SET TAGS (' a')", "no blanks around"),
        ("SET TAGS ('')", "one to 255 letters"),
        (f"SET TAGS ('a' = '{'x' * 1001}')", "1000 are the most"),
        ("SET TAGS ('a', 'a')", "given twice"),
        ("SET TAGS ()", "a tag in quotes is expected"),
        ("SET TAGS (" + ", ".join(f"'t{n}'" for n in range(51)) + ")", "would have 51 tags"),
        ("UNSET TAGS ('nope')", "has no tag 'nope'"),
        ("ALTER COLUMN id SET TAGS ('pii')", "only tables have tags"),
        ("SET TBLPROPERTIES ('lakelet.tags' = '{}')", "tags stand in it"),
    ):
        refused(t, f"ALTER TABLE b.t {said}", why)
    assert version(t, "b.t") == now
