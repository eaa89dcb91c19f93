"""Big raw files for the loading benchmarks, made once and kept in bench/data."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

TYPES = {
    "id": "BIGINT", "user": "VARCHAR", "score": "BIGINT", "ratio": "DOUBLE", "ok": "BOOLEAN",
    "created": "TIMESTAMPTZ", "title": "VARCHAR", "body": "VARCHAR", "n": "BIGINT",
    "kind": "VARCHAR",
}  # fmt: skip
WORDS = [
    "the",
    "lake",
    "is",
    "small",
    "and",
    "clear",
    "while",
    "data",
    "flows",
    "down",
    "from",
    "every",
    "raw",
    "file",
    "into",
    "tables",
    "with",
    "history",
    "and",
    "nothing",
    "is",
    "lost",
    "on",
    "the",
    "way",
]


def records(chance: random.Random) -> Iterator[dict[str, object]]:
    number = 0
    while True:
        yield {
            "id": number,
            "user": f"u{chance.randrange(100_000)}",
            "score": chance.randrange(-5, 5000),
            "ratio": chance.random(),
            "ok": chance.random() < 0.5,
            "created": f"2026-0{chance.randrange(1, 10)}-{chance.randrange(10, 28)}"
            f"T12:{chance.randrange(10, 60)}:00Z",
            "title": " ".join(chance.choices(WORDS, k=5)),
            "body": " ".join(chance.choices(WORDS, k=8)),
            "n": None if chance.random() < 0.1 else chance.randrange(100),
            "kind": chance.choice("abc"),
        }
        number += 1


def damage_json(chance: random.Random, record: dict[str, object]) -> str:
    how = chance.randrange(4)
    if how == 0:
        return json.dumps(record)[: chance.randrange(5, 60)]
    if how == 1:
        record["score"] = "n/a"
    elif how == 2:
        record["created"] = "yesterday"
    else:
        record["n"] = 1.5
    return json.dumps(record)


def damage_csv(chance: random.Random, row: list[str]) -> list[str]:
    how = chance.randrange(4)
    if how == 0:
        return row[:-2]
    if how == 1:
        row[2] = "n/a"
    elif how == 2:
        row[5] = "yesterday"
    else:
        row[8] = "1.5"
    return row


def write_json(path: Path, size: int, *, damaged: float = 0.0) -> Path:
    if path.exists():
        return path
    chance = random.Random(1)
    with path.open("w") as file:
        for record in records(chance):
            bad = damaged and chance.random() < damaged
            file.write((damage_json(chance, record) if bad else json.dumps(record)) + "\n")
            if record["id"] % 1000 == 0 and file.tell() > size:
                return path
    return path


def write_csv(path: Path, size: int, *, damaged: float = 0.0) -> Path:
    if path.exists():
        return path
    chance = random.Random(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TYPES)
        for record in records(chance):
            row = ["" if v is None else str(v) for v in record.values()]
            if damaged and chance.random() < damaged:
                row = damage_csv(chance, row)
            writer.writerow(row)
            if record["id"] % 1000 == 0 and file.tell() > size:
                return path
    return path


def write_array(path: Path, size: int) -> Path:
    if path.exists():
        return path
    with path.open("w") as file:
        file.write("[")
        for record in records(random.Random(1)):
            file.write(("," if record["id"] else "") + "\n " + json.dumps(record))
            if record["id"] % 1000 == 0 and file.tell() > size:
                file.write("\n]\n")
                return path
    return path


def write_gzip(path: Path, size: int) -> Path:
    """A gzip file whose content is of that size: members of 64 MB, one behind the other."""
    if path.exists():
        return path
    text = io.StringIO()
    for record in records(random.Random(1)):
        text.write(json.dumps(record) + "\n")
        if record["id"] % 1000 == 0 and text.tell() > 64_000_000:
            break
    member = gzip.compress(text.getvalue().encode(), compresslevel=1, mtime=0)
    with path.open("wb") as file:
        for _ in range(size // text.tell() + 1):
            file.write(member)
    return path


def write_wide(path: Path, size: int) -> Path:
    if path.exists():
        return path
    chance = random.Random(1)
    with path.open("w") as file:
        while file.tell() < size:
            row = {f"field_{i}": chance.randrange(1000) for i in range(1990)}
            file.write(json.dumps(row) + "\n")
    return path
