"""LogiQA comes as text: eight lines a problem, the first of them empty."""

from pathlib import Path

from lakelet import pipelines as dp

DATA = Path("{data}") / "logiqa"
LINES = 8


@dp.materialized_view(comment="logical reading comprehension, one row a problem")
def logiqa():
    rows = []
    for split in ("Test", "Eval"):
        lines = (DATA / f"{split}.txt").read_text(encoding="utf-8").splitlines()
        for start in range(0, len(lines) - LINES + 1, LINES):
            _, right, context, question, *options = lines[start : start + LINES]
            rows.append(
                {
                    "question": "\n".join([context, question, *options]),
                    "steps": [],
                    "answer": right.strip().upper(),
                    "split": split.lower(),
                }
            )
    return rows
