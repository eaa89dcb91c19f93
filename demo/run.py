"""`make demo`: the product's main job, end to end, on raw files with the dirt of real life."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from raw_files import Notes, write_broken_batch, write_first_batch, write_second_batch

ROOT = Path(__file__).parent
WORKSPACE = ROOT / "workspace"


def say(text: str) -> None:
    """A paragraph for the person who watches."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def lakelet(*arguments: str, expect: int = 0, typed: str | None = None) -> None:
    """Show a command, run it as a person would, and stop the demo where it fails.

    Args:
        arguments: its words.
        expect: the status it ends with.
        typed: what a person types into it, line by line; None for nothing.
    """
    shown = " ".join(f'"{a}"' if " " in a else a for a in arguments)
    print(f"\n$ lakelet {shown}", flush=True)
    for line in (typed or "").splitlines():
        print(f"> {line}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments], cwd=WORKSPACE, check=False, text=True,
        input=typed,
    )  # fmt: skip
    if done.returncode != expect:
        sys.exit(f"the demo stops: lakelet {shown} ended with {done.returncode}")


def listed(*arguments: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments, "--json"],
        cwd=WORKSPACE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def listed_rows(query: str) -> Any:
    """The rows of a query."""
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", "sql", query, "--as", "json"],
        cwd=WORKSPACE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def first_batch() -> Notes:
    """A workspace with three months of raw files, loaded."""
    say("A workspace, and three months of raw files as they were collected.")
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    WORKSPACE.mkdir(parents=True)
    lakelet("init")
    notes = write_first_batch(WORKSPACE / "files")
    lakelet("volumes", "files")
    say("Load them. Nothing is dropped in silence: every file says what became of its rows.")
    lakelet("load", "files/posts", "--into", "bronze.posts")
    lakelet("load", "files/prices", "--into", "bronze.prices", "--hints", "price DECIMAL(10,2)")
    lakelet("show", "bronze.posts")
    say("What was no record, and why; and the values that fit no column.")
    lakelet("rejected", "bronze.posts")
    lakelet(
        "sql", "SELECT id, score, created, _rescued_data FROM bronze.posts "
        "WHERE _rescued_data IS NOT NULL ORDER BY id",
    )  # fmt: skip
    return notes


def pipeline() -> None:
    """The same files through a pipeline: bronze, silver and gold, published together."""
    say("The same files through a pipeline: three datasets, published together or not at all.")
    shutil.copytree(ROOT / "pipelines" / "forum", WORKSPACE / "pipelines" / "forum")
    print((ROOT / "pipelines" / "forum" / "forum.sql").read_text())
    lakelet("plan", "forum")
    lakelet("update", "forum")
    lakelet("sql", "SELECT * FROM forum.claims ORDER BY posts DESC")
    lakelet("rejected", "forum.posts")


def second_update() -> None:
    """The pipeline after the second batch, a broken third one, and the state before."""
    before = datetime.now(UTC).isoformat()
    say("The pipeline takes the new file too, and says why each step ran.")
    lakelet("update", "forum")
    lakelet("why", "forum", "claims")
    say("A broken batch: posts without an id. The update stops, and nothing of it is published.")
    broken = write_broken_batch(WORKSPACE / "files")
    lakelet("update", "forum", expect=1)
    lakelet("sql", "SELECT count(*) AS posts FROM forum.posts")
    broken.unlink()
    say("The file is taken away again; there is nothing to do. And the project as it was before:")
    lakelet("update", "forum")
    lakelet("sql", "SELECT count(*) AS posts FROM forum.posts", "--at", before)
    lakelet("updates", "forum")


def second_batch(notes: Notes) -> None:
    """A month later: only the new file is read."""
    say("A month later. Only the new file is read; its new column joins the table.")
    write_second_batch(WORKSPACE / "files", notes)
    lakelet("load", "files/posts", "--into", "bronze.posts")
    lakelet("load", "files/posts", "--into", "bronze.posts")
    say("Every version stays. What changed, and what did the table say before?")
    lakelet("history", "bronze.posts")
    newest = listed("history", "bronze.posts")[0]["version"]
    lakelet("diff", "bronze.posts", "1", str(newest))
    query = "SELECT forum, count(*) AS posts, round(avg(score), 1) AS score FROM bronze.posts"
    lakelet("sql", f"{query} GROUP BY forum ORDER BY forum")
    lakelet("sql", f"{query} VERSION AS OF 1 GROUP BY forum ORDER BY forum")


def real_files(data: Path) -> None:
    """Real files, where the machine has them."""
    if not (data / "gsm8k").is_dir():
        return
    say("Real files: grade-school mathematics as JSON lines and as one JSON array.")
    lakelet("load", str(data / "gsm8k"), "--into", "tasks.gsm8k")
    lakelet("load", str(data / "svamp" / "SVAMP.json"), "--into", "tasks.svamp")
    lakelet("sql", "SELECT type, count(*) AS n, avg(answer) AS mean FROM tasks.svamp GROUP BY type")
    say(
        "And a pipeline that makes one typed table of problems of these and LogiQA, part of it in Python."
    )
    folder = WORKSPACE / "pipelines" / "tasks"
    folder.mkdir()
    for file in sorted((ROOT / "pipelines" / "tasks").iterdir()):
        if file.is_file():
            text = file.read_text(encoding="utf-8").replace("{data}", str(data))
            (folder / file.name).write_text(text, encoding="utf-8")
    lakelet("update", "tasks")
    lakelet("sql", "SELECT * FROM tasks.overview ORDER BY source, split")
    lakelet("lineage", "tasks.overview")
    _settle_problems(data)


def _settle_problems(data: Path) -> None:
    """Every problem of the files is a row of the table, or a rejected one."""
    lines = sum(
        len(file.read_text(encoding="utf-8").splitlines()) for file in (data / "gsm8k").iterdir()
    )
    array = len(json.loads((data / "svamp" / "SVAMP.json").read_text(encoding="utf-8")))
    logic = sum(
        len((data / "logiqa" / name).read_text(encoding="utf-8").splitlines()) // 8
        for name in ("Test.txt", "Eval.txt")
    )
    (row,) = listed_rows("SELECT count(*) AS kept FROM tasks.problems")
    rejected = len(listed("rejected", "tasks.problems"))
    print(
        f"\n{lines} + {array} + {logic} problems in the files, {row['kept']} kept, {rejected} rejected"
    )
    if lines + array + logic != row["kept"] + rejected:
        sys.exit("the problems do not add up")


def settle(notes: Notes) -> bool:
    """Lay what was done to the files beside what became of them."""
    say("The account: what was done to the files, beside what was kept, rescued and rejected.")
    for file, act in notes.acts:
        print(f"  {file:<36} {act}")
    right = _settle(notes, [*listed("files", "bronze.posts"), *listed("files", "bronze.prices")])
    say("The pipeline took the same files; its account must be the same.")
    posts = {file for file in notes.rows if "/posts/" in file}
    return _settle(notes, listed("files", "forum.raw_posts"), posts) and right


def _settle(notes: Notes, entries: list[Any], only: set[str] | None = None) -> bool:
    """Print and compare the account of some files."""
    got = {entry["file"]: entry for entry in entries}
    header = f"{'file':<36} {'kept':>12} {'rescued':>12} {'rejected':>12}"
    print(f"\n{header}\n{'─' * len(header)}")
    wanted_files = set(notes.rows) if only is None else only
    right = set(got) == wanted_files | notes.unreadable
    for file, rows in notes.rows.items():
        if file not in wanted_files:
            continue
        pairs = [
            (rows, got[file]["kept"]),
            (notes.rescued[file], got[file]["rescued"]),
            (notes.rejected[file], got[file]["rejected"]),
        ]
        right = right and all(wanted == found for wanted, found in pairs)
        cells = (f"{wanted} = {found}" if wanted == found else f"{wanted} ≠ {found}!"
                 for wanted, found in pairs)  # fmt: skip
        print(f"{file:<36} " + " ".join(f"{cell:>12}" for cell in cells))
    for file in notes.unreadable:
        state = got[file]["state"]
        right = right and state == "quarantined"
        print(f"{file:<36} {state}: {got[file]['reason']}")
    return right


def runs() -> None:
    """Three runs of a small model, on two versions of a table."""
    say("A model, tried three times; each run is pinned to the table versions and code it used.")
    tried = (
        ("slow", "--rate", "0.02"),
        ("fast", "--rate", "2"),
        ("before", "--rate", "2", "--version", "1"),
    )
    for name, *options in tried:
        print(f"\n$ python demo/train.py {name} {' '.join(options)}", flush=True)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(ROOT / "train.py"), name, *options],
            cwd=WORKSPACE, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"the demo stops: {name} ended with {done.returncode}")
    lakelet("runs")
    lakelet("compare", "readers/fast", "readers/before")


def models() -> None:
    """A small language model: what its file says, and a question that its own rounding spoils."""
    say("A language model of 98 MB, to look around with: at this size it knows little.")
    settings = WORKSPACE / "lakelet.toml"
    text = settings.read_text("utf-8").replace('# store = "models"', 'store = "models"')
    settings.write_text(text, "utf-8")
    lakelet("models", "add", "smollm2")
    say("Its file rounds weights to 4 bits, and the engine what flows through them. Written out:")
    lakelet("models", "convert", "smollm2", "--to", "f16")
    lakelet("models")
    for name in ("smollm2", "smollm2-f16"):
        question = "What is the capital of France?"
        lakelet("ask", name, question, "--temperature", "0", "--max-tokens", "24")
    say("A conversation, kept in the workspace: each turn is counted, and what is free is told.")
    lakelet(
        "chat", "smollm2-f16", "--temperature", "0", "--context", "1k",
        typed="What is the capital of France?\nName three famous places in Paris.\n",
    )  # fmt: skip
    lakelet("sql", "SELECT number, role, content, prompt_tokens FROM system.conversations")
    say("A question that does not fit is refused before it is sent, with the numbers.")
    (WORKSPACE / "long.txt").write_text("Tell me more, and more of it. " * 200, "utf-8")
    lakelet("ask", "smollm2-f16", "Go on.", "-f", "long.txt", "--context", "1k", expect=1)
    lakelet("models", "unload")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data.resolve()
    os.environ.setdefault("COLUMNS", "110")
    notes = first_batch()
    pipeline()
    second_batch(notes)
    second_update()
    real_files(data)
    runs()
    models()
    if not settle(notes):
        sys.exit("The account does not match what was done to the files.")
    say("Everything is accounted for. All of it is on pages:")
    print(f"\n$ cd {os.path.relpath(WORKSPACE)}\n$ lakelet up", flush=True)
    if sys.stdout.isatty():
        print("\nCtrl-C ends it.", flush=True)
        subprocess.run([sys.executable, "-m", "lakelet", "up"], cwd=WORKSPACE, check=False)
    say("Next, type:")
    command = os.path.relpath(ROOT.parent / ".venv" / "bin" / "lakelet", WORKSPACE)
    print(f"""
  cd {os.path.relpath(WORKSPACE)}
  alias lakelet=$PWD/{command}
  lakelet up
  lakelet sql "SELECT title, count(*) FROM bronze.posts GROUP BY title ORDER BY 2 DESC"
  lakelet load ~/my-raw-files --into bronze.mine
  lakelet new pipeline mine
  lakelet ask smollm2-f16 "What is a lake?"
""")


if __name__ == "__main__":
    main()
