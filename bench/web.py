"""The web interface: up to its first page, every page of a large workspace, many rows, many people."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from large import PAGES, RUN_PAGES, add_runs, make_large
from measure import DATA, RUNS, save

ROWS = int(float(os.environ.get("BENCH_SCALE", "1")) * 100_000_000)
TIMES = 5
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        _first_page(Path(folder))
        _large(Path(folder) / "large")
        _many_rows(Path(folder) / "rows")
        _many_people(Path(folder) / "people")


class Served:
    """A server process that answers at an address."""

    def __init__(self, command: list[str], root: Path, pattern: str) -> None:
        self.process = subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        said = ""
        while (found := re.search(pattern, said)) is None:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"{command} ended: {said}")
            said += line
        self.host = urlsplit(found.group(0)).netloc

    def get(self, path: str) -> bytes:
        asking = http.client.HTTPConnection(self.host, timeout=120)
        asking.request("GET", path, headers={"accept": "text/html"})
        answer = asking.getresponse()
        body = answer.read()
        asking.close()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}: {body[:500]!r}")
        return body

    @property
    def cpu(self) -> float:
        """CPU seconds so far, user and system."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def peak(self) -> float:
        """Peak resident memory in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) * 1024 / 1e6

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextmanager
def lakelet_up(root: Path):
    command = [sys.executable, "-m", "lakelet", "up", "--port", "0", "--no-browser"]
    served = Served(command, root, r"http://127\.0\.0\.1:\d+/")
    try:
        yield served
    finally:
        served.end()


@contextmanager
def datasette_serve(python: Path, database: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python), "-m", "datasette", "serve", str(database), "--port", str(port)]
    served = Served(command, database.parent, r"http://127\.0\.0\.1:\d+")
    try:
        yield served
    finally:
        served.end()


def _first_page(folder: Path) -> None:
    """`lakelet up` and `datasette serve`, each until its first page, with one small table."""
    import sqlite3

    import lakelet

    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-qq", "datasette"], check=True)
    ws = lakelet.init(folder / "small")
    ws.sql("CREATE TABLE gold.some AS SELECT id AS a FROM range(100)")
    with sqlite3.connect(folder / "small.db") as database:
        database.execute("CREATE TABLE some AS SELECT 1 AS a")
    database.close()
    ours, theirs = [], []
    for _ in range(RUNS + 1):
        with lakelet_up(ws.folder.root) as served:
            served.get("/")
            ours.append((served.cpu, served.peak))
        with datasette_serve(python, folder / "small.db") as served:
            served.get("/")
            theirs.append((served.cpu, served.peak))
    # The first of each reads files from the disk that the others find in memory.
    ours, theirs = ours[1:], theirs[1:]
    save(
        "web_first_page",
        {
            "ours_cpu_s": statistics.median(cpu for cpu, _ in ours),
            "theirs_cpu_s": statistics.median(cpu for cpu, _ in theirs),
            "ratio": statistics.median(a / b for (a, _), (b, _) in zip(ours, theirs, strict=True)),
            "ours_peak_mb": max(peak for _, peak in ours),
            "theirs_peak_mb": max(peak for _, peak in theirs),
            "runs": RUNS,
        },
    )


def _large(root: Path) -> None:
    """CPU of the server for every kind of page of a large workspace, each asked before."""
    import lakelet

    make_large(lakelet.init(root))
    add_runs(root)
    pages = PAGES | RUN_PAGES
    found = {}
    loops = [_loop()]
    with lakelet_up(root) as served:
        for _ in range(25):  # a search opens some tables at a time, until it knows them all
            served.get(PAGES["search"])
        for path in [*pages.values()] * 2:
            served.get(path)
        for name, path in pages.items():
            before = served.cpu
            for _ in range(TIMES):
                body = served.get(path)
            found[name] = {"cpu_ms": (served.cpu - before) / TIMES * 1000, "bytes": len(body)}
        peak = served.peak
    loops.append(_loop())
    slowest = max(found, key=lambda name: found[name]["cpu_ms"])
    save(
        "web_pages",
        {
            "slowest": slowest, "slowest_cpu_ms": found[slowest]["cpu_ms"],
            "largest_bytes": max(one["bytes"] for one in found.values()),
            "median_cpu_ms": statistics.median(one["cpu_ms"] for one in found.values()),
            "over_150_ms": [name for name, one in found.items() if one["cpu_ms"] >= 150],
            "peak_mb": peak, "loop_ms": max(loops), "pages": found,
        },
    )  # fmt: skip
    shutil.rmtree(root)


def _loop() -> float:
    """CPU milliseconds of a million additions in Python: how fast this machine is at this hour."""
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time() - began) * 1000


def _many_rows(root: Path) -> None:
    """The first 200 rows of a table of 100 million, from a server that has shown another page."""
    import duckdb
    from deltalake import DeltaTable

    import lakelet

    ws = lakelet.init(root)
    ws.sql("CREATE TABLE gold.many (id BIGINT, value DOUBLE, word STRING)")
    place = Path(ws.lake.root) / "gold" / "many"
    engine = duckdb.connect()
    adds = []
    for number in range(10):
        rows = ROWS // 10
        file = place / f"part-{number}.parquet"
        engine.execute(
            f"COPY (SELECT i AS id, i * 0.5::DOUBLE AS value, 'w' || i % 1000 AS word "
            f"FROM range({number * rows}, {(number + 1) * rows}) r(i)) TO '{file}' "
            "(FORMAT parquet, ROW_GROUP_SIZE 1000000)"
        )
        adds.append((file.name, file.stat().st_size, rows))
    engine.close()
    _commit_files(DeltaTable(place), adds)
    walls, firsts = [], []
    for _ in range(RUNS):
        with lakelet_up(root) as served:
            served.get("/tables")
            for kept in (firsts, walls):
                before, start = served.cpu, time.monotonic()
                served.get("/tables/gold/many/sample")
                kept.append((time.monotonic() - start, served.cpu - before))
    save(
        "web_many_rows",
        {
            "rows": ROWS,
            "first_wall_ms": statistics.median(wall for wall, _ in firsts) * 1000,
            "first_cpu_ms": statistics.median(cpu for _, cpu in firsts) * 1000,
            "wall_ms": statistics.median(wall for wall, _ in walls) * 1000,
            "cpu_ms": statistics.median(cpu for _, cpu in walls) * 1000,
            "runs": RUNS,
        },
    )  # fmt: skip
    shutil.rmtree(root)


def _commit_files(table, adds) -> None:
    import json

    log = Path(urlsplit(table.table_uri).path) / "_delta_log" / f"{table.version() + 1:020}.json"
    now = int(time.time() * 1000)
    lines = [{"commitInfo": {"timestamp": now, "operation": "WRITE", "operationParameters": {}}}]
    lines += [
        {
            "add": {
                "path": path, "partitionValues": {}, "size": size, "modificationTime": now,
                "dataChange": True, "stats": json.dumps({"numRecords": rows}),
            }
        }
        for path, size, rows in adds
    ]  # fmt: skip
    log.write_text("\n".join(json.dumps(line) for line in lines) + "\n")


def _many_people(root: Path) -> None:
    """Ten people reading at once, while updates of a pipeline run."""
    import lakelet

    ws = lakelet.init(root)
    make_large(ws, tables=100, updates=300)
    paths = [PAGES[name] for name in (
        "home", "tables", "schema", "table, overview", "table, sample", "table, history",
        "pipeline's table, quality", "pipelines", "pipeline", "step", "file", "search",
    )]  # fmt: skip
    over, seconds, errors = threading.Event(), [], []
    updates = 0
    with lakelet_up(root) as served:
        for path in paths:
            served.get(path)

        def read(number: int) -> None:
            turn = number
            while not over.is_set():
                start = time.monotonic()
                try:
                    served.get(paths[turn % len(paths)])
                except (SystemExit, OSError, http.client.HTTPException) as error:
                    errors.append(str(error))
                seconds.append(time.monotonic() - start)
                turn += 1
                over.wait(0.3)  # a person looks at a page before asking for the next

        with ThreadPoolExecutor(10) as people:
            for number in range(10):
                people.submit(read, number)
            try:
                until = time.monotonic() + 20
                while time.monotonic() < until:
                    (root / "files" / "posts" / f"more{updates}.jsonl").write_text(
                        "".join(f'{{"id":{n},"score":{n % 7}}}\n' for n in range(20_000))
                    )
                    subprocess.run(
                        [sys.executable, "-m", "lakelet", "update", "p00"],
                        cwd=root, check=True, capture_output=True,
                    )  # fmt: skip
                    updates += 1
            finally:
                over.set()
    save(
        "web_people",
        {
            "people": 10, "updates": updates, "pages": len(seconds), "errors": len(errors),
            "first_errors": errors[:3],
            "p50_ms": statistics.median(seconds) * 1000,
            "p95_ms": statistics.quantiles(seconds, n=20)[18] * 1000,
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
