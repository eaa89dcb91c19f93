"""The bar of a load: it tells bytes of all files, and never goes back."""

from __future__ import annotations

from lakelet.session import Workspace


def test_the_bar_never_goes_back_and_comes_to_its_end(ws: Workspace) -> None:
    # More files than one batch takes, and a first load, which reads the first batch twice.
    for number in range(70):
        rows = "".join(f'{{"id":{one},"text":"{"x" * 200}"}}\n' for one in range(100))
        (ws.folder.files / f"{number}.jsonl").write_text(rows)
    told: list[tuple[int, int]] = []
    ws.load("files", into="b.t", progress=lambda *two: told.append(two))
    assert len({whole for _, whole in told}) == 1
    done = [one for one, _ in told]
    assert done == sorted(done)
    size = sum(file.stat().st_size for file in ws.folder.files.iterdir())
    assert size < told[-1][1] <= 2 * size
    assert done[-1] == told[-1][1]
    told.clear()
    ws.load("files", into="b.t", progress=lambda *two: told.append(two))
    assert told == []
