"""A small model, tried three times: which posts are read? Each run is pinned by itself.

Logistic regression by gradient descent on what is known when a post is written: its forum and its
claim. The scores of the demo are drawn at random, so that an honest model finds next to nothing.
"""

from __future__ import annotations

import argparse

import numpy

import lakelet


def features(rows: list[tuple[str, str, int]]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """One column a forum and a claim, and whether a post is above the median."""
    names = sorted({forum for forum, _, _ in rows}) + sorted({title for _, title, _ in rows})
    known = numpy.array([[name in row[:2] for name in names] for row in rows], dtype=float)
    scores = numpy.array([row[2] for row in rows])
    return known, (scores > numpy.median(scores)).astype(float)


def main() -> None:
    """Train once, as the options say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--version", type=int, help="The version of forum.posts; the newest.")
    given = parser.parse_args()
    ws = lakelet.open()
    params = {"rate": given.rate, "steps": 40}
    with ws.run(f"readers/{given.name}", params=params, seed=7) as run:
        table = ws.table("forum.posts")
        posts = table if given.version is None else table.at(version=given.version)
        rows = posts.sql(
            "SELECT forum, title, score FROM this WHERE score IS NOT NULL ORDER BY id"
        ).rows()
        known, read = features(rows)
        held = numpy.random.permutation(len(rows)) < len(rows) // 4
        weights = numpy.zeros(known.shape[1])
        for step in range(40):
            guess = 1 / (1 + numpy.exp(-known[~held] @ weights))
            loss = -numpy.mean(
                read[~held] * numpy.log(guess) + (1 - read[~held]) * numpy.log(1 - guess)
            )
            run.log(loss=float(loss), step=step)
            weights += given.rate * known[~held].T @ (read[~held] - guess) / len(guess)
        right = float(numpy.mean((known[held] @ weights > 0) == (read[held] > 0.5)))
        run.log(accuracy=right, posts=len(rows))
        print(f"{given.name}: {right:.3f} of {int(held.sum())} held-out posts are guessed right")


if __name__ == "__main__":
    main()
