"""What goes wrong in a person's Python: a message with file and line, and nothing changed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.session import Workspace
from pipelines.writing import commits, define

START = "from lakelet import pipelines as dp\nimport os, time\n"


@pytest.fixture
def source(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a, 'x' AS b")
    define(ws, "CREATE MATERIALIZED VIEW other AS SELECT a FROM s.t")
    return ws


def failing(ws: Workspace, text: str, message: str) -> str:
    """The message of an update that fails, having changed nothing."""
    define(ws, START + text, file="b.py")
    before = commits(ws)
    with pytest.raises(LakeletError, match=message) as failed:
        ws.update("p")
    after = commits(ws)
    assert {k: v for k, v in after.items() if not k.startswith("system")} == {
        k: v for k, v in before.items() if not k.startswith("system")
    }
    return str(failed.value)


ON_READING = {
    "a syntax error": ("def m(:\n", r"pipelines/p/b\.py:3: SyntaxError"),
    "an exception": ("x = 1 / 0\n", r"pipelines/p/b\.py:3: ZeroDivisionError: division by zero"),
    "a missing module": ("import nowhere_at_all\n", r"b\.py:3: ModuleNotFoundError"),
    "an end": ("os._exit(3)\n", r"pipelines/p/b\.py: .*exit status 3"),
    "sys.exit": ("raise SystemExit(2)\n", r"b\.py:3: SystemExit"),
    "an unknown input": (
        "@dp.materialized_view\ndef m(othr): return othr\n",
        r"b\.py:3: p\.m: there is no table othr(.|\n)*other",
    ),
    "a circle": (
        "@dp.materialized_view\ndef a(b): return b\n@dp.materialized_view\ndef b(a): return a\n",
        r"circle: p\.\w → p\.\w → p\.\w",
    ),
    "a stream from a materialized view": (
        "@dp.table(stream=['other'])\ndef m(other): return other\n",
        r"b\.py:3: .*a materialized view is replaced",
    ),
    "a stream into a materialized view": (
        "@dp.materialized_view(reads={'t': 's.t'}, stream=['t'])\ndef m(t): return t\n",
        r"b\.py:3: .*cannot read with STREAM",
    ),
    "no stream": ("@dp.table\ndef m(other): return other\n", r"b\.py:3: .*reads nothing with STREAM"),
    "any number of inputs": ("@dp.table\ndef m(*many): return 1\n", r"b\.py:3: m takes \*many"),
    "a workspace as input": ("@dp.table\ndef m(ws): return 1\n", r"b\.py:3: m takes ws, which is no"),
    "a schema that is none": (
        "@dp.table(schema='id BIGNIT')\ndef m(): return 1\n", r"b\.py:3: (.|\n)*BIGINT",
    ),
    "another format": ("@dp.table(format='csv')\ndef m(): return 1\n", r"b\.py:3: .*Delta tables"),
    "an async function": ("@dp.table\nasync def m(): return 1\n", r"b\.py:3: m is async"),
    "an unknown target": (
        "@dp.append_flow(target='othr', once=True)\ndef m(): return []\n",
        r"b\.py:3: the flow m goes into p\.othr",
    ),
    "a workspace opened": ("import lakelet\nlakelet.open()\n", r"b\.py:4: .*opens a workspace"),
    "an expectation over no column": (
        "@dp.materialized_view(schema='a INT')\n@dp.expect('x', 'nope > 1')\ndef m(): return []\n",
        r"b\.py:3: p\.m: .*nope",
    ),
    "a name twice": (
        "@dp.materialized_view(name='other')\ndef m(): return []\n", r"b\.py:3: p\.other is declared",
    ),
    "checks on a view": (
        "@dp.temporary_view\n@dp.expect('a', 'a > 1')\ndef v(): return []\n",
        r"b\.py:3: p\.v is a temporary view",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ON_READING.values(), ids=ON_READING)
def test_what_is_found_before_anything_runs(source: Workspace, text: str, message: str) -> None:
    define(source, START + text, file="b.py")
    with pytest.raises(LakeletError, match=message):
        source.plan("p")
    failing(source, text, message)
    assert source.updates("p") == []


WHILE_RUNNING = {
    "an exception": ("x = {}\n    return x['nowhere']", r"b\.py:6: KeyError: 'nowhere'"),
    "an exception after rows": (
        "for i in range(30_000): yield {'a': i}\n    raise ValueError('too late')",
        r"b\.py:6: ValueError: too late",
    ),
    "nothing": ("pass", r"b\.py:3: p\.m: it returned nothing"),
    "a number": ("return 3", r"b\.py:3: p\.m: it returned a int, which has no rows"),
    "a dictionary": ("return {'a': 1}", r"it returned a single dictionary"),
    "yielded numbers": ("yield 3", r"it yielded a int"),
    "no row and no schema": ("return []", r"gave no row.*columns are not known"),
    "a wrong query": ("return 'SELECT nope FROM t'", r"b\.py:3: p\.m: .*nope"),
    "a wrong filter": ("return t.filter('nope > 1')", r"b\.py:5: .*nope"),
    "an undeclared table": (
        "return 'SELECT * FROM p.other'", r"reads p\.other, which the function does not say",
    ),
    "an undeclared table of a relation": (
        "return t.sql('SELECT * FROM p.other')", r"b\.py:5: the query reads p\.other",
    ),
    "files": ("return 'SELECT * FROM read_files(\"files\")'", r"read_files cannot be read by"),
    "a workspace": (
        "import lakelet\n    return lakelet.open('.').sql('SELECT 1')", r"b\.py:6: .*opens a workspace",
    ),
    "kinds that differ": (
        "return [{'a': 1}, {'a': 'x'}]", r"column a is BIGINT in earlier rows and 'x' of type str",
    ),
    "kinds that differ later": (
        "for i in range(10_001): yield {'a': i if i < 10_000 else 'x'}",
        r"row 10001: a is BIGINT, the value is 'x' of type str; nothing was published",
    ),
    "columns that differ later": (
        "import pyarrow as pa\n    yield pa.table({'a': [1]})\n    yield pa.table({'b': [1]})",
        r"first rows have the columns a, later ones b",
    ),
    "frames that differ later": (
        "import pyarrow as pa\n    yield pa.table({'a': [1]})\n    yield pa.table({'a': ['x']})",
        r"the column a is BIGINT in its first rows and STRING",
    ),
    "an end": ("os._exit(7)", r"b\.py:3: p\.m: its process ended with exit status 7"),
    "a crash": ("os.abort()", r"b\.py:3: p\.m: its process ended by the signal SIGABRT"),
    "a crash after rows": (
        "yield from ({'a': i} for i in range(30_000))\n    os.kill(os.getpid(), 9)",
        r"b\.py:3: p\.m: its process ended by the signal SIGKILL",
    ),
    "an infinite sleep": ("time.sleep(1000)", r"b\.py:3: p\.m: .*timeout of 3 s and was stopped"),
    "an infinite generator": (
        "while True: yield {'a': 1}", r"b\.py:3: p\.m: .*timeout of 3 s and was stopped",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "message"), WHILE_RUNNING.values(), ids=WHILE_RUNNING)
def test_what_goes_wrong_while_it_runs(source: Workspace, body: str, message: str) -> None:
    text = f"@dp.materialized_view(reads={{'t': 's.t'}}, timeout=3)\ndef m(t):\n    {body}\n"
    failing(source, text, message)
    (update,) = source.updates("p")
    assert update["state"] == "failed"
    define(source, START + "@dp.materialized_view\ndef m(): return [{'a': 1}]\n", file="b.py")
    report = source.update("p")
    assert report.published, "the next one goes on"
    states = {e["kind"] for e in source.events(update["update"])}
    assert "finished" in states, "the other dataset's step is not concerned"


@pytest.mark.parametrize(
    ("schema", "given", "message"),
    [
        ("a INT", "[{'a': 'x'}]", r"row 1: a is INT, the value is 'x' of type str"),
        ("a INT", "[{'a': 1 << 40}]", r"row 1: a is INT, the value is 1099511627776"),
        ("a DECIMAL(4,1)", "[{'a': decimal.Decimal('1.25')}]", r"a is DECIMAL\(4,1\), the value"),
        ("a INT", "[{'a': 1}, {'b': 1}]", r"row 2: the column b is not declared"),
        ("a INT", "pa.table({'a': [1]})", r"a is declared INT and the function gives BIGINT"),
        ("a INT, b INT", "pa.table({'a': [1]})", r"does not give b"),
        ("a BIGINT", "pa.table({'a': [1], 'c': [1]})", r"c is not declared"),
        ("a STRING", "'SELECT a FROM t'", r"a is declared STRING and the query gives INT"),
        ("a BIGINT NOT NULL", "[{'a': None}]", r"\ba\b.*NULL|NULL.*\ba\b|NOT NULL|non-null"),
    ],
)
def test_a_wrong_schema(source: Workspace, schema: str, given: str, message: str) -> None:
    text = (
        "import decimal, pyarrow as pa\n"
        f"@dp.materialized_view(schema='{schema}', reads={{'t': 's.t'}})\ndef m(t): return {given}\n"
    )
    assert "pipelines/p/b.py:4" in failing(source, text, message)


def test_a_memory_blow_up_fails_one_step(ws: Workspace) -> None:
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text()
    line = next(line for line in text.splitlines() if "memory =" in line)
    settings.write_text(text.replace(line, 'memory = "500MB"'))
    ws.__init__(type(ws.folder)(ws.folder.root))  # type: ignore[misc]
    define(
        ws,
        START
        + "@dp.materialized_view\ndef big():\n    held = [bytearray(1 << 22) for _ in range(500)]\n"
        "    for one in held: one[::4096] = b'x' * len(one[::4096])\n    time.sleep(30)\n    return []\n"
        "@dp.materialized_view\ndef small(): return [{'a': 1}]\n",
        file="b.py",
    )
    with pytest.raises(LakeletError, match=r"p\.big: its process held \d+ MiB of memory, of 4\d\d"):
        ws.update("p")
    (update,) = ws.updates("p")
    assert [e["dataset"] for e in ws.events(update["update"]) if e["kind"] == "finished"] == [
        "p.small"
    ]


def test_a_failed_expectation_ends_the_function(source: Workspace) -> None:
    text = (
        "@dp.materialized_view\n@dp.expect_or_fail('small', 'a < 3')\ndef m():\n"
        "    a = 0\n    while True:\n        yield {'a': a}\n        a += 1\n"
    )
    began = time.monotonic()
    failing(source, text, r"breaks? the expectation small")
    assert time.monotonic() - began < 60


def test_a_failed_expectation_does_not_wait_for_more_rows(source: Workspace) -> None:
    text = (
        "@dp.materialized_view\n@dp.expect_or_fail('small', 'a < 3')\ndef m():\n"
        "    yield [{'a': 5}] * 300_000\n    time.sleep(1000)\n"
    )
    began = time.monotonic()
    failing(source, text, r"breaks? the expectation small")
    assert time.monotonic() - began < 60


def test_the_traceback_is_among_the_events(source: Workspace) -> None:
    failing(
        source,
        "def deep(): raise ValueError('deep')\n@dp.materialized_view\ndef m(): return deep()\n",
        r"b\.py:3: ValueError: deep",
    )
    (update,) = source.updates("p")
    said = "\n".join(e["message"] for e in source.events(update["update"]) if e["kind"] == "output")
    assert "Traceback" in said
    assert "return deep()" in said
    assert "lakelet/pipelines" not in said, "our own frames say nothing to the person"


def test_the_traceback_of_a_wrong_expression_is_the_persons_own(source: Workspace) -> None:
    failing(
        source,
        "@dp.materialized_view(reads={'t': 's.t'})\ndef m(t): return t.filter('nope')\n",
        r"no column nope",
    )
    (update,) = source.updates("p")
    said = "\n".join(e["message"] for e in source.events(update["update"]) if e["kind"] == "output")
    assert said.count("File ") == 1
    assert "return t.filter('nope')" in said


def test_processes_end_with_the_update(source: Workspace) -> None:
    """What a function starts and leaves behind is ended with it."""
    text = (
        "import subprocess\n@dp.materialized_view\ndef m():\n"
        "    left = subprocess.Popen(['sleep', '1000'])\n    return [{'pid': left.pid}]\n"
    )
    define(source, START + text, file="b.py")
    source.update("p")
    ((pid,),) = source.sql("SELECT pid FROM p.m").rows()
    until(lambda: ended(pid))


SCRIPT = "import sys, lakelet; lakelet.open(sys.argv[1]).update('p')"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_function_ends_when_its_update_does(source: Workspace, how: signal.Signals) -> None:
    text = (
        "@dp.materialized_view\ndef m():\n"
        "    open('pid.txt', 'w').write(str(os.getpid()) + '.')\n    while True: yield {'a': 1}\n"
    )
    define(source, START + text, file="b.py")
    root = source.folder.root
    update = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root)], stderr=subprocess.PIPE)
    noted = root / "pid.txt"
    until(lambda: noted.exists() and noted.read_text().endswith("."))
    update.send_signal(how)
    update.communicate(timeout=60)
    assert update.returncode == -how
    pid = int(noted.read_text().strip("."))
    until(lambda: ended(pid))
    (found,) = source.updates("p")
    assert found["state"] in ("failed", "interrupted")
    assert not source.lake.exists(TableName("p", "m"))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("it does not come to pass")


def ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
