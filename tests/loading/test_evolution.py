"""What becomes of fields and types a table does not know: add, widen, rescue, fail."""

from __future__ import annotations

import json
from decimal import Decimal

import duckdb
import pytest

from lakelet.errors import SchemaError
from lakelet.lake.types import Column, Primitive
from lakelet.loading.fit.json_template import find_template
from lakelet.loading.inference.guessed import Guess
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import Shape
from lakelet.session import Workspace


def load(ws: Workspace, name: str, *rows: object, **options: object):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (ws.folder.files / name).write_text(text)
    return ws.load("files", into="t.t", **options)  # type: ignore[arg-type]


def types(ws: Workspace) -> dict[str, str]:
    return {c.name: c.type.sql for c in ws.table("t.t").columns if not c.name.startswith("_")}


def test_add_makes_columns_of_new_fields(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    report = load(ws, "b.jsonl", {"id": 2, "n": {"x": [1.5]}, "d": "2026-01-02"})
    assert [c.name for c in report.new_columns] == ["n", "d"]
    assert types(ws) == {"id": "BIGINT", "n": "STRUCT<x: ARRAY<DOUBLE>>", "d": "DATE"}


def test_widen_changes_a_type_where_no_value_is_lost(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "v": 1, "d": "2026-01-02"})
    report = load(
        ws,
        "b.jsonl",
        {"id": 2, "v": 2.5, "d": "2026-01-02T03:04:05Z"},
        {"id": 3, "v": "n/a"},
        evolve="widen",
    )
    assert types(ws) == {"id": "BIGINT", "v": "DOUBLE", "d": "TIMESTAMP"}
    assert sorted(report.widened) == ["d: DATE to TIMESTAMP", "v: BIGINT to DOUBLE"]
    assert ws.sql("SELECT v, _rescued_data FROM t.t ORDER BY id").rows() == [
        (1.0, None), (2.5, None), (None, '{"v":"n/a"}'),
    ]  # fmt: skip


def test_widen_leaves_a_column_whose_values_would_not_survive(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 2**53 + 1})
    load(ws, "b.jsonl", {"id": 2.5}, evolve="widen")
    assert types(ws) == {"id": "BIGINT"}
    assert ws.sql("SELECT _rescued_data FROM t.t WHERE id IS NULL").rows() == [('{"id":2.5}',)]


def test_widen_stops_at_its_limit(ws: Workspace) -> None:
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(
        settings.read_text().replace('# widen_limit = "1 GB"', 'widen_limit = "1 B"')
    )
    import lakelet

    ws = lakelet.open(ws.folder.root)
    load(ws, "a.jsonl", {"v": 1})
    report = load(ws, "b.jsonl", {"v": 1.5}, evolve="widen")
    assert types(ws) == {"v": "BIGINT"}
    (told,) = report.not_widened
    assert told.startswith("v stays BIGINT: DOUBLE would rewrite ")
    assert told.endswith(", and widen_limit is 1")


def test_widen_tells_what_no_wider_type_takes(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"d": 1, "n": 1, "ok": 1, "k": 2**53 + 1}, hints={"d": "DECIMAL(38,2)"})
    text = '{"d":1.0000000001,"n":"x","ok":2,"more":1,"k":2.5}\n{"d":%s}\n' % ("9" * 36)
    (ws.folder.files / "b.jsonl").write_text(text)
    report = ws.load("files", into="t.t", evolve="widen")
    assert report.widened == []
    assert sorted(report.not_widened) == [
        "d stays DECIMAL(38,2): the 38 digits of a DECIMAL may be too few for its numbers",
        "k stays BIGINT: values that are there would not survive as DOUBLE",
        "n stays BIGINT: values of another kind make no other type of it",
    ]
    assert report.rescued == 1


def test_rescue_keeps_the_schema(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    load(ws, "b.jsonl", {"id": 2, "n": [1, {"x": 1.10}]}, evolve="rescue")
    assert types(ws) == {"id": "BIGINT"}
    assert ws.sql("SELECT _rescued_data FROM t.t WHERE id = 2").rows() == [('{"n":[1,{"x":1.1}]}',)]


def test_fail_stops_before_writing_with_the_difference(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    before = ws.table("t.t").version
    with pytest.raises(SchemaError, match=r"n BIGINT \(1 row\)"):
        load(ws, "b.jsonl", {"id": 2, "n": 1}, evolve="fail")
    assert ws.table("t.t").version == before
    assert ws.load("files", into="t.t", evolve="rescue").kept == 1


def test_a_field_that_is_always_null_makes_no_column_yet(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "later": None})
    assert types(ws) == {"id": "BIGINT"}
    load(ws, "b.jsonl", {"id": 2, "later": True})
    assert types(ws) == {"id": "BIGINT", "later": "BOOLEAN"}


def test_of_two_names_that_differ_in_case_the_later_is_rescued(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"Name": "a", "name": "b"})
    assert ws.sql("SELECT name, _rescued_data FROM t.t").rows() == [("a", '{"name":"b"}')]


def test_names_that_delta_does_not_allow_are_changed_and_kept_in_the_comment(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"a b;c": 1})
    column = ws.table("t.t").columns[0]
    assert (column.name, column.comment) == ("a_b_c", "raw field 'a b;c'")


def test_many_different_keys_become_a_map(ws: Workspace) -> None:
    load(ws, "a.jsonl", *({"m": {f"k{i}": i}} for i in range(201)))
    assert types(ws) == {"m": "MAP<STRING, BIGINT>"}
    assert ws.sql("SELECT sum(m[concat('k', '7')]) FROM t.t", dialect="duckdb").rows() == [(7,)]


def test_a_table_stops_at_two_thousand_columns(ws: Workspace) -> None:
    load(ws, "a.jsonl", {f"c{i}": i for i in range(2100)})
    assert len(ws.table("t.t").columns) == 2000
    rescued = ws.sql("SELECT _rescued_data FROM t.t").rows()[0][0]
    assert len(json.loads(rescued)) == 102


def test_hints_win(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"a": 1, "b": "5"}, {"a": 2, "b": "x"}, hints="a DECIMAL(10,2)")
    assert types(ws) == {"a": "DECIMAL(10,2)", "b": "STRING"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 2**62], "BIGINT"),
        ([1, 2.5], "DOUBLE"),
        ([0.8444218515250481, 1e-7], "DOUBLE"),
        ([True, False], "BOOLEAN"),
        (["2026-01-02", "2024-02-29"], "DATE"),
        (["2026-01-02T03:04:05Z", "2026-01-02"], "TIMESTAMP"),
        (["2026-01-02T03:04:05.123456789Z"], "STRING"),
        (["infinity"], "STRING"),
        (["10000-01-01T00:00:00Z"], "STRING"),
        (["5", "6"], "STRING"),
        ([1, "x"], "STRING"),
        ([[1], [2, 3]], "ARRAY<BIGINT>"),
        ([[]], "ARRAY<STRING>"),
        ([["2026-01-02", None], [], None], "ARRAY<DATE>"),
        ([["2026-01-02"], ["2026-01-02T03:04:05Z", "2026-01-03"]], "ARRAY<TIMESTAMP>"),
        ([["2026-01-02"], ["x"]], "ARRAY<STRING>"),
        ([["2026-01-02"], [2]], "ARRAY<STRING>"),
        ([["2026-01-02"] * 198 + ["x", "2026-01-32"]], "ARRAY<DATE>"),
        ([["2026-01-02"] * 98 + ["x", "2026-01-32"]], "ARRAY<STRING>"),
        ([[["2026-01-02"], ["2026-01-03"]]], "ARRAY<ARRAY<DATE>>"),
        (
            [[{"at": "2026-01-02T03:04", 'q"\\\\.*': ["2026-01-02"]}]],
            'ARRAY<STRUCT<at: TIMESTAMP, `q"\\\\.*`: ARRAY<DATE>>>',
        ),
        ([{"x": 1}, {"y": "z"}], "STRUCT<x: BIGINT, y: STRING>"),
        ([{}], "MAP<STRING, STRING>"),
        ([1] * 99 + ["x"], "BIGINT"),
        ([1] * 98 + ["x"] * 2, "STRING"),
    ],
)
def test_the_narrowest_type_that_most_values_fit(
    ws: Workspace, values: list[object], kind: str
) -> None:
    load(ws, "a.jsonl", *({"v": value} for value in values))
    assert types(ws) == {"v": kind}


def test_times_inside_arrays_are_kept_as_they_were(ws: Workspace) -> None:
    good = ["2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05+02:00", None]
    load(
        ws,
        "a.jsonl",
        *[{"v": good, "s": [{"d": "2026-02-28"}]}] * 99,
        {"v": [*good, "2026-02-30T00:00:00Z", 5], "s": [{"d": "2026-02-30"}, {"d": "2024-02-29"}]},
    )
    assert types(ws) == {"v": "ARRAY<TIMESTAMP>", "s": "ARRAY<STRUCT<d: DATE>>"}
    text = "CAST(v AS STRING), CAST(s AS STRING), _rescued_data"
    query = f"SELECT {text}, count(*) FROM t.t GROUP BY ALL ORDER BY 4 DESC"
    found = ws.sql(query, dialect="duckdb").rows()
    kept = "'2026-01-02 03:04:05.5+00', '2026-01-02 01:04:05+00', NULL"
    assert found == [
        (f"[{kept}]", "[{'d': 2026-02-28}]", None, 99),
        (f"[{kept}, NULL, NULL]", "[{'d': NULL}, {'d': 2024-02-29}]",
         '{"v[3]":"2026-02-30T00:00:00Z","v[4]":5,"s[0].d":"2026-02-30"}', 1),
    ]  # fmt: skip


def test_digits_a_double_would_lose_make_a_decimal(ws: Workspace) -> None:
    text = "".join(f'{{"v": 0.1234567890123456789{i}}}\n' for i in range(5))
    (ws.folder.files / "a.jsonl").write_text(text)
    ws.load("files", into="t.t")
    assert types(ws) == {"v": "DECIMAL(38,20)"}


@pytest.mark.parametrize(
    "odd", ["1", "12345678901234567890123", '"\\u0000"'], ids=["plain", "many digits", "escaped"]
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_whole_fractions_are_fractions(ws: Workspace, odd: str, name: str) -> None:
    """However a record is looked at: next to ``1.0`` there may be 1.5 in the next file."""
    json_text = "".join(f'{{"v": {v}, "odd": {odd}}}\n' for v in ("1.0", "2e3", "-0.0"))
    csv_text = "v,odd\n" + "".join(f'{v},"{odd.strip(chr(34))}"\n' for v in ("1.0", "2e3", "3.0"))
    (ws.folder.files / name).write_text(csv_text if name.endswith("csv") else json_text)
    ws.load("files", into="t.t")
    assert types(ws)["v"] == "DOUBLE"


def test_whole_fractions_are_fractions_to_a_guess() -> None:
    shape = Shape.of([Column("v", Primitive("DOUBLE"))])
    template = find_template(shape, ['{"v": 1.0}'])
    assert template is not None
    root = Tally()
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE VIEW batch AS SELECT 0 AS file, i AS line, "
            "concat('{\"v\": ', i, '.0}') AS record FROM range(1, 9) r(i)"
        )
        assert Guess(shape, template).count(connection, root) == 1.0
    assert root.fields["v"].kind(0.99) == Primitive("DOUBLE")


def test_types_are_those_of_all_values_not_only_of_the_first(ws: Workspace) -> None:
    """Later records are counted by a guess from the first ones; a wrong guess changes nothing."""
    count, late = 20_000, 1_000
    with (ws.folder.files / "a.jsonl").open("w") as file:
        for n in range(count):
            row = {"i": n, "late_text": 1, "late_fraction": 2, "late_date": "x", "pad": "p" * 400}
            if n >= count - late:
                row |= {"late_text": "t", "late_fraction": 2.5}
            if n >= 200:
                row["late_date"] = "2026-01-02"
            file.write(json.dumps(row) + "\n")
    ws.load("files", into="t.t")
    assert types(ws) == {"i": "BIGINT", "late_text": "STRING", "late_fraction": "DOUBLE",
                         "late_date": "DATE", "pad": "STRING"}  # fmt: skip
    assert ws.sql("SELECT count(*) FROM t.t WHERE _rescued_data IS NOT NULL").rows() == [(200,)]


def test_a_dry_run_shows_what_comes_new_in_a_struct(ws: Workspace) -> None:
    path = ws.folder.files / "a.jsonl"
    path.write_text('{"id": 1, "geo": {"lat": 1.5}}\n')
    ws.load("files/a.jsonl", into="t.dry")
    (ws.folder.files / "b.jsonl").write_text(
        '{"id": 2, "geo": {"lat": 2.5, "alt": 7}, "late": "x"}\n'
    )
    report = ws.load("files", into="t.dry", dry_run=True)
    assert [(c.name, c.type.sql) for c in report.new_columns] == [
        ("late", "STRING"),
        ("geo.alt", "BIGINT"),
    ]
    assert ws.load("files", into="t.dry", dry_run=True, evolve="rescue").new_columns == []
    assert ws.sql("SELECT count(*) FROM t.dry").rows() == [(1,)]


def test_a_decimal_of_python_takes_its_38_digits_and_no_more(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (x DECIMAL(38,28))")
    fits = Decimal("0.1234567890123456789012345678")
    ws.table("t.t").append([{"x": fits}, {"x": Decimal("0E-40")}, {"x": Decimal(10**9)}])
    with pytest.raises(SchemaError, match="nothing was written"):
        ws.table("t.t").append([{"x": Decimal("0.12345678901234567890123456789")}])
    assert {row[0] for row in ws.sql("SELECT x FROM t.t").rows()} == {fits, 0, 10**9}


def test_a_decimal_takes_its_38_digits_and_no_more(ws: Workspace) -> None:
    long, longer = "0.1234567890123456789012345678", "0.12345678901234567890123456789"
    whole = "9" * 36
    text = f'{{"x":{long}00}}\n{{"x":{longer}}}\n{{"y":{whole}}}\n{{"y":{whole}9}}\n'
    (ws.folder.files / "a.jsonl").write_text(text)
    ws.load("files", into="t.t", hints={"x": "DECIMAL(38,28)", "y": "DECIMAL(38,2)"})
    rows = ws.sql("SELECT x, y, _rescued_data FROM t.t").rows()
    found = sorted(tuple(str(value) for value in row) for row in rows)
    assert found == sorted(
        [
            (long, "None", "None"),
            ("None", "None", f'{{"x":{longer}}}'),
            ("None", f"{whole}.00", "None"),
            ("None", "None", f'{{"y":{whole}9}}'),
        ]
    )


def test_names_keep_their_case_and_are_found_in_any(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"Id":1,"userName":"x"}\n')
    (ws.folder.files / "b.jsonl").write_text('{"ID":2,"username":"y","New Field":3}\n')
    ws.load("files/a.jsonl", into="s.t", hints="ID INT", key=["id"])
    ws.load("files/b.jsonl", into="s.t", key=["ID"])
    result = ws.sql("SELECT * EXCEPT (_metadata, _rescued_data) FROM s.t ORDER BY iD")
    assert result.columns == ["Id", "userName", "New_Field"]
    assert result.rows() == [(1, "x", None), (2, "y", 3)]
