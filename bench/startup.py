"""How long until something happens: `lakelet sql "select 1"`, `import lakelet`, nothing new."""

from __future__ import annotations

import shutil

from measure import DATA, RUNS, process, ratios, save

FILES = 100_000


def main() -> None:
    root = DATA / "startup"
    shutil.rmtree(root, ignore_errors=True)
    process(f"import lakelet; lakelet.init({str(root)!r})")
    ours = f"from lakelet.cli.app import _run; import os; os.chdir({str(root)!r}); _run(['sql', 'select 1'])"
    theirs = "import duckdb; duckdb.sql('select 1').fetchall()"
    save("select_1", ratios(lambda: process(ours), lambda: process(theirs), runs=2 * RUNS))
    bare = min(process("pass").cpu for _ in range(RUNS))
    imported = sorted(process("import lakelet").cpu for _ in range(RUNS))[RUNS // 2]
    save("import_lakelet", {"cpu_s": imported - bare})
    _nothing_new(root)


def _nothing_new(root) -> None:
    folder = root / "files" / "many"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number:06}.jsonl").write_text(f'{{"id": {number}}}\n')
    load = (
        f"import lakelet; print(lakelet.open({str(root)!r}).load('files/many', into='t.many').kept)"
    )
    first = process(load)
    assert int(first.output) == FILES
    versions = f"""
import lakelet
ws = lakelet.open({str(root)!r}); before = [ws.table(n).version for n in ws.tables()]
import time; start = time.monotonic(); report = ws.load('files/many', into='t.many')
wall = time.monotonic() - start
assert report.same == {FILES} and [ws.table(n).version for n in ws.tables()] == before
print(wall)"""
    again = [process(versions) for _ in range(RUNS)]
    save(
        "nothing_new",
        {
            "files": FILES,
            "first_load_cpu_s": first.cpu,
            "again_wall_s": sorted(float(c.output) for c in again)[RUNS // 2],
            "again_cpu_s": sorted(c.cpu for c in again)[RUNS // 2],
            "commits": 0,
        },
    )


if __name__ == "__main__":
    main()
