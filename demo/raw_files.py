"""Raw files of a made-up research project, with the dirt of real life, and a list of that dirt.

A small group collects forum posts about language models and the prices of the GPUs they would need.
Every file is written here, clean at first; then it is dirtied, and each act is noted in `Notes`.
What a load keeps, rescues and rejects must match the notes to the last row.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ("Notes", "write_broken_batch", "write_first_batch", "write_second_batch")

FORUMS = ("ml", "llm", "hardware")
CLAIMS = (
    "2-bit models are useless",
    "GRPO has a length bias",
    "topological deep learning is hype",
    "speculative decoding never pays on one GPU",
    "你只需要更多的数据",
)


@dataclass
class Notes:
    """What was written and what was done to it, by file.

    Attributes:
        rows: records a load must keep.
        rescued: of these, records with a value that fits no column.
        rejected: lines that are no records.
        unreadable: files that cannot be read at all.
        acts: everything that was done, for a person.
    """

    rows: dict[str, int] = field(default_factory=dict)
    rescued: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    acts: list[tuple[str, str]] = field(default_factory=list)

    def wrote(self, file: str, rows: int) -> None:
        """A file was written, clean."""
        self.rows[file] = rows
        self.rescued.setdefault(file, 0)
        self.rejected.setdefault(file, 0)

    def act(self, file: str, what: str, *, rescued: int = 0, rejected: int = 0) -> None:
        """Something was done to a file."""
        self.rescued[file] = self.rescued.get(file, 0) + rescued
        self.rejected[file] = self.rejected.get(file, 0) + rejected
        self.acts.append((file, what))


def _post(chance: random.Random, number: int, month: int) -> dict[str, object]:
    day = f"2026-{month:02}-{chance.randint(1, 28):02}"
    return {
        "id": number,
        "forum": chance.choice(FORUMS),
        "author": {"name": f"user{chance.randint(1, 40)}", "karma": chance.randint(0, 5000)},
        "title": chance.choice(CLAIMS),
        "score": chance.randint(-5, 900),
        "created": f"{day}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00Z",
    }


def _lines(posts: list[dict[str, object]]) -> list[str]:
    return [json.dumps(post, ensure_ascii=False) for post in posts]


def write_first_batch(folder: Path) -> Notes:
    """JSON lines, gzip, a JSON array and CSV, as collected from January to March."""
    chance, notes = random.Random(2026), Notes()
    posts = folder / "posts"
    posts.mkdir(parents=True, exist_ok=True)
    _january(posts, chance, notes)
    _february(posts, chance, notes)
    _march(posts, chance, notes)
    _prices(folder / "prices", chance, notes)
    return notes


def _january(folder: Path, chance: random.Random, notes: Notes) -> None:
    name = "files/posts/2026-01.jsonl"
    posts = [_post(chance, number, 1) for number in range(400)]
    notes.wrote(name, len(posts) + 2)
    for index, value in ((17, "yesterday"), (42, "2026-02-30")):
        posts[index]["created"] = value
        notes.act(name, f"line {index + 1}: the date became {value!r}", rescued=1)
    posts[90]["score"] = "n/a"
    notes.act(name, "line 91: the score became the text 'n/a'", rescued=1)
    lines = _lines(posts)
    lines += lines[100:102]
    notes.act(name, "lines 101 and 102 were written twice (duplicates stay rows)")
    lines.insert(200, '{"id": 9999, "forum": "ml", "tit')
    notes.act(name, "line 201: a line that breaks off", rejected=1)
    lines.insert(300, "<html>502 Bad Gateway</html>")
    notes.act(name, "line 301: an error page instead of a record", rejected=1)
    (folder / "2026-01.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _february(folder: Path, chance: random.Random, notes: Notes) -> None:
    name = "files/posts/2026-02.jsonl.gz"
    posts = [_post(chance, number, 2) for number in range(400, 700)]
    for post in posts[150:]:
        post["tags"] = chance.sample(["rl", "quantization", "kv-cache", "topology"], 2)
    notes.wrote(name, len(posts))
    notes.act(name, "from line 151 on: a column that was not there before, tags")
    posts[10]["score"] = 3.75
    notes.act(name, "line 11: a score with a fraction among whole numbers", rescued=1)
    data = "\n".join(_lines(posts)).encode() + b"\n"
    (folder / "2026-02.jsonl.gz").write_bytes(gzip.compress(data, mtime=0))
    broken = "files/posts/2026-02-late.jsonl.gz"
    (folder / "2026-02-late.jsonl.gz").write_bytes(gzip.compress(data, mtime=0)[:-900])
    notes.unreadable.add(broken)
    notes.acts.append((broken, "the gzip file was cut 900 bytes before its end"))


def _march(folder: Path, chance: random.Random, notes: Notes) -> None:
    name = "files/posts/2026-03.json"
    posts = [_post(chance, number, 3) for number in range(700, 1000)]
    posts[5]["author"] = "deleted"
    notes.wrote(name, len(posts) - 1)
    notes.act(name, "record 6: the author became a text instead of an object", rescued=1)
    text = json.dumps(posts, ensure_ascii=False, indent=1)
    cut = text.rindex('"created"')
    (folder / "2026-03.json").write_text(text[:cut], encoding="utf-8")
    notes.act(name, "the array breaks off in its last record", rejected=1)


def _prices(folder: Path, chance: random.Random, notes: Notes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = "files/prices/gpus.csv"
    rows = [
        [f"2026-0{chance.randint(1, 3)}-{chance.randint(10, 28)}", f"GPU {chance.randint(1, 9)}",
         f"{chance.randint(200, 3000)}.{chance.randint(10, 99)}", str(chance.choice([8, 16, 24, 80]))]
        for _ in range(250)
    ]  # fmt: skip
    notes.wrote(name, len(rows) - 2)
    lines = ["day,model,price,memory_gb", *(",".join(row) for row in rows)]
    lines[30] = f'{rows[29][0]},"GPU 5, used",{rows[29][2]},24'
    notes.act(name, "line 31: a comma inside quotes (a row like any other)")
    lines[60] = ",".join([*rows[59], "surplus"])
    notes.act(name, "line 61: a field too many", rejected=1)
    lines[120] = rows[119][0] + ',"GPU 1,300.00,8'
    notes.act(name, "line 121: a quote that is never closed", rejected=1)
    lines[180] = f"{rows[179][0]},{rows[179][1]},on request,{rows[179][3]}"
    notes.act(name, "line 181: a price that is no number", rescued=1)
    (folder / "gpus.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")


def write_second_batch(folder: Path, notes: Notes) -> None:
    """One more month, after the first batch was loaded."""
    chance = random.Random(4)
    name = "files/posts/2026-04.jsonl"
    posts = [_post(chance, number, 4) for number in range(1000, 1200)]
    for post in posts:
        post["lang"] = "zh" if str(post["title"])[0] > "z" else "en"
    notes.wrote(name, len(posts))
    notes.act(name, "a new column in every record, lang")
    (folder / "posts" / "2026-04.jsonl").write_text(
        "\n".join(_lines(posts)) + "\n", encoding="utf-8"
    )


def write_broken_batch(folder: Path) -> Path:
    """A file whose posts have lost their ids; the caller takes it away again."""
    chance = random.Random(5)
    posts = [_post(chance, number, 5) for number in range(1200, 1210)]
    for post in posts[3:]:
        del post["id"]
    path = folder / "posts" / "2026-05.jsonl"
    path.write_text("\n".join(_lines(posts)) + "\n", encoding="utf-8")
    return path
