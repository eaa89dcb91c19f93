"""Rows that break a constraint: nothing is left, and the constraint is named."""

from __future__ import annotations

import pytest

from lakelet.errors import ConstraintError
from lakelet.session import Workspace


def load(ws: Workspace, text: str, **more: object):
    (ws.folder.files / "a.jsonl").write_text(text)
    return ws.load("files", into="t.t", **more)  # type: ignore[arg-type]


def columns(ws: Workspace) -> list[str]:
    return [c.name for c in ws.table("t.t").columns if not c.name.startswith("_")]


@pytest.mark.parametrize("key", [(), ("id",)])
def test_a_load_that_fails_leaves_no_column_and_no_file(ws: Workspace, key: tuple[str]) -> None:
    ws.sql("CREATE TABLE t.t (id BIGINT, v BIGINT)")
    ws.sql("ALTER TABLE t.t ADD CONSTRAINT pos CHECK (v > 0)")
    text = '{"id":1,"v":-5,"more":{"x":1}}\n{"id":2,"v":-6,"more":{"x":1}}\n{"id":3,"v":4}\n'
    with pytest.raises(ConstraintError) as told:
        load(ws, text, key=key)
    said = str(told.value)
    assert "t.t: at least 2 rows break the constraint CHECK pos" in said
    assert "nothing was written" in said
    assert "id = 1, v = -5" in said
    assert "DROP CONSTRAINT pos" in said
    assert "Delta" not in said
    assert str(ws.folder.root) not in said
    assert columns(ws) == ["id", "v"]
    assert ws.table("t.t").files() == []
    place = ws.folder.root / "lake/t/t"
    assert [path.name for path in place.glob("*staged*")] == []
    assert load(ws, text.replace("-", ""), key=key).kept == 3
    assert columns(ws) == ["id", "v", "more"]


def test_fields_of_a_struct_are_not_left_either(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (v BIGINT NOT NULL, s STRUCT<x: BIGINT>)")
    with pytest.raises(ConstraintError, match="at least 1 row breaks the constraint NOT NULL of v"):
        load(ws, '{"s":{"x":1,"y":2}}\n')
    (kind,) = [c.type.sql for c in ws.table("t.t").columns if c.name == "s"]
    assert kind == "STRUCT<x: BIGINT>"
    assert load(ws, '{"v":1,"s":{"x":1,"y":2}}\n').kept == 1


def test_statements_name_the_constraint_too(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (id BIGINT NOT NULL, v BIGINT)")
    ws.sql("ALTER TABLE t.t ADD CONSTRAINT pos CHECK (v > 0)")
    with pytest.raises(ConstraintError, match="at least 1 row breaks the constraint CHECK pos"):
        ws.sql("INSERT INTO t.t VALUES (1, -1)")
    with pytest.raises(ConstraintError, match="1 row breaks the constraint NOT NULL of id; noth"):
        ws.sql("INSERT INTO t.t (v) VALUES (1)")
    with pytest.raises(ConstraintError, match="2 rows break a constraint, one of NOT NULL of id; "):
        ws.sql("INSERT INTO t.t VALUES (NULL, 1), (1, -1)")
    ws.sql("INSERT INTO t.t VALUES (1, 1)")
    with pytest.raises(ConstraintError, match=r"^t\.t: at least 1 row .* id = 1, v = -3\."):
        ws.sql("UPDATE t.t SET v = -3")


def test_a_text_that_may_be_empty_or_null_is_not_taken_for_null(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (name STRING NOT NULL, v BIGINT)")
    ws.sql("ALTER TABLE t.t ADD CONSTRAINT pos CHECK (v > 0)")
    with pytest.raises(ConstraintError, match="one of NOT NULL of name; CHECK pos"):
        ws.sql("INSERT INTO t.t VALUES ('', -1)")


def test_the_value_that_did_not_fit_is_shown(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (id BIGINT, n BIGINT NOT NULL)")
    with pytest.raises(
        ConstraintError, match=r'id = 1, n = NULL \("abc" in the file does not fit\)'
    ):
        load(ws, '{"id":1,"n":"abc"}\n{"id":2,"n":5}\n')


def test_rows_there_that_break_a_new_constraint_are_counted_in_words(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t AS SELECT * FROM VALUES (-1), (2) v(a)")
    with pytest.raises(ConstraintError, match="1 row breaks "):
        ws.sql("ALTER TABLE t.t ADD CONSTRAINT pos CHECK (a > 0)")
    ws.sql("INSERT INTO t.t VALUES (-3)")
    with pytest.raises(ConstraintError, match="2 rows break "):
        ws.sql("ALTER TABLE t.t ADD CONSTRAINT pos CHECK (a > 0)")
