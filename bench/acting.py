"""Acting in the browser: a large file brought in, completion, and a statement's first rows."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from measure import DATA, RUNS, save

from web import lakelet_up

UPLOAD = int(float(os.environ.get("BENCH_GB", "1")) * 10**9)
PIECE = 16 << 20
TABLES = 2_000
ROWS = 1_000_000


def main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        _upload(Path(folder))
        _completion(Path(folder) / "many")
        _first_rows(Path(folder) / "rows")


class Person:
    """Somebody at a page of a server."""

    def __init__(self, served: object, page: str) -> None:
        self.asking = http.client.HTTPConnection(served.host, timeout=600)
        text = served.get(page).decode()
        self.token = text.partition('data-token="')[2].partition('"')[0]

    def post(self, path: str, body: bytes) -> dict:
        self.asking.request("POST", path, body, {"x-lakelet-token": self.token})
        answer = self.asking.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{path}: {told}")
        return told

    def get(self, path: str) -> dict:
        self.asking.request("GET", path)
        return json.loads(self.asking.getresponse().read())


def _upload(folder: Path) -> None:
    """A file through loopback into a volume, beside `cp` of it on the same disk."""
    import lakelet

    ws = lakelet.init(folder / "upload")
    raw = folder / "raw.bin"
    block = os.urandom(1 << 24)
    with raw.open("wb") as file:
        for _ in range(UPLOAD // len(block)):
            file.write(block)
    size = raw.stat().st_size
    ours, theirs, synced, peaks = [], [], [], []
    for number in range(RUNS):
        for copied, command in ((theirs, "cp {0} {1}"), (synced, "cp {0} {1} && sync {1}")):
            target = folder / "copy.bin"
            began = time.perf_counter()
            subprocess.run(command.format(raw, target), shell=True, check=True)
            copied.append(time.perf_counter() - began)
            target.unlink()
        with lakelet_up(ws.folder.root) as served, raw.open("rb") as file:
            person = Person(served, "/file?path=files:")
            began = time.perf_counter()
            for offset in range(0, size, PIECE):
                query = urlencode({"folder": "files:", "name": f"{number}.bin", "size": size,
                                   "modified": 1, "offset": offset})  # fmt: skip
                told = person.post(f"/uploads/piece?{query}", file.read(PIECE))
            ours.append(time.perf_counter() - began)
            peaks.append(served.peak)
        (ws.folder.root / told["path"]).unlink()
    save(
        "acting_upload",
        {
            "bytes": size, "ours_s": statistics.median(ours), "cp_s": statistics.median(theirs),
            "cp_and_sync_s": statistics.median(synced),
            "speed": statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
            "speed_synced": statistics.median(b / a for a, b in zip(ours, synced, strict=True)),
            "peak_mb": max(peaks), "runs": RUNS,
        },
    )  # fmt: skip


def _completion(folder: Path) -> None:
    """What completion takes the server, with many tables."""
    import lakelet

    ws = lakelet.init(folder)
    for number in range(TABLES):
        ws.sql(
            f"CREATE TABLE s{number % 20}.table_{number} (id BIGINT, score DOUBLE, title STRING)"
        )
    from lakelet.session.searching import refresh

    while refresh(ws):
        pass
    with lakelet_up(folder) as served:
        person = Person(served, "/sql")
        text = "SELECT ta FROM s1.table_1 JOIN s2.table_2 USING (id)"
        asked = json.dumps({"text": text, "place": 9}).encode()
        person.post("/sql/words", asked)
        before, times = served.cpu, 40
        for _ in range(times):
            person.post("/sql/words", asked)
        save("acting_words", {"tables": TABLES, "cpu_ms": (served.cpu - before) / times * 1000})


def _first_rows(folder: Path) -> None:
    """From asking until the first rows are there, beside the engine's own time in one process."""
    import lakelet

    ws = lakelet.init(folder)
    ws.sql(
        f"CREATE TABLE a.b AS SELECT id, id % 1000 AS k, concat('row ', id) AS s FROM range({ROWS})"
    )
    queries = {
        "some rows": "SELECT * FROM a.b LIMIT 100",
        "all rows": "SELECT * FROM a.b",
        "a group": "SELECT k, count(*) AS n, max(s) AS last FROM a.b GROUP BY k ORDER BY n DESC, k",
    }
    found = {}
    with lakelet_up(folder) as served:
        person = Person(served, "/sql")
        for name, text in queries.items():
            ours, engine = [], []
            for _ in range(RUNS + 1):
                began = time.perf_counter()
                run = person.post("/sql/runs", json.dumps({"text": text}).encode())
                while not run["first"]:
                    run = person.get(f"/sql/runs/{run['id']}?seen={run['number']}")
                ours.append(time.perf_counter() - began)
                while run["state"] != "finished":
                    run = person.get(f"/sql/runs/{run['id']}?seen={run['number']}")
                began = time.perf_counter()
                next(iter(ws.sql(text).batches()))
                engine.append(time.perf_counter() - began)
            over = [a - b for a, b in zip(ours[1:], engine[1:], strict=True)]
            found[name] = {
                "ours_ms": statistics.median(ours[1:]) * 1000,
                "engine_ms": statistics.median(engine[1:]) * 1000,
                "above_ms": statistics.median(over) * 1000,
            }
    save("acting_first_rows", {"rows": ROWS, "queries": found, "runs": RUNS})
