"""Commands as a person types them: what is printed, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from conftest import make_workspace
from lakelet.cli.app import COMMANDS, cli


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_workspace(tmp_path / "ws")
    posts = [{"id": n, "forum": "ml", "score": n / 2} for n in range(150)]
    lines = [json.dumps(post) for post in posts] + ["broken", '{"id": "x"}']
    (tmp_path / "ws" / "files" / "posts.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "ws"


def run(root: Path, *arguments: str, text: str | None = None, code: int = 0, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments], cwd=root, input=text, capture_output=True,
        text=True, env={**os.environ, "COLUMNS": "120", **env}, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def loaded(root: Path) -> Path:
    run(root, "load", "files/posts.jsonl", "--into", "bronze.posts")
    return root


def test_init_never_overwrites(tmp_path: Path) -> None:
    assert "lakelet.toml" in run(tmp_path, "init", "new")
    (tmp_path / "new" / "lakelet.toml").write_text('time_zone = "UTC"\n# mine\n')
    assert "nothing was changed" in run(tmp_path, "init", "new")
    assert "# mine" in (tmp_path / "new" / "lakelet.toml").read_text()


def test_a_load_says_what_became_of_every_row(root: Path) -> None:
    said = run(root, "load", "files/posts.jsonl", "--into", "bronze.posts")
    assert "151 rows from 1 file" in said
    assert "lakelet rejected bronze.posts" in said
    assert "nothing new" in run(root, "load", "files/posts.jsonl", "--into", "bronze.posts")


def test_records_a_query_leaves_out_are_told_on_stderr(root: Path) -> None:
    said = run(
        root, "sql", "SELECT count(*) AS n FROM read_files('files/posts.jsonl')", "--as", "csv"
    )
    assert said.startswith("n\n151\n")
    assert "Warning: read_files: 1 record is no row of the result, in files/posts.jsonl" in said


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_two_columns_of_one_name_are_refused_where_one_would_be_lost(root: Path, form: str) -> None:
    said = run(root, "sql", "SELECT 1 AS a, 2 AS a", "--as", form, code=1)
    assert "called a" in said
    assert "nothing was written" in said
    assert run(root, "sql", "SELECT 1 AS a, 2 AS a", "-o", "a.parquet", code=1)
    assert not (root / "a.parquet").exists()
    assert run(root, "sql", "SELECT 1 AS a, 2 AS a", "--as", "csv") == "a,a\n1,2\n"


def test_a_diff_says_how_much_more_there_is(root: Path) -> None:
    run(root, "sql", "CREATE TABLE s.t AS SELECT 1 AS id")
    run(root, "sql", "ALTER TABLE s.t ADD COLUMNS (name STRING)")
    run(root, "sql", "INSERT INTO s.t SELECT id, 'fresh' FROM range(5, 205)")
    said = run(root, "diff", "s.t", "0", "2")
    assert "column name was added (STRING)" in said
    assert "fresh" in said
    assert "… 190 more" in said


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_an_example(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    _, mark, examples = (command.help or "").partition("\b")
    assert mark
    assert re.search(rf"^\s*(?:\w+.*\| )?lakelet .*\b{name}\b", examples, re.M)


def test_what_a_query_does_not_use_or_cannot_write_is_told(root: Path) -> None:
    assert "--param b is not used" in run(root, "sql", "SELECT 1", "--param", "b=1")
    assert "not used" not in run(root, "sql", "SELECT :b", "--param", "b=1")
    assert "no folder none" in run(root, "sql", "SELECT 1", "-o", "none/a.csv", code=2)


def test_a_row_with_long_names_stands_upright(root: Path) -> None:
    said = run(root, "sql", "COPY INTO s.t FROM 'files' FILEFORMAT = JSON", COLUMNS="60")
    assert re.search(r"num_skipped_corrupt_files +0", said)


@pytest.mark.parametrize(
    ("words", "found"),
    [("sql --as js", "json"), ("sql --dialect du", "duckdb"), ("load --evolve re", "rescue"),
     ("load --format pa", "parquet")],
)  # fmt: skip
def test_values_of_options_are_completed(root: Path, words: str, found: str) -> None:
    said = run(
        root, _LAKELET_COMPLETE="bash_complete", COMP_WORDS=f"lakelet {words}", COMP_CWORD="3"
    )
    assert found in said


def test_a_dry_run_writes_nothing(root: Path) -> None:
    said = run(root, "load", "files", "--into", "bronze.posts", "--dry-run")
    assert "Nothing was written" in said
    assert "id BIGINT" in said
    assert not (root / "lake").exists() or "No tables" in run(root, "tables")


@pytest.mark.parametrize(
    "arguments",
    [
        ["tables"], ["show", "bronze.posts"], ["history", "bronze.posts"], ["volumes"],
        ["diff", "bronze.posts", "0", "1"], ["files", "bronze.posts"], ["health"],
        ["rescued", "bronze.posts"], ["rejected", "bronze.posts"], ["volumes", "files"], ["doctor"],
    ],
)  # fmt: skip
def test_every_listing_command_speaks_json(loaded: Path, arguments: list[str]) -> None:
    assert json.loads(run(loaded, *arguments, "--json"))
    assert run(loaded, *arguments)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("json", '[\n  {"id": 0, "x": 0.5},\n  {"id": 1, "x": null}\n]\n'),
        ("jsonl", '{"id": 0, "x": 0.5}\n{"id": 1, "x": null}\n'),
        ("csv", "id,x\n0,0.5\n1,\n"),
        ("markdown", "| id | x |\n|---|---|\n| 0 | 0.5 |\n| 1 | NULL |\n"),
    ],
)
def test_results_in_every_form(root: Path, form: str, wanted: str) -> None:
    query = "SELECT * FROM VALUES (0, 0.5), (1, NULL) AS t(id, x) ORDER BY id"
    assert run(root, "sql", query, "--as", form) == wanted


def test_a_result_goes_to_a_file_whole(loaded: Path) -> None:
    run(loaded, "sql", "SELECT id FROM bronze.posts ORDER BY id", "-o", "out.parquet")
    out = run(loaded, "sql", "SELECT count(*) AS n FROM read_files('out.parquet')", "--as", "jsonl")
    assert out == '{"n": 151}\n'
    assert not list(loaded.glob(".*.part"))


def test_sql_from_standard_input_a_file_and_with_parameters(loaded: Path) -> None:
    query = "SELECT count(*) AS n FROM bronze.posts WHERE forum = :forum"
    (loaded / "q.sql").write_text(query)
    for arguments, text in ((["sql", "-f", "q.sql"], None), (["sql"], query)):
        said = run(loaded, *arguments, "--param", "forum=ml", "--as", "jsonl", text=text)
        assert said == '{"n": 150}\n'


def test_time_travel_by_version_and_moment(loaded: Path) -> None:
    assert '{"n": 0}' in run(
        loaded, "sql", "SELECT count(*) AS n FROM bronze.posts@v0", "--as", "jsonl"
    )
    said = run(
        loaded, "sql", "SELECT count(*) AS n FROM bronze.posts", "--at", "2001-01-01", code=1
    )
    assert "has no version at" in said


def test_restore_by_command(loaded: Path) -> None:
    would = run(loaded, "restore", "bronze.posts", "--to", "0", "--dry-run")
    assert "151 rows would go, 0 rows would come back. Nothing was changed." in would
    assert "1 raw file would count as not loaded: files/posts.jsonl" in would
    assert "1 file count" in run(loaded, "restore", "bronze.posts", "--to", "0")
    assert "151 rows" in run(loaded, "load", "files/posts.jsonl", "--into", "bronze.posts")


def test_attach_reads_in_place(loaded: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run(tmp_path, "init", "other")
    said = run(other, "attach", str(loaded / "lake/bronze/posts"), "--name", "old.posts")
    assert "151 rows" in said
    assert "151" in run(other, "sql", "SELECT count(*) FROM old.posts")
    assert (loaded / "lake/bronze/posts/_delta_log").is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["lod"], 2, "Did you mean `lakelet load`"),
        (["load", "files"], 2, "--into"),
        (["load", "nowhere", "--into", "a.b"], 1, "nothing to load"),
        (["load", "files", "--into", "ab"], 1, "schema.table"),
        (["load", "files", "--into", "a.b", "--evolve", "maybe"], 2, "add, widen"),
        (["load", "files", "--into", "a.b", "--option", "headr=true"], 2, "'header'"),
        (["load", "nope:x", "--into", "a.b"], 1, "no volume 'nope'"),
        (["load", "files:../../x", "--into", "a.b"], 1, "leaves the volume"),
        (["load", "files", "--into", "a.b", "--hints", "a DAT"], 1, "DATE"),
        (["sql", "SELECT * FROM bronze.post"], 1, "no table bronze.post"),
        (["sql", "SELECT 1", "--as", "xml"], 2, "--as is one of"),
        (["show", "bronze.nothing"], 1, "no table"),
        (["history", "a.b.c"], 1, "schema.table"),
        (["restore", "bronze.posts", "--to", "99"], 1, "99"),
        (["diff", "bronze.posts", "0", "99"], 1, "99"),
        (["rescued", "bronze.posts", "--promote", "nope"], 1, "nothing of 'nope'"),
    ],
)
def test_mistakes_get_one_clear_message(
    loaded: Path, arguments: list[str], code: int, says: str
) -> None:
    assert says in run(loaded, *arguments, code=code)


def test_outside_a_workspace(tmp_path: Path) -> None:
    assert "lakelet init" in run(tmp_path, "tables", code=1)


def test_an_unknown_setting_is_named_with_its_nearest(root: Path) -> None:
    with (root / "lakelet.toml").open("a") as file:
        file.write("\n[lakes]\npath = 'x'\n")
    assert "did you mean 'lake'" in run(root, "tables", code=1)


def test_help_shows_examples(root: Path) -> None:
    assert "lakelet load files/posts --into bronze.posts" in run(root, "load", "--help")


def test_completion_knows_tables(loaded: Path) -> None:
    said = run(
        loaded, _LAKELET_COMPLETE="bash_complete", COMP_WORDS="lakelet show br", COMP_CWORD="2"
    )
    assert "bronze.posts" in said


def test_watch_loads_what_arrives_and_ctrl_c_ends_it(root: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "load", "files", "--into", "b.p", "--watch"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    try:
        while "posts.jsonl" not in watching.stdout.readline():
            assert watching.poll() is None
        (root / "files" / "late.jsonl").write_text('{"id": 7}\n')
        while "late.jsonl" not in watching.stdout.readline():
            assert watching.poll() is None
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()
    assert "152" in run(root, "sql", "SELECT count(*) FROM b.p")


@pytest.mark.parametrize("dialect", ["databricks", "duckdb"])
@pytest.mark.parametrize("statement", ["{q}", "INSERT INTO b.t {q}", "CREATE TABLE b.u AS {q}"])
def test_ctrl_c_stops_a_query_at_once(root: Path, dialect: str, statement: str) -> None:
    run(root, "sql", "CREATE TABLE b.t AS SELECT 1 AS n")
    (root / "files" / "n.jsonl").write_text("".join(f'{{"n":{n}}}\n' for n in range(5000)))
    run(root, "load", "files/n.jsonl", "--into", "b.n")
    # 5000⁴ pairs: no machine ends this.
    query = "SELECT sum(a.n * b.n + c.n * d.n) AS n FROM b.n a, b.n b, b.n c, b.n d"
    asking = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "sql", "--dialect", dialect, statement.format(q=query)],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(3)
    assert asking.poll() is None
    asking.send_signal(signal.SIGINT)
    out, err = asking.communicate(timeout=60)
    assert (out, err.strip()) == ("", "Error: Interrupted; what was committed before stays.")
    assert asking.returncode == 130
    assert run(root, "sql", "SELECT count(*) AS n FROM b.t", "--as", "csv").split() == ["n", "1"]
    assert "b.u" not in run(root, "tables")


def test_ctrl_c_stops_after_the_file_in_hand_and_the_rest_is_loaded_later(root: Path) -> None:
    line = json.dumps({"id": 1, "text": "x" * 500}) + "\n"
    for number in range(40):
        (root / "files" / f"big{number:02}.jsonl").write_text(line * 20_000)
    loading = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "load", "files/big*.jsonl", "--into", "b.p"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (root / "lake/b/p/_delta_log").is_dir():
        assert loading.poll() is None
        time.sleep(0.01)
    loading.send_signal(signal.SIGINT)
    out, err = loading.communicate(timeout=120)
    assert "Traceback" not in err
    assert loading.returncode == 0, err
    said = run(root, "load", "files/big*.jsonl", "--into", "b.p")
    assert "800000" in run(root, "sql", "SELECT count(*) FROM b.p"), (out, said)
